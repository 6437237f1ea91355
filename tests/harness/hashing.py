"""Passwords in tests: hashed as the product does, a thousand times cheaper."""

from django.contrib.auth.hashers import ScryptPasswordHasher


class CheapScrypt(ScryptPasswordHasher):
    work_factor = 2**4
