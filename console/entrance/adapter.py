"""allauth's adapter: sign-in is into a tenant, sign-up is closed, and both outcomes are written down."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.db import transaction
from django.http import HttpRequest, HttpResponse

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
        return user if user is not None and _place(user) is not None else None

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
    return Membership.objects.select_related("user").filter(user=user, status=Membership.Status.ACTIVE).first()


def _record(event: Event, member: Membership) -> None:
    with transaction.atomic():
        record(event, by=Principal(Kind.USER, member.pk, member.name), about=member)
