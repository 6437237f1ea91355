"""Questions to me: what approvers want to know of whoever wants an agent or owns it, and the answer.

An answer decides nothing and moves no version, so it takes no role; but it is read as a person's word. So a token that
speaks for a person may bring it, an agent's own may not, and none whose agent is the one that is asked about.
"""

from datetime import datetime

from django.db.models import Prefetch
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents import admission, lapsing, remarks, rules
from agents.models import Approval, Plea
from api.door import Door
from api.keepers import ForReaders, member_of, voices
from api.listing import Listing
from tenants.directory import current
from tenants.models import Membership
from tokens import summaries

READ, WRITE = "questions:read", "questions:answer"


class QuestionSerializer(serializers.ModelSerializer[Approval]):
    """What is asked about an agent, and what was said of it that its reader may read."""

    agent = serializers.CharField(source="agent_id")
    agent_name = serializers.CharField(source="agent.name")
    said = serializers.SerializerMethodField()

    class Meta:
        model = Approval
        fields = ["id", "kind", "agent", "agent_name", "said", "created_at"]

    def get_said(self, approval: Approval) -> list[dict[str, str | bool]]:
        return [
            {"member": each.member_id, "is_question": each.is_question, "words": each.words}
            for each in sorted(approval.remarks.all(), key=lambda each: each.pk)
        ]


class WantedSerializer(serializers.ModelSerializer[Approval]):
    """What this person asked for: their `words`, what became of it, and until when nobody decided makes it lapse."""

    agent = serializers.CharField(source="agent_id")
    agent_name = serializers.CharField(source="agent.name")
    words = serializers.SerializerMethodField()
    asked_at = serializers.SerializerMethodField()
    lapses_at = serializers.SerializerMethodField()
    summary = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    class Meta:
        model = Approval
        fields = [
            "id", "kind", "status", "agent", "agent_name", "words", "reason", "asked_at", "decided_at", "lapses_at",
            "summary", "links",
        ]  # fmt: skip

    def get_words(self, approval: Approval) -> str:
        return approval.pleas.all()[0].reason

    def get_asked_at(self, approval: Approval) -> datetime:
        return approval.pleas.all()[0].created_at

    def get_lapses_at(self, approval: Approval) -> datetime | None:
        return approval.created_at + lapsing.OPEN_FOR if approval.status == Approval.Status.WAITING else None

    def get_summary(self, approval: Approval) -> str:
        return summaries.question(approval)

    def get_links(self, approval: Approval) -> dict[str, str]:
        return {"mine": f"{current().issuer}/me/questions"}


class Answer(serializers.Serializer[object]):
    words = serializers.CharField(max_length=admission.MAX_REASON)


class Questions(Door):
    """What this person was asked and has not answered."""

    permission_classes = [ForReaders]
    scopes = {"GET": READ}
    http_method_names = ["get", "head", "options"]
    listing = Listing("questions", QuestionSerializer)
    answers = {"GET": listing}

    def get(self, request: Request) -> Response:
        member = member_of(request)
        talk = Prefetch("remarks", remarks.readable(member))
        return self.listing.answer(request, remarks.asked(member).select_related("agent").prefetch_related(talk))


class Wanted(Door):
    """What this person asked for, and what became of it."""

    permission_classes = [ForReaders]
    scopes = {"GET": READ}
    http_method_names = ["get", "head", "options"]
    listing = Listing("wanted", WantedSerializer)
    answers = {"GET": listing}

    def get(self, request: Request) -> Response:
        member = member_of(request)
        mine = Prefetch("pleas", Plea.objects.filter(member=member))
        found = remarks.wanted(member).select_related("agent").prefetch_related(mine)
        return self.listing.answer(request, found)


class AnswerOne(Door):
    permission_classes = [ForReaders]
    scopes = {"POST": WRITE}
    http_method_names = ["post", "options"]
    reads = {"POST": Answer}
    answers = {"POST": QuestionSerializer}

    def post(self, request: Request, approval_id: str) -> Response:
        said, member = Answer(data=request.data), member_of(request)
        said.is_valid(raise_exception=True)
        approval = get_object_or_404(_of(member), pk=approval_id)
        rules.check_impartial(approval.agent, voices(request))
        remarks.answer(approval, by=member, words=said.validated_data["words"])
        return Response(QuestionSerializer(_of(member).get(pk=approval_id)).data)


def _of(member: Membership) -> "remarks.Approvals":
    talk = Prefetch("remarks", remarks.readable(member))
    return remarks.concerning(member).select_related("agent").prefetch_related(talk)
