"""What bounds an agent, as a change of it says that: how much, for whom, how long each time, and until when."""

from datetime import timedelta
from typing import Any

from rest_framework import serializers

from agents.limits import Said
from api.approvals import People


class Bounds(serializers.Serializer[Any]):
    """By whoever signed in minutes ago, where they have a factor, and not through this agent.

    `ceiling` is what it ever gets at most, by resource, `people` are those for whom alone it may act, `longest` for how
    many seconds each time, `approved_until` when it is asked about anew. Null lifts a bound.
    """

    ceiling = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(max_length=100)), required=False, allow_null=True
    )
    people = People(required=False, allow_null=True)
    longest = serializers.IntegerField(required=False, allow_null=True, max_value=10**9)
    approved_until = serializers.DateTimeField(required=False, allow_null=True)


def taken_from(words: dict[str, Any]) -> Said:
    """Return what was said of an agent's limits, and take it out of the rest."""
    found = Said()
    if "ceiling" in words:
        found["ceiling"] = words.pop("ceiling")
    if "people" in words:
        found["people"] = words.pop("people")
    if "longest" in words:
        seconds = words.pop("longest")
        found["longest"] = timedelta(seconds=seconds) if seconds is not None else None
    if "approved_until" in words:
        found["until"] = words.pop("approved_until")
    return found
