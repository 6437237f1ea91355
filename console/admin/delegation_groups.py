"""The list of delegations by agent, person or resource, and the links that change what it is grouped by."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy

from console.narrowing import Narrowing
from console.paging import MOVES
from delegations import groups
from delegations.groups import By, Group

WORD = "group"
LABELS: Mapping[By, str | Promise] = {
    By.AGENT: gettext_lazy("Agent"),
    By.PERSON: gettext_lazy("Person"),
    By.RESOURCE: gettext_lazy("Resource"),
}


def chosen(request: HttpRequest) -> By | None:
    """Return what the address groups the list by; what it cannot be grouped by is nothing."""
    word = request.GET.get(WORD, "")
    return By(word) if word in list(By) else None


def links(request: HttpRequest) -> Sequence[Mapping[str, Any]]:
    """Return the ways to look at the list: row by row, and by each group."""
    now = chosen(request)
    ways = [(None, gettext("Each")), *((by, str(label)) for by, label in LABELS.items())]
    return [
        {"label": label, "url": _url(request, {WORD: by.value} if by else {}), "is_on": by == now} for by, label in ways
    ]


def shown(request: HttpRequest, asked: Narrowing, by: By) -> Mapping[str, Any]:
    """Return the groups that a list falls into, and the request that asks for the same."""
    found, number = groups.of(asked.rows, by)
    words = {"by": by.value, **dict(QueryDict(asked.request.removeprefix("?")).items())}
    return {
        "label": LABELS[by],
        "number": number,
        "rows": [{**each.as_json(), "name": _name(each, by), "url": _within(request, each, by)} for each in found],
        "same": {"request": f"?{urlencode(words)}"},
    }


def _name(group: Group, by: By) -> str:
    return group.name or (gettext("itself") if by == By.PERSON else gettext("No agent"))


def _within(request: HttpRequest, group: Group, by: By) -> str:
    """Return the list of what is in a group, narrowed by what narrows it now."""
    return _url(request, {groups.WORDS[by]: group.id}) if group.id else ""


def _url(request: HttpRequest, words: Mapping[str, str]) -> str:
    query = request.GET.copy()
    for name in (*MOVES, WORD, *words):
        query.pop(name, None)
    query.update(dict(words))
    return f"?{query.urlencode()}"
