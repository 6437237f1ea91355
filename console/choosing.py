"""Rows that somebody ticked on a list: boxes of a form that asks another page what to do with them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise

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


def above(request: HttpRequest, url: str, verbs: Sequence[tuple[str, str | Promise, str]]) -> Mapping[str, Any]:
    """Return what stands above a list whose rows can be ticked: where they go, and each button's value, words, style.

    Without scripts a link comes back to the page with all of its rows ticked.
    """
    query = request.GET.copy()
    is_ticked = query.pop("ticked", None) is not None
    if not is_ticked:
        query["ticked"] = "page"
    return {"url": url, "verbs": verbs, "is_ticked": is_ticked, "all_url": f"?{query.urlencode()}"}
