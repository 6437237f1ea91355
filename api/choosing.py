"""What a body chooses for something that is done with many at once: rows by their ids or by words, and one person."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from api.errors import UnreadableQuery
from api.narrowing import Filter
from tenants.models import Membership

MOST_NAMED = 500


class Chosen(serializers.Serializer[Any]):
    """`filter` are the words of the list, `ids` name rows one by one: one of both. With `dry_run` nothing is done."""

    filter = serializers.DictField(child=serializers.CharField(max_length=200, allow_blank=True), required=False)
    ids = serializers.ListField(
        child=serializers.CharField(max_length=30), required=False, min_length=1, max_length=MOST_NAMED
    )
    expect = serializers.IntegerField(min_value=1, required=False, allow_null=True, default=None)
    dry_run = serializers.BooleanField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError({"filter": ["Say a filter, or ids, and not both."]})
        return attrs


def rows_of(asked: Mapping[str, Any], by_words: Filter, rows: Any) -> Any:
    """Return the rows that a body chose (`Chosen`); raises UnreadableQuery for words that narrow none."""
    return rows.filter(pk__in=asked["ids"]) if "ids" in asked else narrowed(by_words, asked["filter"], rows)


def narrowed(by_words: Filter, words: Mapping[str, str], rows: Any) -> Any:
    """Return what words narrow a list to; raises UnreadableQuery for words that narrow none."""
    found = by_words(dict(words), rows)
    if unknown := words.keys() - found.form.fields.keys():
        raise UnreadableQuery(f"The list has no filter called {min(unknown)[:50]}.")
    if not found.form.is_valid():
        raise serializers.ValidationError(found.form.errors)
    return found.qs


def person(member_id: str, *, under: str) -> Membership:
    """Return a member by id; raises ValidationError, under the name that the body gives them."""
    found = Membership.objects.select_related("user").filter(pk=member_id).first()
    if found is None:
        raise serializers.ValidationError({under: ["Nobody of this tenant has this id."]})
    return found
