"""Everybody's delegations: ended, narrowed, asked about; many at once; and lists as files that the clock writes."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from delegations.rules import Limits
from notices.models import Job, JobItem
from tests.harness.twins.case import Ask, Names, Press, case
from tests.harness.twins.scenes import by, delegation
from tests.harness.world import World
from tokens import actions, narrowing

ONE, OWN = "/console/delegations/{delegation}", "delegations/{delegation}"
WHY = {"reason": "look into it"}
PLACES = {
    "agents": "/console/agents",
    "approvals": "/console/approvals",
    "members": "/console/members",
    "resources": "/console/resources",
    "issuers": "/console/trust",
    "audiences": "/console/trust/audiences",
}


def _in_an_hour(world: World, names: Names) -> Names:
    return {"in_an_hour": (timezone.now() + timedelta(hours=1)).isoformat()}


def _ended(world: World, names: Names) -> None:
    actions.end_delegation(delegation(names), by=by(world), reason="look")


def _narrowed(world: World, names: Names) -> None:
    limits = Limits(frozenset({"events:read"}), None)
    narrowing.narrow_delegation(delegation(names), limits, by=by(world), reason="less")


def _job(world: World, **fields: Any) -> Names:
    job = Job.objects.create(asked_by=world.people["ada"], total=2, **fields)
    return {"job": job.pk}


def _at_work(world: World, names: Names) -> Names:
    return _job(world, kind=Job.Kind.END, state=Job.State.RUNNING)


def _done(world: World, names: Names) -> Names:
    """Leave a job that ended a delegation, which may be given back."""
    found = _job(world, kind=Job.Kind.END, state=Job.State.DONE, reason="look")
    JobItem.objects.create(job_id=found["job"], object_id=names["delegation"], state=JobItem.State.DONE)
    return found


CASES = (
    case("end-delegation", ONE, Press("/end", WHY), Ask("POST", f"{OWN}/end", WHY)),
    case("ask-to-renew", ONE, Press("/ask-to-renew"), Ask("POST", f"{OWN}/ask-to-renew")),
    case(
        "narrow-delegation",
        ONE,
        Press("/narrow", {"scope": ["events:read"], **WHY}),
        Ask("PATCH", OWN, {"scopes": ["events:read"], **WHY}),
    ),
    case(
        "narrow-delegation",
        ONE,
        Press("/narrow", {"scope": ["events:read"], "end": "hour", **WHY}),
        Ask("PATCH", OWN, {"scopes": ["events:read"], "expires_at": "{in_an_hour}", **WHY}),
        scene=_in_an_hour,
    ),
    case("put-back-delegation", ONE, Press("/put-back"), Ask("POST", f"{OWN}/put-back"), scene=_narrowed),
    case("undo-end-delegation", ONE, Press("/undo"), Ask("POST", f"{OWN}/restore"), scene=_ended),
    case(
        "console-end-place",
        f"{ONE}/places",
        Press("/{place}/end"),
        Ask("DELETE", "agents/{agent}/installations/{place}"),
    ),
    case(
        "start-job",
        "/console/delegations?q=Scout",
        Press("/start", {"kind": "csv"}),
        Ask("POST", "delegations/bulk-export", {"filter": {"q": "Scout"}, "form": "csv"}),
    ),
    case(
        "start-job",
        "/console/delegations?q=Scout",
        Press("/start", {"kind": "recheck"}),
        Ask("POST", "delegations/recheck", {"filter": {"q": "Scout"}}),
    ),
    case(
        "end-many",
        "/console/delegations/end?chosen=rows&ids={delegation}",
        Press("", WHY),
        Ask("POST", "delegations/bulk-end", {"ids": ["{delegation}"], **WHY}),
    ),
    case(
        "end-many",
        "/console/delegations/end?q=Scout",
        Press("", WHY),
        Ask("POST", "delegations/bulk-end", {"filter": {"q": "Scout"}, "expect": 1, **WHY}),
    ),
    case("stop-job", "/console/jobs/{job}", Press("/stop"), Ask("POST", "jobs/{job}/stop"), scene=_at_work),
    case("undo-job", "/console/jobs/{job}", Press("/undo"), Ask("POST", "jobs/{job}/undo"), scene=_done),
    case(
        "console-check",
        "/console/check",
        Press(
            "/check",
            {"agent": "{agent}", "person": "{alice_email}", "resource": "{calendar_url}", "scopes": "events:read"},
        ),
        Ask(
            "POST",
            "check",
            {"agent": "{agent}", "person": "{alice}", "resource": "{calendar_url}", "scopes": ["events:read"]},
        ),
        no_row="it is asked, and changes nothing",
    ),
    *(
        case(
            f"write-{noun}",
            f"{PLACES[noun]}/export/csv?q=e",
            Press("/file/csv"),
            Ask("POST", "exports", {"list": noun, "filter": {"q": "e"}, "form": "csv"}),
        )
        for noun in PLACES
    ),
    case(
        "write-activity",
        "/console/activity/export.csv?event=agent.registered",
        Press("/file/csv"),
        Ask("POST", "exports", {"list": "events", "filter": {"event": "agent.registered"}, "form": "csv"}),
    ),
)
