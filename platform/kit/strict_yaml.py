"""Objects in YAML from strangers: bounded in size and depth, of texts, lists and maps alone, and nothing said twice.

The document is put together from the parser's events and no tag is resolved: there is no number to be long, no date and
no class. An alias is refused, because a few of them stand for more than a machine holds.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

MAX_DEPTH = 8
_LOADER = getattr(yaml, "CLoader", yaml.Loader)
_PLAIN = {"true": True, "false": False, "null": None, "~": None, "": None}


def parse_object(raw: bytes, *, limit: int = 64 * 1024, deepest: int = MAX_DEPTH) -> Mapping[str, Any]:
    """Return an object of the one document in a text; raises ValueError whose message is fit for the log."""
    if len(raw) > limit:
        raise ValueError("too large")
    try:
        events = yaml.parse(raw.decode("utf-8"), Loader=_LOADER)
        for event in events:
            if isinstance(event, DocumentStartEvent):
                return _object(_node(next(events), events, deepest))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError("not YAML in UTF-8") from error
    raise ValueError("not an object")


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _node(event: Event, events: Iterator[Event], deepest: int) -> Any:
    if isinstance(event, AliasEvent):
        raise ValueError("holds an alias")
    if isinstance(event, ScalarEvent):
        # Whatever stands in quotes is a text, also "true".
        return _PLAIN.get(event.value, event.value) if event.implicit[0] and not event.style else event.value
    if deepest <= 0:
        raise ValueError("too deep")
    if isinstance(event, SequenceStartEvent):
        return [_node(each, events, deepest - 1) for each in _until(SequenceEndEvent, events)]
    assert isinstance(event, MappingStartEvent)
    return _map(events, deepest)


def _map(events: Iterator[Event], deepest: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for each in _until(MappingEndEvent, events):
        # A name is what stands there, whatever it would mean as a value: `on`, `null` or a number.
        name = each.value if isinstance(each, ScalarEvent) else None
        if name is None:
            raise ValueError("a name that is no text")
        if name in made:
            raise ValueError("repeated member")
        made[name] = _node(next(events), events, deepest - 1)
    return made


def _until(end: type[Event], events: Iterator[Event]) -> Iterator[Event]:
    for event in events:
        if isinstance(event, end):
            return
        yield event
