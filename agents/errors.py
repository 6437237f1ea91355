"""Refusals of this app. What leaves at a protocol endpoint is a `kit.oauth` error; these are for actions.

AgentError
├── NotActive         the agent or client is not active any more, or not in the state that a verb begins with
├── Ownerless         nobody who is here answers for the agent
├── OwnCause          an agent would have a say about itself
├── LastWayIn         without this credential the client could not prove itself any more
├── AlreadyDecided    somebody else was first
├── TooLateToUndo     ten minutes are over, somebody else decided, or something came of it
├── TooLateForClient  ten minutes are over, or the client was changed since
├── NameTaken         a client id is given once per tenant
├── NoRoom            a platform brought as many agents as it may
├── Unusable          what an admin says of a client cannot hold
└── BadLimits         a limit of an approval cannot hold; says which, and why
"""

from collections.abc import Mapping


class AgentError(Exception):
    """An expected no."""


class NotActive(AgentError):
    pass


class Ownerless(AgentError):
    """The message is for whoever wants the agent to act."""


class OwnCause(AgentError):
    """The message is for whoever uses the agent."""


class LastWayIn(AgentError):
    pass


class NameTaken(AgentError):
    pass


class NoRoom(AgentError):
    pass


class Unusable(AgentError):
    """The message is for the admin who wrote it."""


class AlreadyDecided(AgentError):
    pass


class TooLateToUndo(AgentError):
    pass


class TooLateForClient(AgentError):
    """Carries the id of the client."""


class BadLimits(AgentError):
    """The messages are for the approver, each under the name of the limit that it is about."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        self.errors = dict(errors)
        super().__init__(" ".join(self.errors.values()))
