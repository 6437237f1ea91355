"""Agents: how they come, who answers for them, how far they go, and how they stop."""

from django.utils import timezone

from agents.models import Agent
from tests.harness.twins.case import Ask, Names, Press, case
from tests.harness.twins.scenes import agent, by
from tests.harness.world import REDIRECT, World
from tokens import stops

ONE = "/console/agents/{agent}"
CODE = ["authorization_code", "refresh_token"]
AT_MOST = {"{calendar_url}": ["events:read"]}
REASON = {"reason": "look into it"}


def _paused(world: World, names: Names) -> None:
    _owned(world, names)
    stops.pause_agent(agent(names), by=by(world), reason="look")


def _ended(world: World, names: Names) -> None:
    _owned(world, names)
    stops.retire_agent(agent(names), by=by(world), reason="over")


def _bobs(world: World, names: Names) -> None:
    """Ask bob whether it is needed, who owns it."""
    Agent.objects.filter(pk=names["agent"]).update(owner=world.people["bob"], confirm_asked_at=timezone.now())


def _owned(world: World, names: Names) -> None:
    Agent.objects.filter(pk__in=[names["agent"], names["ledger"]]).update(owner=world.people["bob"])


def _both_paused(world: World, names: Names) -> None:
    _owned(world, names)
    for each in ("agent", "ledger"):
        stops.pause_agent(agent(names, each), by=by(world), reason="look")


def _many(deed: str, **more: object) -> object:
    """Return what is done with two agents at once."""
    words = more.pop("words", {})
    page = f"/console/agents/many?verb={deed}&chosen=rows&ids={{agent}}&ids={{ledger}}"
    said = {"ids": ["{agent}", "{ledger}"], **words}
    return case("many-agents", page, Press("", words), Ask("POST", f"agents/bulk-{deed}", said), **more)


CASES = (
    _many("pause", words=REASON),
    _many("resume", words=REASON, scene=_both_paused),
    _many("owner", words={"owner": "{bob}"}),
    _many("confirm", scene=_owned),
    case(
        "add-agent",
        "/console/agents/add",
        Press(
            "/console/agents/add",
            {
                "name": "Clerk",
                "owner": "{bob}",
                "method": "client_secret_basic",
                "grants": CODE,
                "redirect_uris": REDIRECT,
                "extent": "ticked",
                "scopes": ["{calendar_url} events:read"],
            },
        ),
        (
            Ask("POST", "agents", {"name": "Clerk", "owner": "{bob}", "ceiling": AT_MOST}),
            Ask(
                "POST",
                "agents/{made_id}/clients",
                {
                    "grant_types": CODE,
                    "redirect_uris": [REDIRECT],
                    "token_endpoint_auth_method": "client_secret_basic",
                },
            ),
        ),
    ),
    case(
        "add-agent",
        "/console/agents/add",
        Press(
            "/console/agents/add",
            {
                "name": " Clerk ",
                "owner": "{bob}",
                "method": "private_key_jwt",
                "keys": "{jwk_text}",
                "grants": ["client_credentials"],
                "extent": "anything",
            },
        ),
        (
            Ask("POST", "agents", {"name": " Clerk ", "owner": "{bob}"}),
            Ask(
                "POST",
                "agents/{made_id}/clients",
                {
                    "grant_types": ["client_credentials"],
                    "token_endpoint_auth_method": "private_key_jwt",
                    "jwks": {"keys": ["{jwk}"]},
                },
            ),
        ),
    ),
    case(
        "add-agent",
        "/console/agents/add",
        Press(
            "/console/agents/add",
            {
                "name": "Clerk",
                "owner": "{bob}",
                "method": "none",
                "grants": CODE,
                "redirect_uris": f"{REDIRECT}\n https://expenses.example/back ",
                "extent": "ticked",
            },
        ),
        (
            Ask("POST", "agents", {"name": "Clerk", "owner": "{bob}", "ceiling": {}}),
            Ask(
                "POST",
                "agents/{made_id}/clients",
                {
                    "grant_types": CODE,
                    "redirect_uris": [REDIRECT, "https://expenses.example/back"],
                    "token_endpoint_auth_method": "none",
                },
            ),
        ),
    ),
    case(
        "add-document",
        "/console/agents/add/document",
        (Press("add/document", {"url": "{document}"}), Press("add/document", nth=-1)),
        (
            Ask("POST", "agents/documents?dry_run=true", {"client_id": "{document}"}),
            Ask("POST", "agents/documents", {"client_id": "{document}", "digest": "{made_digest}"}),
        ),
    ),
    case("pause-agent", f"{ONE}/pause", Press("/pause", REASON), Ask("POST", "agents/{agent}/pause", REASON)),
    case(
        "pause-agent",
        "/console/agents",
        Press("/{agent}/pause"),
        Ask("POST", "agents/{agent}/pause"),
    ),
    case(
        "resume-agent",
        f"{ONE}/resume",
        Press("/resume", REASON),
        Ask("POST", "agents/{agent}/resume", REASON),
        scene=_paused,
    ),
    case("end-agent", f"{ONE}/end", Press("/end", REASON), Ask("DELETE", "agents/{agent}", REASON)),
    case(
        "restore-agent",
        f"{ONE}/restore",
        Press("/restore", REASON),
        Ask("POST", "agents/{agent}/restore", REASON),
        scene=_ended,
    ),
    case("confirm-agent", ONE, Press("/confirm"), Ask("POST", "agents/{agent}/confirm"), scene=_bobs, person="bob"),
    case(
        "agent-owners",
        f"{ONE}/owners",
        Press(
            "/owners",
            {"name": "Clerk", "owner": "{bob}", "sponsor": "{ada}", "successor": "{alice}", "co_owners": ["{alice}"]},
        ),
        Ask(
            "PATCH",
            "agents/{agent}",
            {"name": "Clerk", "owner": "{bob}", "sponsor": "{ada}", "successor": "{alice}", "co_owners": ["{alice}"]},
        ),
    ),
    case(
        "agent-ceiling",
        f"{ONE}/ceiling",
        Press("/ceiling", {"extent": "ticked", "scopes": ["{calendar_url} events:read"], "people": ["{alice}"]}),
        Ask("PATCH", "agents/{agent}", {"ceiling": AT_MOST, "people": {"members": ["{alice}"], "groups": []}}),
    ),
    case(
        "agent-handovers",
        f"{ONE}/handovers",
        Press("/handovers", {"to": "{ledger}"}, nth=-1),
        Ask("POST", "agents/{agent}/handovers", {"to": "{ledger}"}),
    ),
    case(
        "forbid-handover",
        f"{ONE}/handovers",
        Press("/{workload}/forbid"),
        Ask("DELETE", "agents/{agent}/handovers/{workload}"),
    ),
)
