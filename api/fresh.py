"""What takes a proof of minutes ago: the app has the person sign in anew, and comes back (RFC 9470)."""

from datetime import timedelta

from allauth.mfa.models import Authenticator
from django.utils import timezone
from rest_framework.request import Request

from api.authentication import challenge, tenant_of
from api.errors import Refusal
from api.keepers import member_of
from tokens.bearer import Bearer
from tokens.models import RefreshToken

LONGEST = timedelta(minutes=5)


class SignInTooOld(Refusal):
    status = 401
    title = "The person has to sign in anew"

    def __init__(self, header: str) -> None:
        super().__init__("This takes a sign-in that is at most five minutes old: ask for one with max_age.")
        self.headers = {"WWW-Authenticate": header}


def check_fresh(request: Request) -> None:
    """Check that a person who set up a factor signed in minutes ago for this token; raises SignInTooOld."""
    member = member_of(request)
    if not Authenticator.objects.filter(user_id=member.user_id).exists():
        return
    assert isinstance(request.auth, Bearer)
    family = RefreshToken.objects.filter(pk=request.auth.token.family_id).first()
    if family is not None and family.auth_time and timezone.now() - family.auth_time <= LONGEST:
        return
    scope = " ".join(sorted(request.auth.scopes))
    error = "insufficient_user_authentication"
    seconds = int(LONGEST.total_seconds())
    raise SignInTooOld(f'{challenge(tenant_of(request), scope=scope, error=error)}, max_age="{seconds}"')
