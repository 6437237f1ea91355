"""Resources, their scopes, what lies behind them, and who asks for them."""

import json

from audit.principals import SYSTEM
from tenants import actions as tenant_actions
from tenants import resources
from tenants.models import ResourceServer, Scope
from tests.harness.twins.case import Ask, Names, Press, case
from tests.harness.twins.scenes import by
from tests.harness.world import World
from tokens import stops

ONE = "/console/resources/{calendar}"
OPENAPI = {
    "openapi": "3.1.0",
    "components": {
        "securitySchemes": {
            "login": {
                "type": "oauth2",
                "flows": {"authorizationCode": {"scopes": {"rooms:read": "See which rooms are free"}}},
            }
        }
    },
    "paths": {"/rooms": {"get": {"security": [{"login": ["rooms:read"]}]}}},
}
MAIL = {"name": "Mail", "identifier": "https://mail.example/mcp", "kind": "mcp", "token_format": "opaque"}
DIARY = {"name": "Diary", "kind": "a2a", "signing_algorithm": "RS256"}
ROOMS = {
    "name": "rooms:book", "title": "Book rooms", "description": "Any floor", "cannot": "Cancel others' bookings",
    "weight": "as_you",
}  # fmt: skip


def _calendar(names: Names) -> ResourceServer:
    return ResourceServer.objects.get(pk=names["calendar"])


def _joined(world: World, names: Names) -> None:
    """Let what may call the calendar reach the notes."""
    notes = ResourceServer.objects.get(pk=names["notes"])
    resources.allow_downstream(_calendar(names), notes, {"events:read": ["notes:read"]}, by=SYSTEM)


def _retired(world: World, names: Names) -> None:
    stops.retire_resource(_calendar(names), by=by(world), reason="moved")


def _taken_away(world: World, names: Names) -> None:
    scope = Scope.objects.select_related("resource_server").get(resource_server=names["calendar"], name="events:write")
    resources.retire_scope(scope, by=by(world), reason="moved")


def _asking(world: World, names: Names) -> None:
    """Have the calendar's server ask about each token."""
    resources.change_resource(_calendar(names), by=SYSTEM, token_format="opaque")


def _guarded(world: World, names: Names) -> Names:
    """Write down a server where nobody answers."""
    made = tenant_actions.add_resource_server(names["guarded_url"], "Guarded", [], by=SYSTEM)
    return {"guarded": made.pk}


CASES = (
    case("add-resource", "/console/resources/add", Press("", MAIL), Ask("POST", "resources", MAIL)),
    case(
        "change-resource",
        ONE,
        Press("/change", {**DIARY, "asks_each_time": "on"}),
        Ask("PATCH", "resources/{calendar}", {**DIARY, "asks_each_time": True}),
    ),
    case(
        "add-downstream",
        f"{ONE}/downstream",
        Press("", {"to": "{notes}", "scopes": "events:read notes:read\nevents:write notes:read notes:write"}),
        Ask(
            "PUT",
            "resources/{calendar}/downstream/{notes}",
            {"scopes": {"events:read": ["notes:read"], "events:write": ["notes:read", "notes:write"]}},
        ),
    ),
    case(
        "forbid-downstream",
        ONE,
        Press("/downstream/"),
        Ask("DELETE", "resources/{calendar}/downstream/{notes}"),
        scene=_joined,
    ),
    case(
        "give-introspector",
        f"{ONE}/setup",
        Press("/setup/client"),
        Ask("POST", "resources/{calendar}/introspector"),
        scene=_asking,
    ),
    case(
        "probe-resource",
        "/console/resources/{guarded}/test",
        Press("/test"),
        Ask("POST", "resources/{guarded}/probe"),
        scene=_guarded,
    ),
    case(
        "retire-resource",
        ONE,
        Press("/retire", {"reason": "moved"}),
        Ask("POST", "resources/{calendar}/retire", {"reason": "moved"}),
    ),
    case("restore-resource", ONE, Press("/restore"), Ask("POST", "resources/{calendar}/restore"), scene=_retired),
    case(
        "import-scopes",
        f"{ONE}/import-scopes",
        (
            Press("/import-scopes", {"document": json.dumps(OPENAPI)}),
            Press("/import-scopes", {"scope0-take": "on", "add": "1"}),
        ),
        (
            Ask("POST", "resources/{calendar}/proposals", {"document": json.dumps(OPENAPI)}),
            Ask("POST", "resources/{calendar}/scopes", {"name": "rooms:read", "title": "See which rooms are free"}),
        ),
    ),
    case(
        "add-scope",
        f"{ONE}/add-scope",
        Press("", {**ROOMS, "is_writing": "on", "longest_seconds": "60"}),
        Ask("POST", "resources/{calendar}/scopes", {**ROOMS, "is_writing": True, "longest_seconds": 60}),
    ),
    case(
        "change-scope",
        f"{ONE}/scopes/events:write",
        Press("", {"title": "Write your calendar", "is_needed": "on"}),
        Ask("PATCH", "resources/{calendar}/scopes/events:write", {"title": "Write your calendar", "is_needed": True}),
    ),
    case(
        "retire-scope",
        f"{ONE}/scopes/events:write",
        Press("/retire-scope", {"reason": "moved"}),
        Ask("DELETE", "resources/{calendar}/scopes/events:write", {"reason": "moved"}),
    ),
    case(
        "restore-scope",
        ONE,
        Press("/restore-scope"),
        Ask("POST", "resources/{calendar}/restore-scope", {"name": "events:write"}),
        scene=_taken_away,
    ),
)
