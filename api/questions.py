"""Questions to me: what approvers want to know of whoever wants an agent or owns it, and the answer.

An answer decides nothing and moves no version, so it takes no role; but it is read as a person's word. So a token that
speaks for a person may bring it, an agent's own may not, and none whose agent is the one that is asked about.
"""

from django.db.models import Prefetch
from django.shortcuts import get_object_or_404
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents import admission, remarks, rules
from agents.models import Approval
from api.door import Door
from api.keepers import ForReaders, member_of, voices
from api.listing import Listing
from tenants.models import Membership

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
