"""The product's own settings, as the live server of the tests has them: two of them differ."""

from remit.settings import *  # noqa: F403 - all of them

# Hundreds of sign-ins cost less.
PASSWORD_HASHERS = ["tests.harness.hashing.CheapScrypt"]
# Nobody translates into it: it shows that pages can be written from the right.
LANGUAGES = [*LANGUAGES, ("ar", "العربية")]  # noqa: F405
