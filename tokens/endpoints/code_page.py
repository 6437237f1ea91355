"""A page for each code with which people are sent back to an agent: `error_uri` (RFC 6749 §4.1.2.1) leads here.

So does the `type` of what the API refuses (RFC 9457 §3.1.1): whoever wires the address brings those codes.

It tells of the code, and nothing of the request but its name: whoever may read the ledger finds the rest by that.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.http import Http404, HttpResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from kit import context
from kit.oauth import OAuthError
from tenants.models import Tenant
from tenants.roles import Act
from tokens.endpoints.problem_page import Fix, Problem, Row, answer
from tokens.endpoints.request import TenantRequest

_REQUEST = re.compile(r"req_[0-9a-z]{26}")
ADVICE: Mapping[str, str | Promise] = {
    "invalid_request": _("Send each parameter once, with response_type=code and a code_challenge by S256 (PKCE)."),
    "unauthorized_client": _("Register the client for the grant authorization_code."),
    "access_denied": _("Nothing: somebody said no. Ask again when they want it."),
    "unsupported_response_type": _("Send response_type=code."),
    "invalid_scope": _("Name scopes that the resource has; its metadata document lists them."),
    "invalid_target": _("Name the resource by its identifier, in the parameter resource."),
    "request_not_supported": _("Send the parameters themselves, and no request object."),
    "request_uri_not_supported": _("Send the parameters themselves, and no address of a request object."),
    "login_required": _("Ask again without prompt=none, so that the person can sign in."),
    "consent_required": _("Ask again without prompt=none, so that the person can decide."),
}
"""What an agent's developer does about each code; the tests hold it to what is redirected."""


@dataclass(frozen=True, slots=True)
class Explained:
    """A kind of refusal of the API: what it says on the wire, and what a developer does about it."""

    title: str
    todo: str


def uri(tenant: Tenant, refusal: OAuthError) -> str:
    """Return where a refusal is explained, for this request; "" where there is no page of its code."""
    if refusal.code not in ADVICE:
        return ""
    return f"{tenant.issuer}/errors/{refusal.code}?{urlencode({'request': context.request_id()})}"


@require_safe
def view(request: TenantRequest, code: str, further: Mapping[str, Explained]) -> HttpResponse:
    """Explain a code, to whoever comes; `further` are those that are not OAuth's."""
    if code in further:
        return _of_the_api(request, code, further[code])
    if code not in ADVICE:
        raise Http404
    named = request.GET.get("request", "")
    of_request = named if _REQUEST.fullmatch(named) else ""
    said = _meanings()[code]
    wire = Row(gettext("Said to the agent"), said, is_code=False, language="en", member="error_description")
    rows = (
        Row(gettext("Meaning"), gettext(said), is_code=False),
        # On the wire it is in English (RFC 6749 §4.1.2.1: ASCII), which a developer may search for.
        *((wire,) if gettext(said) != said else ()),
        Row(gettext("What to do"), str(ADVICE[code]), is_code=False, member="todo"),
    )
    explanation = gettext("Nothing was shared. You can close this page, or tell the people who run the agent.")
    fix = None
    if of_request:
        url = f"{reverse('console-activity')}?{urlencode({'request': of_request})}"
        fix = Fix(gettext("See what was noted of it"), url, Act.EVENTS_READ)
    title = gettext("An agent was sent back without an answer")
    return answer(request, Problem(title, explanation, code, rows, fix, of_request), status=200)


def _of_the_api(request: TenantRequest, code: str, found: Explained) -> HttpResponse:
    said = gettext(found.title)
    wire = Row(gettext("Said to the program"), found.title, is_code=False, language="en", member="said")
    todo = Row(gettext("What to do"), gettext(found.todo), is_code=False, member="todo")
    explanation = gettext("The API answers this to programs. Nothing was changed by the request.")
    return answer(
        request, Problem(said, explanation, code, (*((wire,) if said != found.title else ()), todo)), status=200
    )


def _meanings() -> Mapping[str, str]:
    """Return the sentence that each code has on the wire: that of the kind of refusal which others are cases of."""
    found: dict[str, str] = {}
    for kind in _kinds(OAuthError):
        found.setdefault(kind.code, kind.description)
    return found


def _kinds(kind: type[OAuthError]) -> Iterator[type[OAuthError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _kinds(each)
