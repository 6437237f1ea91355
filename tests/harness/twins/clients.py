"""Clients and how they prove themselves; and by what ways agents come."""

from agents import clients, credentials
from agents.models import Client
from tests.harness.twins.case import Ask, Names, Press, case
from tests.harness.twins.scenes import by, client
from tests.harness.world import REDIRECT, World

PAGE, PATH = "/console/agents/{ledger}/clients/{ledger_client}", "agents/{ledger}/clients/{ledger_client}"
RUNNER = "{runner}/clients/{runner_client}"
SAID = {"client_name": "Books", "client_uri": "https://books.example/", "logo_uri": ""}
JOB = {"issuer": "{issuer}", "subject": " repo:acme/deploy", "audience": "remit"}


def _changed(world: World, names: Names) -> None:
    clients.change_client(client(names), {"client_uri": "https://old.example/"}, by=by(world))


def _keyed(world: World, names: Names) -> None:
    """Have it prove itself by a key."""
    jwks = {"keys": [names["jwk"]]}
    Client.objects.filter(pk=names["ledger_client"]).update(jwks=jwks, auth_method="private_key_jwt")


def _two_secrets(world: World, names: Names) -> Names:
    made, _ = credentials.add_secret(client(names), by=by(world))
    return {"credential": made.id}


CASES = (
    case(
        "change-client",
        PAGE,
        Press("/change", {**SAID, "redirect_uris": REDIRECT}),
        Ask("PATCH", PATH, {**SAID, "redirect_uris": [REDIRECT]}),
    ),
    case("put-back-client", PAGE, Press("/put-back"), Ask("POST", f"{PATH}/put-back"), scene=_changed),
    case(
        "give-grants",
        PAGE,
        Press("/grants", {"grant": ["client_credentials"]}),
        Ask("PUT", f"{PATH}/grants", {"grant_types": ["client_credentials"]}),
    ),
    case(
        "turn-switches",
        PAGE,
        Press("/switches", {"exchange_actor": "none", "accepts_endpoint_audience": "on"}),
        Ask("PATCH", f"{PATH}/switches", {"exchange_actor": "none", "accepts_endpoint_audience": True}),
        scene=_keyed,
    ),
    case(
        "add-secret", PAGE, Press("/secrets"), Ask("POST", f"{PATH}/credentials", {"kind": "secret", "overlap_days": 7})
    ),
    case(
        "add-key",
        f"{PAGE}/keys",
        Press("/keys", {"jwk": "{jwk_text}"}),
        Ask("POST", f"{PATH}/credentials", {"kind": "key", "jwk": "{jwk}"}),
    ),
    case(
        "add-platform",
        f"/console/agents/{RUNNER}/platform",
        Press("/platform", {**JOB, "claims": '{"repository_id": "42"}'}),
        Ask(
            "POST",
            f"agents/{RUNNER}/credentials",
            {"kind": "platform", **JOB, "claims": {"repository_id": "42"}},
        ),
    ),
    case(
        "retire-credential",
        f"{PAGE}/credentials/{{credential}}/retire",
        Press("/retire"),
        Ask("DELETE", f"{PATH}/credentials/{{credential}}"),
        scene=_two_secrets,
    ),
    case(
        "change-ways-in",
        "/console/ways-in",
        Press(
            "/change",
            {
                "registration": "admission",
                "documents": "hosts",
                "workloads": "open",
                "admitted_hosts": "agents.example",
                "registration_needs_token": "on",
            },
        ),
        Ask(
            "PATCH",
            "settings",
            {
                "registration": "admission",
                "documents": "hosts",
                "workloads": "open",
                "admitted_hosts": ["agents.example"],
                "registration_needs_token": True,
            },
        ),
    ),
    case(
        "make-registration-token",
        "/console/ways-in",
        Press("/ways-in/tokens", {"name": "Fleet", "uses": "5", "days": "7"}),
        Ask("POST", "registration-tokens", {"name": "Fleet", "uses": 5}),
    ),
    case(
        "revoke-registration-token",
        "/console/ways-in",
        Press("/{registration_token}/revoke"),
        Ask("DELETE", "registration-tokens/{registration_token}"),
    ),
)
