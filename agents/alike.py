"""Decisions that were made before on the same question: the same kind, and the same scopes at the same resources."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from agents.models import Agent, Approval

READ = 500
"""How many decisions are looked at, the latest of them: what was decided long ago says little."""


@dataclass(frozen=True, slots=True)
class Alike:
    """How often it was decided in which way, and how many that were let act are paused or ended by now."""

    approved: int = 0
    denied: int = 0
    stopped: int = 0


def of(approvals: Iterable[Approval]) -> Mapping[str, Alike]:
    """Return what was decided before on questions like these, in one statement; on none that asks for nothing."""
    asking = {approval.pk: key_of(approval.kind, approval.asked) for approval in approvals if approval.asked}
    if not asking:
        return {}
    decided = Approval.objects.filter(status__in=(Approval.Status.APPROVED, Approval.Status.DENIED))
    latest = decided.order_by("-decided_at").values_list("kind", "asked", "status", "agent__status")[:READ]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for kind, asked, status, agent in latest:
        of_it = counts[key_of(kind, asked)]
        of_it[status] += 1
        if status == Approval.Status.APPROVED and agent in {Agent.Status.SUSPENDED, Agent.Status.RETIRED}:
            of_it["stopped"] += 1
    return {
        pk: Alike(counts[key][Approval.Status.APPROVED], counts[key][Approval.Status.DENIED], counts[key]["stopped"])
        for pk, key in asking.items()
        if key in counts
    }


def key_of(kind: str, asked: Mapping[str, Any]) -> str:
    """Return what is the same of two questions of the same kind that ask for the same."""
    return json.dumps([kind, sorted((resource, sorted(scopes)) for resource, scopes in asked.items())])
