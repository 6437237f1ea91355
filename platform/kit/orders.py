"""Orders of lists: a word in the address, and what is sorted by, on pages and in the API alike."""

from dataclasses import dataclass

from django.db.models.expressions import Combinable


@dataclass(frozen=True, slots=True)
class Order:
    """An order of a list: its word in the address, what it sorts by besides the id, and in which direction.

    The key is never NULL: a row behind NULL would be on no page.
    """

    word: str
    key: Combinable | None = None
    is_falling: bool = False


NEWEST = Order("newest", is_falling=True)
OLDEST = Order("oldest")
