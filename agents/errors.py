"""Refusals of this app. What leaves at a protocol endpoint is a `kit.oauth` error; these are for actions.

AgentError
├── NotActive     the agent or client is not active any more
└── NameTaken     a client id is given once per tenant
"""


class AgentError(Exception):
    """An expected no."""


class NotActive(AgentError):
    pass


class NameTaken(AgentError):
    pass
