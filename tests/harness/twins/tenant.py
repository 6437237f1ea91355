"""The tenant itself: its members, settings, keys, and the programs that are told."""

import base64
from datetime import timedelta
from typing import Any

from django.utils import timezone

from agents.models import Agent
from audit.principals import SYSTEM
from notices.models import Delivery
from tests.harness import pictures
from tests.harness.twins.case import Ask, Names, Press, case
from tests.harness.twins.scenes import by
from tests.harness.world import World
from tokens import rotation, stops
from tokens.models import SigningKey

WHY = {"reason": "left"}
LOGO = pictures.picture("PNG", (40, 20))
PARTS = {
    "here": {"environment": "staging", "time_zone": "Europe/Vienna", "language": "de"},
    "colours": {"accent": "#324db3", "accent_dark": "#8ea2ff"},
    "arriving": {"registration": "hosts", "documents": "admission", "admitted_hosts": ["agents.example"]},
    "devices": {"device_codes": "trusted", "trusted_networks": ["192.0.2.0/24", "2001:db8::/32"]},
    "access": {
        "longest_delegation_days": 1,
        "consent_choices": ["hour", "today"],
        "access_token_seconds": 120,
        "default_resource": "{calendar_url}",
    },
    "handing-on": {"handing_on": "policy", "deepest_chain": 2},
    "keeping": {"keep_days": 400},
    "owners": {"owner_grace_days": 7},
}
"""Of each part of the settings what is changed."""
HOOK, ONE_HOOK = "/console/webhooks/{webhook}", "webhooks/{webhook}"
TOLD = {"url": "https://hooks.example.com/x", "description": "Pager"}
NEW = {"email": "eve@{slug}.example", "role": "auditor"}


def _next_is_known(world: World, names: Names) -> Names:
    """Let the next keys be published for long enough; name the key that signs."""
    rotation.rotate_due(timezone.now(), by=SYSTEM)
    SigningKey.objects.filter(status="next").update(created_at=timezone.now() - rotation.KNOWN_AFTER)
    return {"signs": SigningKey.objects.get(status="active", algorithm="ES256").pk}


def _day(world: World, names: Names) -> Names:
    day = timezone.now().date() + timedelta(days=30)
    return {"day": day.isoformat(), "day_over": f"{(day + timedelta(days=1)).isoformat()}T00:00:00Z"}


def _bobs(world: World, names: Names) -> None:
    Agent.objects.filter(pk=names["agent"]).update(owner=world.people["bob"])


def _switched(world: World, names: Names) -> Names:
    """Change a setting, and name the entry of it."""
    stops.change_policy(world.tenant, by=by(world), deepest_chain=2)
    return {"entry": world.entries("tenant.policy_changed")[-1].pk}


def _missed(world: World, names: Names) -> None:
    Delivery.objects.update(state="failed", attempts=9)


def typed(name: str, value: Any) -> str | list[str]:
    """Return a value as it is typed into its field, or ticked in it."""
    if isinstance(value, list):
        return value if name == "consent_choices" else "\n".join(value)
    return str(value)


CASES = (
    case(
        "rotate-key",
        "/console/keys",
        Press("/rotate"),
        Ask("POST", "keys/rotate", {"algorithm": "ES256"}),
        scene=_next_is_known,
    ),
    case(
        "leaked-key",
        "/console/keys/{signs}/leaked",
        Press("/leaked", {"typed": "{slug}", "reason": "on a laptop"}),
        Ask("POST", "keys/{signs}/compromise", {"reason": "on a laptop"}),
        scene=_next_is_known,
    ),
    case("invite-member", "/console/members", Press("/invite", NEW), Ask("POST", "invitations", NEW)),
    case(
        "withdraw-invitation",
        "/console/members",
        Press("/invitations/{invitation}"),
        Ask("DELETE", "invitations/{invitation}"),
    ),
    case(
        "give-role",
        "/console/members",
        Press("/{bob}/role", {"role": "developer", "until": "{day}"}),
        Ask("PATCH", "members/{bob}", {"role": "developer", "role_until": "{day_over}"}),
        scene=_day,
    ),
    case(
        "remove-member",
        "/console/members/{bob}/remove",
        Press("", {**WHY, "agents_to": "{alice_email}"}),
        Ask("POST", "members/{bob}/remove", {**WHY, "agents_to": "{alice}"}),
        scene=_bobs,
    ),
    case("remove-member", "/console/members/{alice}/remove", Press("", WHY), Ask("DELETE", "members/{alice}", WHY)),
    case(
        "remove-member", "/console/members/{alice}/remove", Press("", WHY), Ask("POST", "members/{alice}/remove", WHY)
    ),
    *(
        case(
            "change-settings",
            "/console/settings",
            Press(f"/change#{part}", {name: typed(name, value) for name, value in words.items()}),
            Ask("PATCH", "settings", words),
        )
        for part, words in PARTS.items()
    ),
    case(
        "put-setting-back",
        "/console/settings",
        Press("/put-back"),
        Ask("PATCH", "settings", {"deepest_chain": 4}),
        scene=_switched,
    ),
    case(
        "change-logo",
        "/console/settings",
        Press("/settings/logo#logo", {"picture": []}, files={"picture": LOGO}),
        Ask("PUT", "settings/logo", {"picture": base64.b64encode(LOGO).decode()}),
    ),
    case("remove-logo", "/console/settings", Press("/logo/remove"), Ask("DELETE", "settings/logo")),
    case(
        "pause-tenant",
        "/console/settings/pause",
        Press("", {"name": "{tenant}", **WHY}, status=503),
        Ask("POST", "settings/pause", {"name": "{tenant}", **WHY}),
    ),
    case(
        "add-webhook",
        "/console/webhooks/add",
        Press("", {**TOLD, "families": ["agent.*"], "names": "job.finished"}),
        Ask("POST", "webhooks", {**TOLD, "events": ["agent.*", "job.finished"]}),
    ),
    case(
        "change-webhook",
        HOOK,
        Press("/change", {**TOLD, "families": ["agent.*"], "names": "job.finished"}),
        Ask("PATCH", ONE_HOOK, {**TOLD, "events": ["agent.*", "job.finished"]}),
    ),
    case(
        "change-webhook",
        HOOK,
        Press("/change", {"description": "Pager"}),
        Ask("PATCH", ONE_HOOK, {"description": "Pager"}),
    ),
    case("switch-webhook", HOOK, Press("/switch"), Ask("PATCH", ONE_HOOK, {"is_on": False})),
    case(
        "change-webhook-secret",
        HOOK,
        Press("/secret", {"keep_hours": "5"}),
        Ask("POST", f"{ONE_HOOK}/rotate-secret", {"keep_hours": 5}),
    ),
    case("ping-webhook", HOOK, Press("/ping"), Ask("POST", f"{ONE_HOOK}/ping")),
    case("remove-webhook", f"{HOOK}/remove", Press(""), Ask("DELETE", ONE_HOOK)),
    case(
        "replay-delivery",
        HOOK,
        Press("/{delivery}/replay"),
        Ask("POST", f"{ONE_HOOK}/deliveries/{{delivery}}/replay"),
        scene=_missed,
    ),
)
