"""Retiring a resource and taking a scope away over REST, with what a page says first; and both back."""

from collections.abc import Callable, Mapping
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import versions
from api.door import said
from api.fresh import check_fresh
from api.keepers import by
from delegations import reach
from delegations.reach import Reach
from tenants import resources as verbs
from tenants.directory import current
from tenants.models import ResourceServer, Scope
from tokens import receipts, stops


class Retirement(serializers.Serializer[Any]):
    """With `dry_run` nothing happens, and the answer says what would. `reason` is wanted where anybody holds it."""

    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    dry_run = serializers.BooleanField(required=False, default=False)


class Reached(serializers.Serializer[Any]):
    """What is alive now, and rests or is less from then on. For `revocation_lag` seconds at most a token that is out
    there may still be accepted by the resource.
    """

    people = serializers.IntegerField()
    agents = serializers.IntegerField()
    delegations = serializers.IntegerField()
    revocation_lag = serializers.IntegerField()


def resource(request: Request, server: ResourceServer) -> Response:
    """Retire a resource, or say what that would do."""
    reached = reach.of_resource(server, now=timezone.now())
    return _acted(
        request, server, reached, lambda asked: stops.retire_resource(server, by=by(request), **_words(request, asked))
    )


def scope(request: Request, taken: Scope) -> Response:
    """Take a scope away, or say what that would do."""
    reached = reach.of_scope(taken, now=timezone.now())
    return _acted(
        request,
        taken.resource_server,
        reached,
        lambda asked: verbs.retire_scope(taken, by=by(request), **_words(request, asked)),
    )


def as_json(server: ResourceServer, reached: Reach) -> Mapping[str, int]:
    """Return whom something at a resource reaches, as a body says it."""
    return {**reached.as_json(), "revocation_lag": receipts.lag(server, current())}


def _acted(
    request: Request, server: ResourceServer, reached: Reach, verb: Callable[[Mapping[str, Any]], None]
) -> Response:
    asked = said(Retirement(data=request.data))
    if not asked["dry_run"]:
        if reached.delegations and not asked["reason"].strip():
            raise serializers.ValidationError({"reason": ["Say why: somebody was allowed this. dry_run counts them."]})
        check_fresh(request)
        verb(asked)
    return Response(as_json(server, reached))


def _words(request: Request, asked: Mapping[str, Any]) -> dict[str, Any]:
    return {"reason": asked["reason"], "version": versions.read_by(request)}
