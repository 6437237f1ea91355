"""Several questions decided at once over REST: each named with the version that was read, and decided on its own.

Only those of low risk that ask for the same (`agents.together`). What was decided or changed meanwhile is passed over.
"""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from agents import rules, together
from agents.errors import BadLimits, Unusable
from agents.limits import Limits
from agents.models import Approval
from api import choosing
from api.approvals import WRITE, Narrower, narrower_of
from api.door import Door, said
from api.fresh import check_fresh
from api.keepers import member_of, voices
from tenants.models import Membership
from tenants.roles import Act


class Read(serializers.Serializer[Any]):
    """A question, and its version as it was read."""

    id = serializers.CharField(max_length=30)
    version = serializers.IntegerField(min_value=1)


class Together(Narrower):
    """`owner` answers for those agents that have none. With `dry_run` nothing is decided.

    Narrower, of each alike: for whom, for how many seconds at most each time, and until when the approval lasts.
    """

    approvals = serializers.ListField(child=Read(), allow_empty=False, max_length=together.MOST)
    owner = serializers.CharField(max_length=30, required=False, allow_null=True, default=None)
    dry_run = serializers.BooleanField(required=False, default=False)


class OutcomeSerializer(serializers.Serializer[Any]):
    """What was approved, and what was passed over because it was decided or changed meanwhile."""

    done = serializers.ListField(child=serializers.CharField())
    passed_over = serializers.ListField(child=serializers.CharField())


class Approve(Door):
    http_method_names = ["post", "options"]
    scopes = {"POST": WRITE}
    acts = {"POST": Act.APPROVALS_DECIDE}
    reads = {"POST": Together}
    answers = {"POST": OutcomeSerializer}

    def post(self, request: Request) -> Response:
        words = said(Together(data=request.data))
        read = {each["id"]: each["version"] for each in words["approvals"]}
        found = list(together.named(read))
        if len(found) < len(read):
            raise serializers.ValidationError({"approvals": ["One of them is no question of this tenant."]})
        narrower = Limits(None, **narrower_of(words))
        if words["dry_run"]:
            return Response(_foreseen(found, read, narrower))
        check_fresh(request)
        for each in found:
            rules.check_impartial(each.agent, voices(request))
        outcome = together.approve(read, by=member_of(request), owner=_owner(words["owner"]), narrower=narrower)
        return Response({"done": _ids(outcome.done), "passed_over": _ids(outcome.passed_over)})


def _foreseen(found: list[Approval], read: dict[str, int], narrower: Limits) -> dict[str, Any]:
    """Return whether they may be decided together, why not, and how many people wait for them."""
    open_ones, now, why = together.as_read(found, read), timezone.now(), ""
    try:
        together.check_alike(open_ones, now=now)
        together.check_narrower(open_ones, narrower, now=now)
    except (BadLimits, Unusable) as refusal:
        why = str(refusal)
    return {
        "dry_run": True,
        "possible": not why,
        "why_not": why,
        "done": _ids(open_ones),
        "passed_over": _ids(each for each in found if each not in open_ones),
        "without_owner": _ids(together.ownerless(open_ones)),
        "people": len({plea.member_id for each in open_ones for plea in each.pleas.all()}),
    }


def _ids(approvals: Iterable[Approval]) -> list[str]:
    return sorted(each.pk for each in approvals)


def _owner(member_id: str | None) -> Membership | None:
    return choosing.person(member_id, under="owner") if member_id is not None else None
