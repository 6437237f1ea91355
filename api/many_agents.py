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
from api import choosing
from api.choosing import Chosen
from api.door import Door, said
from api.inventory import Why
from api.keepers import by
from notices import many_agents
from notices.many_agents import Deed, Outcome
from tenants.roles import Act

WRITE = "agents:write"


class Many(Chosen):
    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)
        if "filter" in attrs and attrs["expect"] is None and not attrs["dry_run"]:
            raise serializers.ValidationError({"expect": ["Say how many you mean; dry_run counts them."]})
        return attrs


class WithReason(Many, Why):
    pass


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
        found = choosing.rows_of(asked, AgentFilter, Agent.objects.all())
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
        owner = choosing.person(asked["owner"], under="owner")
        return many_agents.give(found, owner, by=by(request), expected=asked["expect"])


class Confirm(_Many):
    """Asks their owners, each by mail, whether they are still needed; not again within a week."""

    acts = {"POST": Act.AGENTS_WRITE}
    deed = Deed.CONFIRM
    reads = {"POST": Many}
    words = Many

    def do(self, request: Request, found: "QuerySet[Agent]", asked: dict[str, Any]) -> Outcome:
        return many_agents.ask_owners(found, by=by(request), expected=asked["expect"])
