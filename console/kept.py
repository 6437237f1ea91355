"""What somebody typed into a form that met no session, or an old one: shown again where they were, never sent again.

A browser that signed in keeps a mark (`mark`): who it was cannot be read from it, but for whoever signs in next it can
be checked whether they are that person. What is kept lies in the browser's session for minutes, and is taken once, by
that person alone (docs/decisions/0044-typed-before-signing-in.md).
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from typing import Any, cast

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse, QueryDict
from django.urls import Resolver404, resolve
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from kit import opaque
from tenants.actions import POLICY
from tenants.models import Membership, Tenant
from tokens.endpoints.request import MemberRequest, TenantRequest

KEPT_FOR, MARKED_FOR = timedelta(minutes=10), timedelta(days=7)
MOST, LONGEST_ADDRESS = 8 * 1024, 2000
SIGNED_OUT, PROVED = "signed_out", "proved"
SENTENCES = {
    SIGNED_OUT: _("You were signed out meanwhile. Nothing was done yet."),
    PROVED: _("You proved that it is you. Nothing was done yet."),
}
PAGES = ("/console", "/me", "/why")
_REASON = frozenset({"reason"})
_LESS = frozenset({"scope", "end", "reason"})
FILLED: Mapping[str, frozenset[str]] = {
    "approve": frozenset({"owner", "scope", "extent", "people", "longest", "until"}),
    "deny": frozenset({"preset", "reason"}),
    "ask-about": frozenset({"words"}),
    "invite-member": frozenset({"email", "role"}),
    "change-settings": POLICY | {"part"},
    "pause-agent": _REASON,
    "resume-agent": _REASON,
    "restore-agent": _REASON,
    "end-agent": _REASON,
    "end-many": _REASON,
    "end-delegation": _REASON,
    "retire-resource": _REASON,
    "retire-scope": _REASON,
    "pause-tenant": _REASON,
    "remove-member": frozenset({"reason", "agents_to"}),
    "narrow-delegation": _LESS,
    "narrow-access": _LESS,
}
"""The forms that are filled again, and which of their fields: no secret, and nothing that is typed to be sure."""
_FORM, _SAID, _SALT = "kept_form", "kept_said", "console.kept"


def mark(request: HttpRequest, response: HttpResponse, member: Membership) -> None:
    """Leave in a browser who signed in here, so that nobody reads it and a later sign-in is compared with it."""
    nonce = opaque.make()
    value = signing.dumps([nonce, _digest(nonce, member)], salt=_SALT)
    response.set_cookie(
        _name(cast(TenantRequest, request).tenant),
        value,
        max_age=MARKED_FOR,
        path="/",
        secure=settings.IS_HTTPS,
        httponly=True,
        samesite="Lax",
    )


def keep(request: TenantRequest, why: str) -> None:
    """Keep that a form was not taken, and what of it may be shown again. Of an unknown browser nothing is kept."""
    marked = _of_member(request.member) if request.member is not None else _marked(request)
    if marked is None:
        return
    found = {"who": marked, "at": timezone.now().timestamp()}
    request.session[_SAID] = {**found, "why": why}
    request.session.pop(_FORM, None)
    place = request.resolver_match
    name = (place.url_name if place else None) or ""
    if place is not None and (typed := _typed(name, request.POST)):
        request.session[_FORM] = {**found, "name": name, "of": place.kwargs, "typed": typed}


def take(request: MemberRequest, *names: str, **of: str) -> tuple[Mapping[str, str], QueryDict] | None:
    """Return what this person typed into one of the forms, this once: what the form is about, and its fields."""
    kept = request.session.get(_FORM)
    if kept is None or kept["name"] not in names or any(kept["of"].get(name) != value for name, value in of.items()):
        return None
    request.session.pop(_FORM)
    return (kept["of"], QueryDict(kept["typed"])) if _is_theirs(kept, request.member) else None


def initial(request: MemberRequest, *names: str, **of: str) -> dict[str, Any]:
    """Return the same as what a form begins with; nothing where nothing was kept."""
    found = take(request, *names, **of)
    return found[1].dict() if found else {}


def lazily(request: MemberRequest) -> "SimpleLazyObject[str]":
    """Return the sentence about what was not taken, said once, on the first page that shows it."""
    return SimpleLazyObject(partial(_say, request))


def page_of(request: TenantRequest) -> str:
    """Return the page where a form stood: what its browser says, if it is a page of ours, else the nearest above."""
    issuer, came = f"{request.tenant.issuer}/", request.headers.get("Referer", "")
    place = came.removeprefix(request.tenant.issuer).partition("#")[0]
    if not came.startswith(issuer) or len(came) > LONGEST_ADDRESS or not _is_page(place.partition("?")[0]):
        place = above(request.path_info)
    return address(request, place)


def address(request: TenantRequest, path: str) -> str:
    """Return a path of the tenant as its browser asks for it."""
    return f"/t/{request.tenant.slug}{path}"


def waits(request: TenantRequest) -> bool:
    """Say whether there is something to say of a form that was not taken."""
    return _SAID in request.session


def above(path: str) -> str:
    """Return the nearest page above an address that has none; the tenant's first page is above all."""
    steps = path.rstrip("/").split("/")
    while len(steps) > 2:
        steps.pop()
        if _is_page("/".join(steps)):
            return "/".join(steps)
    return "/"


def _is_page(path: str) -> bool:
    if not path.startswith(PAGES):
        return False
    try:
        resolve(path, settings.TENANT_URLCONF)
    except Resolver404:
        return False
    return True


def _typed(name: str, post: QueryDict) -> str:
    """Return the fields that may be shown again; none of a form that is longer than anybody types."""
    kept = QueryDict(mutable=True)
    for field, values in post.lists():
        if field in FILLED.get(name, ()):
            kept.setlist(field, [value.replace("\x00", "") for value in values])
    text = kept.urlencode()
    return text if len(text) <= MOST else ""


def _say(request: MemberRequest) -> str:
    said = request.session.pop(_SAID) if _SAID in request.session else None
    if said is None or not _is_theirs(said, request.member):
        return ""
    return str(SENTENCES[said["why"]])


def _is_theirs(kept: Mapping[str, Any], member: Membership) -> bool:
    nonce, digest = kept["who"]
    is_fresh = timezone.now().timestamp() - kept["at"] <= KEPT_FOR.total_seconds()
    return is_fresh and constant_time_compare(digest, _digest(nonce, member))


def _marked(request: TenantRequest) -> list[str] | None:
    """Return what a browser's mark says, or None where it has none of ours."""
    try:
        nonce, digest = signing.loads(request.COOKIES.get(_name(request.tenant), ""), salt=_SALT, max_age=MARKED_FOR)
    except (signing.BadSignature, ValueError, TypeError):
        return None
    return [str(nonce), str(digest)]


def _of_member(member: Membership) -> list[str]:
    nonce = opaque.make()
    return [nonce, _digest(nonce, member)]


def _digest(nonce: str, member: Membership) -> str:
    return salted_hmac(_SALT, f"{nonce} {member.tenant_id} {member.pk}", algorithm="sha256").hexdigest()


def _name(tenant: Tenant) -> str:
    return f"{settings.MARK_COOKIE_NAME}-{tenant.slug}"
