"""Software statements at rest (RFC 7591 §2.3): kept, as they are returned, and sealed: who has one may use it."""

from django.conf import settings

from agents.models import Client
from kit import sealing


def sealed(statement: str) -> str:
    """Return a statement as it is kept; none stays none."""
    return sealing.seal(statement.encode(), settings.SEALING_KEYS) if statement else ""


def opened(client: Client) -> str:
    """Return the statement that a client presented, or "" where there is none or its sealing key is gone."""
    if not client.software_statement:
        return ""
    try:
        return sealing.unseal(client.software_statement, settings.SEALING_KEYS).decode()
    except sealing.CannotOpen:
        return ""
