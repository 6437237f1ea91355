"""Questions about agents, and deciding them: for people who may, through an app that they let do so.

The version of a question is its ETag. Whoever decides names the one they read; the second of two is answered 409.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef
from django.shortcuts import get_object_or_404
from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents import admission, assigning, remarks, risk, rules
from agents.approval_filters import ApprovalFilter
from agents.models import Approval, Plea
from api import agent_rows, versions
from api.door import Door, said
from api.fresh import check_fresh
from api.keepers import member_of, voices
from api.listing import Listing
from api.told import FIELDS, Told
from tenants.models import Membership
from tenants.roles import Act
from tokens import summaries

READ, WRITE = "approvals:read", "approvals:decide"


class ApprovalSerializer(Told, serializers.ModelSerializer[Approval]):
    agent = serializers.CharField(source="agent_id")
    agent_name = serializers.CharField(source="agent.name")
    purpose = serializers.CharField(source="agent.purpose")
    client_id = serializers.SerializerMethodField()
    risks = serializers.SerializerMethodField()
    wanted_by = serializers.SerializerMethodField()
    said = serializers.SerializerMethodField()
    longest = serializers.IntegerField(source="longest_seconds")
    assigned_to = serializers.CharField(source="assigned_to_id", allow_null=True)

    class Meta:
        model = Approval
        fields = [
            "id", "kind", "status", "agent", "agent_name", "purpose", "client_id", "asked", "own", "risks", "wanted_by",
            "said", "ceiling", "people", "longest", "until", "reason", "created_at", "decided_at", "decided_by",
            "assigned_to", "version", *FIELDS,
        ]  # fmt: skip

    def get_client_id(self, approval: Approval) -> str:
        return approval.client.client_id if approval.client else ""

    def get_risks(self, approval: Approval) -> list[dict[str, Any]]:
        return agent_rows.risks(risk.of(approval, now=timezone.now()))

    def get_wanted_by(self, approval: Approval) -> list[dict[str, str]]:
        return [{"member": plea.member_id, "reason": plea.reason} for plea in approval.pleas.all()]

    def get_said(self, approval: Approval) -> list[dict[str, Any]]:
        return [
            {"member": each.member_id, "is_question": each.is_question, "words": each.words}
            for each in sorted(approval.remarks.all(), key=lambda each: each.pk)
        ]

    def get_summary(self, row: Approval) -> str:
        return summaries.question(row)

    def page(self, row: Approval) -> str:
        return f"approvals/{row.pk}"


def _names() -> "serializers.ListField":
    return serializers.ListField(child=serializers.CharField(max_length=100), required=False, default=list)


class People(serializers.Serializer[Any]):
    """Ids of members, and names of groups."""

    members = _names()
    groups = _names()


class Narrower(serializers.Serializer[Any]):
    """For whom, for how many seconds at most each time, and until when the approval itself lasts."""

    people = People(required=False, allow_null=True, default=None)
    longest = serializers.IntegerField(required=False, allow_null=True, default=None, max_value=10**9)
    until = serializers.DateTimeField(required=False, allow_null=True, default=None)


class Decision(Narrower):
    """What an approver says. `ceiling` null allows whatever people allow; an empty one allows nothing.

    Narrower: for whom, for how many seconds at most each time, and until when the approval itself lasts. Of an agent
    that asks for more, `ceiling` is what it gets beside what it has, at most what it asks for; null is all of that.
    """

    owner = serializers.CharField(max_length=30)
    ceiling = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(max_length=100)), allow_null=True
    )


def narrower_of(words: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is narrower of a decision, in words of `agents.limits`."""
    seconds = words["longest"]
    longest = timedelta(seconds=seconds) if seconds is not None else None
    return {"people": words["people"], "until": words["until"], "longest": longest}


class Denial(serializers.Serializer[Any]):
    """A reason of the list (`agents.admission.PRESETS`), own words, or both."""

    preset = serializers.ChoiceField(choices=list(admission.PRESETS.items()), required=False)
    reason = serializers.CharField(max_length=admission.MAX_REASON, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        words = [admission.PRESETS.get(attrs.get("preset", ""), ""), attrs.get("reason", "")]
        if not any(words):
            raise serializers.ValidationError({"reason": ["Say why: a preset, a reason, or both."]})
        return {"reason": " ".join(filter(None, words))}


class Question(serializers.Serializer[Any]):
    words = serializers.CharField(max_length=admission.MAX_REASON)


class Assignee(serializers.Serializer[Any]):
    to = serializers.CharField(max_length=30, allow_null=True)


class _Approvals(Door):
    scopes = {"GET": READ, "POST": WRITE}
    acts = {"GET": Act.APPROVALS_READ, "POST": Act.APPROVALS_DECIDE}
    answers = {"GET": ApprovalSerializer, "POST": ApprovalSerializer}


class Approvals(_Approvals):
    http_method_names = ["get", "head", "options"]
    # What people asked for stands above whatever arrived by itself.
    listing = Listing("approvals", ApprovalSerializer, ApprovalFilter, order=("-is_wanted", "-pk"))
    answers = {"GET": listing}

    def get(self, request: Request) -> Response:
        wanted = Exists(Plea.objects.filter(approval=OuterRef("pk")))
        return self.listing.answer(request, _named().annotate(is_wanted=wanted))


class OneApproval(_Approvals):
    http_method_names = ["get", "head", "options"]

    def get(self, request: Request, approval_id: str) -> Response:
        return _answer(get_object_or_404(_named(), pk=approval_id))


class Approve(_Approvals):
    http_method_names = ["post", "options"]
    reads = {"POST": Decision}

    def post(self, request: Request, approval_id: str) -> Response:
        check_fresh(request)
        approval, words = _to_decide(request, approval_id), said(Decision(data=request.data))
        owner = Membership.objects.filter(pk=words["owner"]).first()
        if owner is None:
            raise serializers.ValidationError({"owner": ["Nobody of this tenant has this id."]})
        limits = {"ceiling": words["ceiling"], **narrower_of(words)}
        admission.approve(approval, by=member_of(request), owner=owner, version=versions.read_by(request), **limits)
        return _answer(_named().get(pk=approval_id))


class Deny(_Approvals):
    http_method_names = ["post", "options"]
    reads = {"POST": Denial}

    def post(self, request: Request, approval_id: str) -> Response:
        approval, reason = _to_decide(request, approval_id), said(Denial(data=request.data))["reason"]
        admission.deny(approval, by=member_of(request), reason=reason, version=versions.read_by(request))
        return _answer(_named().get(pk=approval_id))


class Ask(_Approvals):
    """Ask whoever wants the agent, without deciding."""

    http_method_names = ["post", "options"]
    reads = {"POST": Question}

    def post(self, request: Request, approval_id: str) -> Response:
        approval, words = _to_decide(request, approval_id), said(Question(data=request.data))["words"]
        remarks.ask(approval, by=member_of(request), words=words)
        return _answer(_named().get(pk=approval_id))


class Assign(_Approvals):
    """Say who is to decide on it, and tell them; `to` null is nobody in particular. Nothing is decided."""

    http_method_names = ["post", "options"]
    reads = {"POST": Assignee}

    def post(self, request: Request, approval_id: str) -> Response:
        approval, words = _to_decide(request, approval_id), said(Assignee(data=request.data))
        to = None
        if words["to"] is not None:
            to = Membership.objects.select_related("user").filter(pk=words["to"]).first()
            if to is None:
                raise serializers.ValidationError({"to": ["Nobody of this tenant has this id."]})
        assigning.assign(approval, to=to, by=member_of(request))
        return _answer(_named().get(pk=approval_id))


class Undo(_Approvals):
    http_method_names = ["post", "options"]

    def post(self, request: Request, approval_id: str) -> Response:
        approval, version = _to_decide(request, approval_id), versions.read_by(request)
        admission.undo(approval, by=member_of(request), version=version)
        return _answer(_named().get(pk=approval_id))


def _named() -> Any:
    return Approval.objects.select_related("agent", "client").prefetch_related("pleas", "remarks")


def _to_decide(request: Request, approval_id: str) -> Approval:
    """Return a question, unless it is about an agent through which the person speaks; raises OwnCause."""
    approval: Approval = get_object_or_404(_named(), pk=approval_id)
    rules.check_impartial(approval.agent, voices(request))
    return approval


def _answer(approval: Approval) -> Response:
    return Response(ApprovalSerializer(approval).data, headers=versions.tag(approval.version))
