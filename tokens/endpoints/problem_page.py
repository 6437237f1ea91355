"""What a page says when a request may not be redirected: first to the person, then to the developer."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    explanation: str
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


_NOTHING_SHARED = "Nothing was shared. You can close this page, or tell the people who run the agent."


def unknown_client(client_id: str) -> Problem:
    """The client is not registered here, or switched off."""
    rows = (Row("Sent client_id", client_id[:200] or "(none)"),)
    return Problem("The agent that sent you here is not known", _NOTHING_SHARED, "invalid_client", rows)


def unreachable_document(client_id: str, why: str) -> Problem:
    """The document that says what the client is cannot be had, or is not good."""
    rows = (Row("Document", client_id[:300]), Row("Result", why[:200], is_code=False))
    return Problem("We could not read what the agent says of itself", _NOTHING_SHARED, "invalid_client", rows)


def unknown_redirect(sent: str, registered: Sequence[str]) -> Problem:
    """The return address is not one that the client registered."""
    rows = [Row("Sent", sent[:500] or "(none)")]
    for uri in registered[:5]:
        rows.append(Row("Registered", uri))
        if sent:
            rows.append(Row("Difference", uris.difference(sent, uri), is_code=False))
    title = "The agent sent you here with a return address we do not know"
    return Problem(title, _NOTHING_SHARED, "invalid_redirect_uri", tuple(rows))


def malformed(why: str) -> Problem:
    """The request cannot be read without guessing."""
    rows = (Row("Reason", why[:200], is_code=False),)
    return Problem("The agent sent you here with a request we cannot read", _NOTHING_SHARED, "invalid_request", rows)


def expired() -> Problem:
    """The request is over, was shown to somebody else, or in another browser."""
    explanation = "Nothing was shared. Go back to the agent and start again."
    return Problem("This request is over", explanation, "expired_request")


def paused(agent_name: str) -> Problem:
    """An admin stopped the agent for now."""
    explanation = "Your organisation paused this agent. Nothing was shared. An admin can let it go on."
    return Problem(f"{agent_name} is paused", explanation, "agent_paused")
