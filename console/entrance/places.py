"""A person's place in this tenant: looked up before any sign-in counts, and written about in the ledger."""

from django.contrib.auth import logout
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import Kind, Principal
from tenants import sign_ins
from tenants.models import Membership, User
from tokens.endpoints import circumstances
from tokens.endpoints.circumstances import PASSWORD

NOBODY = Principal(Kind.SYSTEM, "stranger", "Somebody unknown")
"""Whoever came with an address that has no place here: it is not kept, for people type passwords there."""


def place_of(user: User) -> Membership | None:
    """Return the person's place here; None for whoever has none, lost it, or may not sign in anywhere."""
    return _with_a_place().filter(user=user.pk).first()


def methods_used(request: HttpRequest, user: User) -> list[str]:
    """Return what the person proved in this session, oldest first."""
    return [method for method, _ in circumstances.proved(request, user)]


@transaction.atomic
def write_down(event: Event, user: User, methods: list[str]) -> Membership | None:
    """Record what a person did at our door. Whoever has no place here is nobody to this tenant's ledger."""
    member = place_of(user)
    if member is not None:
        detail: dict[str, JsonValue] = {"methods": [*methods]} if methods else {}
        record(event, by=Principal(Kind.USER, member.pk, member.name), about=member, detail=detail)
    return member


@transaction.atomic
def write_down_wrong_password(email: str) -> None:
    """Record that a password opened nothing: one entry, that names whoever has a place here and else nobody.

    An address that is not known costs what a known one does, the commit too: time would tell them apart otherwise.
    """
    member = _with_a_place().filter(user__email=email.lower()).first()
    by = NOBODY if member is None else Principal(Kind.USER, member.pk, member.name)
    record(Event.SIGN_IN_REFUSED, by=by, about=member, detail={"methods": [PASSWORD]})


@transaction.atomic
def let_in(request: HttpRequest, user: User) -> Membership | None:
    """Record that a person signed in, and keep where: the session names the row that is kept of it. Return them."""
    session, methods = request.session, list(dict.fromkeys(methods_used(request, user)))
    member = write_down(Event.SIGNED_IN, user, methods)
    if member is None:
        return None
    if not session.session_key:
        session.create()  # Somebody else was signed in here: their session was dropped.
    if sign_ins.KEPT in session:
        sign_ins.forget_one(session[sign_ins.KEPT])
    key = str(session.session_key)
    user_agent, address = request.headers.get("User-Agent", ""), request.META.get("REMOTE_ADDR", "")
    session[sign_ins.KEPT] = sign_ins.keep(member, key, user_agent=user_agent, address=address).pk
    return member


@transaction.atomic
def sign_out(request: HttpRequest) -> None:
    """Record that a person signed out, and end the session; where nobody was signed in, there is nobody to name."""
    if isinstance(request.user, User):
        write_down(Event.SIGNED_OUT, request.user, [])
    let_out(request)


@transaction.atomic
def let_out(request: HttpRequest) -> None:
    """End the session of this browser, and forget the sign-in."""
    sign_ins.forget_one(request.session.get(sign_ins.KEPT, ""))
    logout(request)


def _with_a_place() -> "QuerySet[Membership]":
    active = Membership.objects.select_related("user").filter(status=Membership.Status.ACTIVE)
    return active.filter(user__is_active=True)
