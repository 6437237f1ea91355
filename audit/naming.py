"""Who and what is called so: the ledger holds ids, and the rooms above it know the names.

Each room says in its `apps.py` how its nouns are found; the ledger asks the database, and imports nothing of them.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from django.db.models import QuerySet

FINDERS: "dict[str, Callable[[str], QuerySet[Any]]]" = {}
"""By noun (`person`, `agent`, `resource`): the ids of what is called so, as a query of the tenant."""


def ids(noun: str, words: str) -> "QuerySet[Any] | list[str]":
    """Return the ids of what is called so; none where no room knows the noun."""
    return FINDERS[noun](words) if noun in FINDERS else []
