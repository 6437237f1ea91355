"""The tokens of a delegation as a tree: each below the one that it was exchanged from, with what was lost there."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from delegations.sentence import in_words
from tenants import directory


def of(tokens: Sequence[Mapping[str, Any]], *, now: datetime, time_zone: str) -> list[Mapping[str, Any]]:
    """Return tokens (`tokens.lineage.tokens_of`) in the order of a tree, each with its level; those left out have none.

    The roots come newest first; what was exchanged from one follows it, oldest first.
    """
    known = {each["jti"] for each in tokens}
    below: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for each in tokens:
        above = each["exchanged_from"]
        below[above if above in known else ""].append(each)
    roots = sorted(below.pop("", []), key=lambda each: each["issued_at"], reverse=True)
    return [_row(each, level, now, time_zone) for root in roots for each, level in _walk(root, below, 1)]


def _walk(
    token: Mapping[str, Any], below: Mapping[str, Sequence[Mapping[str, Any]]], level: int
) -> Iterator[tuple[Mapping[str, Any], int]]:
    yield token, level
    for each in below.get(token["jti"], ()):
        yield from _walk(each, below, level + 1)


def _row(token: Mapping[str, Any], level: int, now: datetime, time_zone: str) -> Mapping[str, Any]:
    protected = directory.resource_server(token["resource"])
    return {
        **token,
        "level": level,
        "place": protected.server.name if protected else token["resource"],
        "issued": in_words(token["issued_at"], now=now, time_zone=time_zone),
    }
