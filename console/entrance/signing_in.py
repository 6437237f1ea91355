"""Sign-in and sign-out: allauth's views, with the policies that an entrance page needs.

No form-action (the redirects after the POST may end at a client), and a referrer for Django's CSRF check.
"""

from allauth.account import views
from csp.decorators import csp_replace
from django.views.decorators.cache import never_cache

_entrance = csp_replace({"form-action": None})

login = never_cache(_entrance(views.login))
logout = never_cache(_entrance(views.logout))
reauthenticate = never_cache(_entrance(views.reauthenticate))
signup_closed = never_cache(_entrance(views.signup))
