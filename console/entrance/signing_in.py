"""Sign-in and sign-out: allauth's views, with the policies that an entrance page needs.

No form-action (the redirects after the POST may end at a client), and a referrer for Django's CSRF check.
"""

from allauth.account import views
from csp.decorators import csp_replace
from django.views.decorators.cache import never_cache

from console.entrance import again, company, door, passkeys, second_factor

_entrance = csp_replace({"form-action": None})

login = never_cache(_entrance(door.SignIn.as_view()))
company_begin = never_cache(_entrance(company.begin))
company_finish = never_cache(_entrance(company.finish))
login_with_passkey = never_cache(_entrance(passkeys.SignIn.as_view()))
second_factor_page = never_cache(_entrance(second_factor.Prove.as_view()))
logout = never_cache(_entrance(views.logout))
reauthenticate = never_cache(_entrance(again.ByPassword.as_view()))
reauthenticate_with_code = never_cache(_entrance(again.ByCode.as_view()))
reauthenticate_with_passkey = never_cache(_entrance(passkeys.ProveAgain.as_view()))
signup_closed = never_cache(_entrance(views.signup))
