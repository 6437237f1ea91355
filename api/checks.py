"""The access check, and why a request was refused: both answer with the same list of steps."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents.models import Agent
from api.authentication import tenant_of
from api.door import Door
from api.door import said as _valid
from api.keepers import ForReaders, by, member_of
from tenants.models import Membership
from tenants.rules import may_see_console
from tokens.checking import authority, history
from tokens.checking.authority import Question
from tokens.checking.steps import FAILED, NOT_REACHED, PASSED

RUN = "checks:run"
MAX_CHAIN = 16


class Asked(serializers.Serializer[Any]):
    """A question. `person` null asks of the agent for itself; `chain` are agents that authority passes before it."""

    agent = serializers.CharField(max_length=30)
    resource = serializers.CharField(max_length=512)
    person = serializers.CharField(max_length=30, allow_null=True, default=None)
    chain = serializers.ListField(child=serializers.CharField(max_length=30), max_length=MAX_CHAIN, default=list)
    scopes = serializers.ListField(child=serializers.CharField(max_length=100), max_length=100, default=list)


class StepSerializer(serializers.Serializer[Any]):
    """One check. What has no value is left out."""

    step = serializers.CharField(help_text="Its name.")
    verdict = serializers.ChoiceField([PASSED, FAILED, NOT_REACHED])
    said = serializers.CharField(required=False, help_text="What it looked at.")
    reason = serializers.CharField(required=False, help_text="Why it failed.")
    remedy = serializers.CharField(required=False, help_text="What would allow it.")


class VerdictSerializer(serializers.Serializer[Any]):
    allowed = serializers.BooleanField()
    scopes = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True, help_text="When a token would end; null where none would.")
    steps = StepSerializer(many=True)


class RefusalSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    at = serializers.DateTimeField()
    event = serializers.CharField()
    error = serializers.CharField(help_text="The code that the client got.")
    reason = serializers.CharField()
    steps = StepSerializer(many=True)


class Check(Door):
    """Whoever looks after the tenant asks about everybody; others about themselves and the agents that they own."""

    permission_classes = [ForReaders]
    scopes = {"POST": RUN}
    http_method_names = ["post", "options"]
    reads = {"POST": Asked}
    answers = {"POST": VerdictSerializer}

    def post(self, request: Request) -> Response:
        question = _question(_valid(Asked(data=request.data)), member_of(request))
        verdict = authority.judge(tenant_of(request), question, now=timezone.now(), by=by(request))
        return Response(
            {
                "allowed": verdict.is_allowed,
                "scopes": sorted(verdict.scopes),
                "expires_at": verdict.expires_at,
                "steps": [step.as_json() for step in verdict.steps],
            }
        )


class Why(Door):
    """Why a request was refused, for whom it concerns; what concerns somebody else is not there."""

    permission_classes = [ForReaders]
    scopes = {"GET": RUN}
    http_method_names = ["get", "head", "options"]
    answers = {"GET": RefusalSerializer}

    def get(self, request: Request, entry_id: str) -> Response:
        entry = get_object_or_404(history.refusals_for(member_of(request)), pk=entry_id)
        return Response(
            {
                "id": entry.pk,
                "at": entry.at,
                "event": entry.event,
                "error": entry.detail.get("error", ""),
                "reason": entry.reason,
                "steps": entry.detail.get("steps", []),
            }
        )


def _question(said: dict[str, Any], member: Membership) -> Question:
    """Return what is asked; raises ValidationError for whoever is not there, or is none of this member's business."""
    agents = {agent.pk: agent for agent in Agent.objects.filter(pk__in=[said["agent"], *said["chain"]])}
    if missing := {said["agent"], *said["chain"]} - agents.keys():
        raise serializers.ValidationError({"agent": [f"No agent of this tenant has the id {min(missing)[:30]}."]})
    person = None
    if said["person"] is not None:
        person = Membership.objects.select_related("user").filter(pk=said["person"]).first()
    concerns = may_see_console(member) or said["person"] == member.pk or agents[said["agent"]].owner_id == member.pk
    if not concerns or (said["person"] is not None and person is None):
        raise serializers.ValidationError({"person": ["Nobody that you may ask about has this id."]})
    return Question(
        agent=agents[said["agent"]],
        resource=said["resource"],
        person=person,
        chain=tuple(agents[each] for each in said["chain"]),
        scopes=frozenset(said["scopes"]),
    )
