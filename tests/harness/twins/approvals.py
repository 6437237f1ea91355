"""Questions about agents: answered, asked back, given to somebody, taken back, and decided several at once."""

from datetime import timedelta

from django.utils import timezone

from agents import admission, assigning
from agents.models import Agent, Approval, Client
from tests.harness.twins.case import Ask, Names, Press, case
from tests.harness.world import World

PAGE = "/console/approvals"
ONE = "approvals/{approval}"


def _denied(world: World, names: Names) -> None:
    admission.deny(Approval.objects.get(pk=names["approval"]), by=world.people["ada"], reason="No.")


def _assigned(world: World, names: Names) -> None:
    assigning.assign(Approval.objects.get(pk=names["approval"]), to=world.people["ada"], by=world.people["ada"])


def _two_alike(world: World, names: Names) -> Names:
    """Two agents wait for the same, both of whom an admin knows."""
    found = []
    for name in ("One", "Two"):
        agent = Agent.objects.create(name=name, status=Agent.Status.PENDING)
        client = Client.objects.create(
            client_id=f"cli_{agent.pk}", name=name, agent=agent, registration_source="manual", redirect_uris=[]
        )
        asked = {names["calendar_url"]: ["events:read"]}
        found.append(Approval.objects.create(kind="admission", agent=agent, client=client, asked=asked))
    return {"one": found[0].pk, "two": found[1].pk}


def _named_day(world: World, names: Names) -> Names:
    """Name the last day of the next month but one, and the moment at which it is over."""
    day = timezone.now().date() + timedelta(days=60)
    return {"day": day.isoformat(), "day_over": f"{(day + timedelta(days=1)).isoformat()}T00:00:00Z"}


CASES = (
    case(
        "approve",
        PAGE,
        Press(
            "/{approval}/approve",
            {
                "extent": "ticked",
                "scope": ["{calendar_url} events:read"],
                "owner": "{bob}",
                "people": ["{alice}"],
                "longest": "86400",
                "until": "{day}",
            },
        ),
        Ask(
            "POST",
            f"{ONE}/approve",
            {
                "ceiling": {"{calendar_url}": ["events:read"]},
                "owner": "{bob}",
                "people": {"members": ["{alice}"], "groups": []},
                "longest": 86400,
                "until": "{day_over}",
            },
        ),
        scene=_named_day,
    ),
    case(
        "deny",
        PAGE,
        Press("/{approval}/deny", {"preset": "another", "reason": "See there."}),
        Ask("POST", f"{ONE}/deny", {"preset": "another", "reason": "See there."}),
    ),
    case(
        "approve",
        PAGE,
        Press("/{approval}/approve", {"extent": "anything", "owner": "{bob}"}),
        Ask("POST", f"{ONE}/approve", {"ceiling": None, "owner": "{bob}"}),
    ),
    case(
        "deny",
        PAGE,
        Press("/{approval}/deny", {"reason": " Not now. "}),
        Ask("POST", f"{ONE}/deny", {"reason": " Not now. "}),
    ),
    case(
        "ask-about",
        PAGE,
        Press("/{approval}/ask", {"words": "Who runs it?"}),
        Ask("POST", f"{ONE}/ask", {"words": "Who runs it?"}),
    ),
    case(
        "assign-question",
        PAGE,
        Press("/{approval}/assign", {"to": "{ada}"}),
        Ask("POST", f"{ONE}/assign", {"to": "{ada}"}),
    ),
    case(
        "assign-question",
        PAGE,
        Press("/{approval}/assign", {"to": ""}),
        Ask("POST", f"{ONE}/assign", {"to": None}),
        scene=_assigned,
    ),
    case("undo-decision", PAGE, Press("/{approval}/undo"), Ask("POST", f"{ONE}/undo"), scene=_denied),
    case(
        "approve-together",
        f"{PAGE}/together?ids={{one}}&ids={{two}}",
        Press("/together", {"read": ["{one} 1", "{two} 1"], "owner": "{bob}"}),
        Ask(
            "POST",
            "approvals/bulk-approve",
            {"approvals": [{"id": "{one}", "version": 1}, {"id": "{two}", "version": 1}], "owner": "{bob}"},
        ),
        scene=_two_alike,
    ),
)
