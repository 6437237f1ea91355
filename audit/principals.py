"""Whoever an audit entry names: a user, an agent, a client, or the system itself."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    USER = "user"
    AGENT = "agent"
    CLIENT = "client"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who acts: kind, id and the label that people recognise."""

    kind: Kind
    id: str
    label: str = ""


SYSTEM = Principal(Kind.SYSTEM, "system", "Remit")
"""The clock, and commands that an operator runs."""
