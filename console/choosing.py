"""Rows that somebody ticked on a list: boxes of a form that asks another page what to do with them."""

import re

from django.http import QueryDict

MOST = 500
"""How many can be named one by one: as over the API."""
CHOSEN, ALL = "ids", "chosen"
_ID = re.compile(r"[a-z]{3}_[0-9a-z]{26}")


def is_of_rows(words: QueryDict) -> bool:
    """Say whether an address means rows that were ticked: none of them is none, and not all that the list shows."""
    return ALL in words or CHOSEN in words


def ids(words: QueryDict) -> list[str]:
    """Return what was ticked, each once; what cannot be an id is passed over."""
    found = dict.fromkeys(each for each in words.getlist(CHOSEN) if _ID.fullmatch(each))
    return sorted(found)[:MOST]
