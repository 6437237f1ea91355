"""allauth's adapter: sign-in is into a tenant, sign-up is closed, and both outcomes are written down."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme

from audit.events import Event
from audit.ledger import record
from audit.principals import Kind, Principal
from tenants.models import Membership, User


class Adapter(DefaultAccountAdapter):
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> User | None:
        """Return the person if the password is right and they have a place here; otherwise it is one refusal."""
        user: User | None = super().authenticate(request, **credentials)
        if user is None or _place(user) is not None:
            return user
        # allauth has just taken the attempt back, as after a success: here it must count like a wrong password, or the
        # limit would tell whoever has no place here that the password was right.
        self.pre_authenticate(request, **credentials)
        self.authentication_failed(request, **credentials)
        return None

    def is_safe_url(self, url: str) -> bool:
        """Say whether `next` stays on our pages: allauth would allow any port of our host, and http beside https."""
        return url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        super().authentication_failed(request, **credentials)
        user = User.objects.filter(email=str(credentials.get("email", "")).lower()).first()
        member = _place(user) if user else None
        if member is not None:
            _record(Event.SIGN_IN_REFUSED, member)

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        response: HttpResponse = super().post_login(request, user, **kwargs)
        member = _place(user)
        if member is not None:
            _record(Event.SIGNED_IN, member)
        return response

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: pages say what happened, and no page shows flash messages."""


def _place(user: User) -> Membership | None:
    active = Membership.objects.select_related("user").filter(status=Membership.Status.ACTIVE, user__is_active=True)
    return active.filter(user=user).first()


def _record(event: Event, member: Membership) -> None:
    with transaction.atomic():
        record(event, by=Principal(Kind.USER, member.pk, member.name), about=member)
