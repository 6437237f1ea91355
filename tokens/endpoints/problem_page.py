"""What a page says when a request may not be redirected: first to the person, then to the developer.

A program that asks for the page is told the same, under the same code, as a problem (RFC 9457).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, gettext_lazy

from agents.models import Agent, Client
from kit import context, uris
from tenants.roles import Act, may
from tokens.endpoints.request import TenantRequest
from trust.models import TrustedIssuer

CONTENT_TYPE = "application/problem+json"
_WIRE = "en"


@dataclass(frozen=True, slots=True)
class Row:
    """One line for the developer."""

    label: str
    value: str
    is_code: bool = True
    language: str = ""
    """What it is written in, where that is not what the page is: what we noted, or say on the wire, is in English."""
    member: str = ""
    """What it is called where programs read it; each may stand there more than once."""


@dataclass(frozen=True, slots=True)
class Fix:
    """The page where somebody can do something about it, and what their role must let them do to be shown it."""

    label: str
    url: str
    act: Act


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, for two readers, and for whoever may do something about it."""

    title: str
    explanation: str | Promise
    code: str
    rows: tuple[Row, ...] = ()
    fix: Fix | None = None
    of_request: str = ""
    """Which request it is about, where that is not the one that is answered."""
    start: str = ""
    """Where somebody starts again who is not signed in."""

    @property
    def reference(self) -> str:
        return self.of_request or context.request_id()


class Unanswerable(Exception):
    """A refusal that may not redirect."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


def answer(request: TenantRequest, problem: Problem, *, status: int = 400) -> HttpResponse:
    """Return the page; a way to mend it stands there for those alone whose role lets them."""
    fix = problem.fix
    is_shown = fix is not None and request.member is not None and may(request.member, fix.act)
    content = {"problem": problem, "fix": fix if is_shown else None}
    if _is_for_programs(request):
        return _as_json(problem, status)
    return render(request, "oauth/error.html", content, status=status)


def _is_for_programs(request: TenantRequest) -> bool:
    accepted = request.headers.get("Accept", "")
    return "text/html" not in accepted and ("application/json" in accepted or CONTENT_TYPE in accepted)


def _as_json(problem: Problem, status: int) -> HttpResponse:
    facts: dict[str, list[str]] = {}
    for row in problem.rows:
        if row.member:
            facts.setdefault(row.member, []).append(row.value)
    content = {
        "type": "about:blank",
        "title": problem.title,
        "status": status,
        "detail": str(problem.explanation),
        "code": problem.code,
        **facts,
        "instance": f"urn:remit:request:{problem.reference}",
    }
    headers = {"Content-Language": get_language() or "", "Vary": "Accept, Accept-Language"}
    return HttpResponse(json.dumps(content), status=status, content_type=CONTENT_TYPE, headers=headers)


_NOTHING_SHARED = gettext_lazy("Nothing was shared. You can close this page, or tell the people who run the agent.")


def unknown_client(client_id: str, client: Client | None) -> Problem:
    """The client is not registered here, or switched off (`client`)."""
    rows = (Row(gettext("Sent client_id"), client_id[:200] or gettext("(none)"), member="client_id"),)
    title = gettext("The agent that sent you here is not known")
    fix = _client(client) if client else Fix(gettext("Add an agent"), reverse("add-agent"), Act.AGENTS_WRITE)
    return Problem(title, _NOTHING_SHARED, "invalid_client", rows, fix)


def unreachable_document(client_id: str, why: str, *, is_there: bool) -> Problem:
    """The document that says what the client is cannot be had, or is not good (`is_there`)."""
    rows = (
        Row(gettext("Document"), client_id[:300], member="client_id"),
        Row(gettext("Result"), _result(is_there=is_there), is_code=False),
        Row(gettext("What we noted"), why[:200], is_code=False, language=_WIRE, member="noted"),
    )
    fix = Fix(gettext("Look at the document"), reverse("add-document"), Act.AGENTS_WRITE)
    title = gettext("We could not read what the agent says of itself")
    return Problem(title, _NOTHING_SHARED, "invalid_client", rows, fix)


def _result(*, is_there: bool) -> str:
    if is_there:
        return gettext("We fetched the document, and it is not good.")
    return gettext("We could not fetch the document.")


def unknown_redirect(sent: str, client: Client) -> Problem:
    """The return address is not one that the client registered."""
    registered: Sequence[str] = client.redirect_uris
    rows = [
        Row(gettext("Client"), client.client_id[:200], member="client_id"),
        Row(gettext("Sent"), sent[:500] or gettext("(none)"), member="sent"),
    ]
    for uri in registered[:5]:
        rows.append(Row(gettext("Registered"), uri, member="registered"))
        if sent:
            words = uris.difference(sent, uri)
            rows.append(Row(gettext("Difference"), words, is_code=False, member="difference"))
    title = gettext("The agent sent you here with a return address we do not know")
    return Problem(title, _NOTHING_SHARED, "invalid_redirect_uri", tuple(rows), _client(client))


def malformed(why: str) -> Problem:
    """The request cannot be read without guessing."""
    rows = (Row(gettext("What we noted"), why[:200], is_code=False, language=_WIRE, member="noted"),)
    return Problem(
        gettext("The agent sent you here with a request we cannot read"), _NOTHING_SHARED, "invalid_request", rows
    )


def expired() -> Problem:
    """The request is over, was shown to somebody else, or in another browser."""
    explanation = gettext("Nothing was shared. Go back to the agent and start again.")
    why = gettext("A request is good for minutes, once, for the person and in the browser that it was shown to.")
    rows = (Row(gettext("Reason"), why, is_code=False),)
    return Problem(gettext("This request is over"), explanation, "expired_request", rows)


def nothing_to_renew() -> Problem:
    """What was to be renewed is over, or nothing of it may be allowed any more."""
    explanation = gettext(
        "It ended, or your organisation allows none of it any more. Do you still need it? Start from the agent."
    )
    return Problem(gettext("There is nothing to renew"), explanation, "nothing_to_renew")


def no_device_codes() -> Problem:
    """The tenant takes no device codes, or none where this person is."""
    explanation = gettext(
        "Your organisation does not let agents ask by a code from a device here. Nothing was shared. "
        "Did somebody send you a code? Tell your admins."
    )
    fix = Fix(gettext("Open the settings"), reverse("console-settings"), Act.SETTINGS_WRITE)
    return Problem(gettext("Codes from devices are not taken here"), explanation, "device_codes_off", (), fix)


def issuer_not_trusted(issuer: TrustedIssuer | None) -> Problem:
    """The company's own sign-in, at which somebody was to sign in, counts for nothing here any more."""
    explanation = gettext("Nobody was signed in. Sign in in another way, or ask an admin of your organisation.")
    title = gettext("That company sign-in is not used here any more")
    if issuer is None:
        return Problem(title, explanation, "issuer_not_trusted", start=reverse("account_login"))
    rows = (Row(gettext("Issuer"), issuer.issuer, member="issuer"),)
    fix = Fix(gettext("Look at the issuer"), reverse("console-issuer", args=[issuer.pk]), Act.TRUST_READ)
    return Problem(title, explanation, "issuer_not_trusted", rows, fix, start=reverse("account_login"))


def paused(agent: Agent) -> Problem:
    """An admin stopped the agent for now."""
    explanation = gettext("Your organisation paused this agent. Nothing was shared. An admin can let it go on.")
    fix = Fix(gettext("Resume it"), reverse("resume-agent", args=[agent.pk]), Act.AGENTS_PAUSE)
    title = gettext("%(agent)s is paused") % {"agent": agent.name}
    return Problem(title, explanation, "agent_paused", _named(agent), fix)


def denied(agent: Agent, reason: str) -> Problem:
    """Whoever decides on agents said no."""
    rows = (*_named(agent), *((Row(gettext("Reason"), reason[:500], is_code=False),) if reason else ()))
    explanation = gettext("Your organisation does not let this agent act here. Nothing was shared.")
    title = gettext("%(agent)s was not approved") % {"agent": agent.name}
    return Problem(title, explanation, "agent_denied", rows, _agent(agent))


def for_others(agent: Agent) -> Problem:
    """The agent was approved for certain people, and this person is none of them."""
    explanation = gettext(
        "Your organisation approved this agent for certain people, and you are none of them. Nothing was shared. "
        "An admin can change that."
    )
    title = gettext("%(agent)s is not for you") % {"agent": agent.name}
    return Problem(title, explanation, "agent_for_others", _named(agent), _agent(agent))


def waits(agent: Agent) -> Problem:
    """Nobody has decided on the agent yet."""
    explanation = gettext("Your admins have not approved this agent yet. Nothing was shared.")
    fix = Fix(gettext("Decide about it"), reverse("console-approvals"), Act.APPROVALS_DECIDE)
    title = gettext("%(agent)s waits for your admins") % {"agent": agent.name}
    return Problem(title, explanation, "agent_pending", _named(agent), fix)


def _named(agent: Agent) -> tuple[Row, ...]:
    return (Row(gettext("Agent"), agent.pk, member="agent"),)


def _agent(agent: Agent) -> Fix:
    return Fix(gettext("Open the agent"), reverse("console-agent", args=[agent.pk]), Act.AGENTS_WRITE)


def _client(client: Client) -> Fix | None:
    """Return the way to a client that belongs to an agent; a resource's own has no page."""
    if client.agent_id is None:
        return None
    url = reverse("console-client", args=[client.agent_id, client.pk])
    return Fix(gettext("Open the client"), url, Act.CLIENTS_WRITE)
