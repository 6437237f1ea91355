"""One verb on many agents over REST: by their ids, or all that the words of the list narrow it to.

Each is paused, resumed, given away or asked about on its own, with an entry of its own; whom it does not fit is passed
over, and named with the reason. `expect` is how many it fits: where another number does, nothing is done.
"""

from typing import Any, ClassVar

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.filters import AgentFilter
from agents.models import Agent
from api.door import Door, said
from api.errors import UnreadableQuery
from api.keepers import by
from notices import many_agents
from notices.many_agents import Deed, Outcome
from tenants.models import Membership
from tenants.roles import Act

WRITE = "agents:write"


class Many(serializers.Serializer[Any]):
    """`filter` are the words of the list, `ids` name agents one by one: one of both. With `dry_run` nothing is done."""

    filter = serializers.DictField(child=serializers.CharField(max_length=200, allow_blank=True), required=False)
    ids = serializers.ListField(
        child=serializers.CharField(max_length=30), required=False, min_length=1, max_length=many_agents.MOST
    )
    expect = serializers.IntegerField(min_value=1, required=False, allow_null=True, default=None)
    dry_run = serializers.BooleanField(required=False, default=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("ids" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError({"filter": ["Say a filter, or ids, and not both."]})
        if "filter" in attrs and attrs["expect"] is None and not attrs["dry_run"]:
            raise serializers.ValidationError({"expect": ["Say how many you mean; dry_run counts them."]})
        return attrs


class WithReason(Many):
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class WithOwner(Many):
    owner = serializers.CharField(max_length=30)


class PassedOverSerializer(serializers.Serializer[Any]):
    agent = serializers.CharField()
    why = serializers.CharField()


class DoneSerializer(serializers.Serializer[Any]):
    done = serializers.ListField(child=serializers.CharField())
    passed_over = PassedOverSerializer(many=True)


class _Many(Door):
    http_method_names = ["post", "options"]
    scopes = {"POST": WRITE}
    answers = {"POST": DoneSerializer}
    reads = {"POST": WithReason}
    words: ClassVar[type[Many]] = WithReason
    deed: ClassVar[Deed]

    def post(self, request: Request) -> Response:
        asked = said(self.words(data=request.data))
        found = _selected(asked)
        if asked["dry_run"]:
            foreseen = many_agents.preview(self.deed, found, now=timezone.now())
            return Response({"dry_run": True, **many_agents.as_json(foreseen)})
        outcome = self.do(request, found, asked)
        over = [{"agent": agent.pk, "why": why} for agent, why in outcome.passed_over]
        return Response({"done": [each.pk for each in outcome.done], "passed_over": over})

    def do(self, request: Request, found: "QuerySet[Agent]", asked: dict[str, Any]) -> Outcome:
        verb = many_agents.pause if self.deed == Deed.PAUSE else many_agents.resume
        return verb(found, by=by(request), reason=asked["reason"], expected=asked["expect"])


class Pause(_Many):
    acts = {"POST": Act.AGENTS_PAUSE}
    deed = Deed.PAUSE


class Resume(_Many):
    acts = {"POST": Act.AGENTS_PAUSE}
    deed = Deed.RESUME


class Owner(_Many):
    acts = {"POST": Act.AGENTS_WRITE}
    deed = Deed.OWNER
    reads = {"POST": WithOwner}
    words = WithOwner

    def do(self, request: Request, found: "QuerySet[Agent]", asked: dict[str, Any]) -> Outcome:
        owner = Membership.objects.select_related("user").filter(pk=asked["owner"]).first()
        if owner is None:
            raise serializers.ValidationError({"owner": ["Nobody of this tenant has this id."]})
        return many_agents.give(found, owner, by=by(request), expected=asked["expect"])


class Confirm(_Many):
    """Asks their owners, each by mail, whether they are still needed; not again within a week."""

    acts = {"POST": Act.AGENTS_WRITE}
    deed = Deed.CONFIRM
    reads = {"POST": Many}
    words = Many

    def do(self, request: Request, found: "QuerySet[Agent]", asked: dict[str, Any]) -> Outcome:
        return many_agents.ask_owners(found, by=by(request), expected=asked["expect"])


def _selected(asked: dict[str, Any]) -> "QuerySet[Agent]":
    rows: QuerySet[Agent] = Agent.objects.all()
    if "ids" in asked:
        return rows.filter(pk__in=asked["ids"])
    narrowed: Any = AgentFilter(asked["filter"], rows)
    if unknown := asked["filter"].keys() - narrowed.form.fields.keys():
        raise UnreadableQuery(f"The list has no filter called {min(unknown)[:50]}.")
    if not narrowed.form.is_valid():
        raise serializers.ValidationError(narrowed.form.errors)
    found: QuerySet[Agent] = narrowed.qs
    return found
