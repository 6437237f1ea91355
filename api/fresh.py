"""What takes a proof of minutes ago: the app has the person sign in anew, and comes back (RFC 9470)."""

from allauth.mfa.models import Authenticator
from django.db.models import Min
from django.utils import timezone
from rest_framework.request import Request

from api import problem_kinds as kinds
from api.authentication import challenge, tenant_of
from api.errors import Refusal
from api.keepers import member_of
from tokens.bearer import Bearer
from tokens.endpoints.freshness import RECENT
from tokens.models import RefreshToken


class SignInTooOld(Refusal):
    status = 401
    title = kinds.SIGN_IN_TOO_OLD

    def __init__(self, header: str) -> None:
        super().__init__("This takes a sign-in that is at most five minutes old: ask for one with max_age.")
        self.headers = {"WWW-Authenticate": header}


def check_fresh(request: Request) -> None:
    """Check that a person who set up a factor proved it minutes ago for this token; raises SignInTooOld.

    A sign-in from before the first factor was proved by none.
    """
    since = Authenticator.objects.filter(user_id=member_of(request).user_id).aggregate(first=Min("created_at"))["first"]
    if since is None:
        return
    assert isinstance(request.auth, Bearer)
    family = RefreshToken.objects.filter(pk=request.auth.token.family_id).first()
    moment = family.auth_time if family is not None else None
    if moment is not None and moment >= since and timezone.now() - moment <= RECENT:
        return
    scope = " ".join(sorted(request.auth.scopes))
    error = "insufficient_user_authentication"
    seconds = int(RECENT.total_seconds())
    raise SignInTooOld(f'{challenge(tenant_of(request), scope=scope, error=error)}, max_age="{seconds}"')
