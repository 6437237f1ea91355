"""What a page says when a request may not be redirected: first to the person, then to the developer."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from kit import context, uris


@dataclass(frozen=True, slots=True)
class Row:
    """One line for the developer."""

    label: str
    value: str
    is_code: bool = True


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, for two readers."""

    title: str
    explanation: str | Promise
    code: str
    rows: tuple[Row, ...] = ()

    @property
    def reference(self) -> str:
        return context.request_id()


class Unanswerable(Exception):
    """A refusal that may not redirect."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


_NOTHING_SHARED = gettext_lazy("Nothing was shared. You can close this page, or tell the people who run the agent.")


def unknown_client(client_id: str) -> Problem:
    """The client is not registered here, or switched off."""
    rows = (Row(gettext("Sent client_id"), client_id[:200] or "(none)"),)
    return Problem(gettext("The agent that sent you here is not known"), _NOTHING_SHARED, "invalid_client", rows)


def unreachable_document(client_id: str, why: str) -> Problem:
    """The document that says what the client is cannot be had, or is not good."""
    rows = (Row(gettext("Document"), client_id[:300]), Row(gettext("Result"), why[:200], is_code=False))
    return Problem(gettext("We could not read what the agent says of itself"), _NOTHING_SHARED, "invalid_client", rows)


def unknown_redirect(sent: str, registered: Sequence[str]) -> Problem:
    """The return address is not one that the client registered."""
    rows = [Row(gettext("Sent"), sent[:500] or "(none)")]
    for uri in registered[:5]:
        rows.append(Row(gettext("Registered"), uri))
        if sent:
            rows.append(Row(gettext("Difference"), uris.difference(sent, uri), is_code=False))
    title = gettext("The agent sent you here with a return address we do not know")
    return Problem(title, _NOTHING_SHARED, "invalid_redirect_uri", tuple(rows))


def malformed(why: str) -> Problem:
    """The request cannot be read without guessing."""
    rows = (Row(gettext("Reason"), why[:200], is_code=False),)
    return Problem(
        gettext("The agent sent you here with a request we cannot read"), _NOTHING_SHARED, "invalid_request", rows
    )


def expired() -> Problem:
    """The request is over, was shown to somebody else, or in another browser."""
    explanation = gettext("Nothing was shared. Go back to the agent and start again.")
    return Problem(gettext("This request is over"), explanation, "expired_request")


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
    return Problem(gettext("Codes from devices are not taken here"), explanation, "device_codes_off")


def paused(agent_name: str) -> Problem:
    """An admin stopped the agent for now."""
    explanation = gettext("Your organisation paused this agent. Nothing was shared. An admin can let it go on.")
    return Problem(gettext("%(agent)s is paused") % {"agent": agent_name}, explanation, "agent_paused")


def denied(agent_name: str, reason: str) -> Problem:
    """Whoever decides on agents said no."""
    rows = (Row(gettext("Reason"), reason[:500], is_code=False),) if reason else ()
    explanation = gettext("Your organisation does not let this agent act here. Nothing was shared.")
    return Problem(gettext("%(agent)s was not approved") % {"agent": agent_name}, explanation, "agent_denied", rows)


def for_others(agent_name: str) -> Problem:
    """The agent was approved for certain people, and this person is none of them."""
    explanation = gettext(
        "Your organisation approved this agent for certain people, and you are none of them. Nothing was shared. "
        "An admin can change that."
    )
    return Problem(gettext("%(agent)s is not for you") % {"agent": agent_name}, explanation, "agent_for_others")


def waits(agent_name: str) -> Problem:
    """Nobody has decided on the agent yet."""
    explanation = gettext("Your admins have not approved this agent yet. Nothing was shared.")
    return Problem(gettext("%(agent)s waits for your admins") % {"agent": agent_name}, explanation, "agent_pending")
