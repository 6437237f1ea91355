"""Whom a tenant believes, and which servers elsewhere its agents reach."""

from agents.models import AssertionRule
from tests.harness.twins.case import Ask, Names, Press, case
from tests.harness.twins.scenes import by, issuer
from tests.harness.world import World
from trust import actions, removing
from trust.models import Audience, TrustedIssuer

ISSUER, ISSUERS = "/console/trust/issuers/{issuer}", "trust/issuers/{issuer}"
REMOTE, REMOTES = "/console/trust/issuers/{remote}", "trust/issuers/{remote}"
AUDIENCE, AUDIENCES = "/console/trust/audiences/{audience}", "trust/audiences/{audience}"
WHY = {"reason": "look into it"}
KEPT_NOWHERE = "it is judged, and kept nowhere"
LOOKED_AT = {"issuer": "{unknown_issuer}/not", "key_source": "metadata", "purposes": ["software"]}
UNKNOWN = {"issuer": "{unknown_issuer}/another", "name": "Another", "key_source": "jwks_uri", "purposes": ["software"]}
PLACE = {"jwks_uri": "https://keys.another.example/jwks"}
SWAPPED_AT = "2026-01-01T00:00:00Z"
HUSH = "a secret of theirs"
PROVIDER = {"client_id": "remit-2", "client_secret": HUSH, "groups_claim": "teams"}
API = "https://api.elsewhere.example/"


def _issuer_off(world: World, names: Names) -> None:
    actions.change_issuer(issuer(names), by=by(world), is_enabled=False)


def _unvouched(world: World, names: Names) -> None:
    TrustedIssuer.objects.filter(pk=names["issuer"]).update(vouched_as="security")


def _removed(world: World, names: Names) -> None:
    removing.remove_issuer(TrustedIssuer.objects.get(pk=names["remote"]), by=by(world), reason="over")


def _swapped(world: World, names: Names) -> None:
    TrustedIssuer.objects.filter(pk=names["issuer"]).update(keys_swapped_at=SWAPPED_AT)


def _audience_off(world: World, names: Names) -> None:
    Audience.objects.filter(pk=names["audience"]).update(is_enabled=False)


def _no_rule(world: World, names: Names) -> None:
    AssertionRule.objects.all().delete()


CASES = (
    case(
        "look-at-issuer",
        "/console/trust/add-issuer",
        Press("/add-issuer", LOOKED_AT, to="/console/trust/add-issuer/look"),
        Ask("POST", "trust/issuers/preview", LOOKED_AT),
        not_told=KEPT_NOWHERE,
    ),
    case(
        "try-assertion",
        "/console/trust/try",
        Press("/try", {"assertion": "e30.e30.e30"}),
        Ask("POST", "trust/issuers/try", {"assertion": "e30.e30.e30"}),
        no_row=KEPT_NOWHERE,
        not_told=KEPT_NOWHERE,
    ),
    case(
        "add-issuer",
        "/console/trust/add-issuer",
        Press("/add-issuer", {**UNKNOWN, **PLACE}),
        Ask("POST", "trust/issuers", {**UNKNOWN, **PLACE}),
    ),
    case(
        "add-issuer",
        "/console/trust/add-issuer",
        Press("/add-issuer", {"issuer": "https://pasted.example", "key_source": "pasted", "jwks": "{jwks_text}"}),
        Ask(
            "POST",
            "trust/issuers",
            {"issuer": "https://pasted.example", "key_source": "pasted", "jwks": {"keys": ["{jwk}"]}},
        ),
    ),
    case(
        "add-audience",
        "/console/trust/add-audience",
        Press(
            "",
            {
                "issuer": "https://as.another.example",
                "name": "Another",
                "resources": "https://api.another.example/ read write",
            },
        ),
        Ask(
            "POST",
            "trust/audiences",
            {
                "issuer": "https://as.another.example",
                "name": "Another",
                "resources": {"https://api.another.example/": ["read", "write"]},
            },
        ),
    ),
    case(
        "change-issuer",
        ISSUER,
        Press(
            "/change",
            {
                "name": "Theirs",
                "email_domains": "foreign.example",
                "mappings": ["email"],
                "any_client": [],
                "clients": "{client_id}",
                "longest_seconds": "120",
                "required_claims": '{"tenant_id": 7}',
                "resources": ["{calendar_url} events:read"],
            },
        ),
        Ask(
            "PATCH",
            ISSUERS,
            {
                "name": "Theirs",
                "email_domains": ["foreign.example"],
                "mappings": ["email"],
                "any_client": False,
                "clients": ["{client_id}"],
                "longest_seconds": 120,
                "required_claims": {"tenant_id": 7},
                "resources": {"{calendar_url}": ["events:read"]},
            },
        ),
    ),
    case("issuer-off", f"{ISSUER}/off", Press("", WHY), Ask("PATCH", ISSUERS, {**WHY, "is_enabled": False})),
    case("issuer-on", ISSUER, Press("/on"), Ask("PATCH", ISSUERS, {"is_enabled": True}), scene=_issuer_off),
    case("remove-issuer", f"{ISSUER}/remove", Press("/remove", WHY), Ask("DELETE", ISSUERS, WHY)),
    case("restore-issuer", REMOTE, Press("/restore"), Ask("POST", f"{REMOTES}/restore"), scene=_removed),
    case("confirm-issuer", ISSUER, Press("/confirm"), Ask("POST", f"{ISSUERS}/confirm"), scene=_unvouched),
    case(
        "confirm-issuer-keys",
        ISSUER,
        Press("/confirm-keys"),
        Ask("POST", f"{ISSUERS}/confirm-keys", {"keys_swapped_at": SWAPPED_AT}),
        scene=_swapped,
    ),
    case("fetch-keys", REMOTE, Press("/fetch-keys"), Ask("POST", f"{REMOTES}/fetch-keys")),
    case(
        "link-subject",
        ISSUER,
        Press("/links", {"subject": " f-bob", "email": "{bob_email}"}, nth=-1),
        Ask("POST", f"{ISSUERS}/links", {"subject": " f-bob", "member": "{bob}"}),
    ),
    case("unlink-subject", ISSUER, Press("/{link}/unlink"), Ask("DELETE", f"{ISSUERS}/links/{{link}}")),
    case(
        "set-provider",
        ISSUER,
        Press("/sign-in", {**PROVIDER, "is_public": [], "roles": "it-security: security"}),
        Ask("PUT", f"{ISSUERS}/sign-in", {**PROVIDER, "roles": [["it-security", "security"]]}),
    ),
    case(
        "set-provider",
        ISSUER,
        Press("/sign-in", {"client_id": "remit-2"}),
        Ask("PUT", f"{ISSUERS}/sign-in", {"client_id": "remit-2", "client_secret": ""}),
    ),
    case("remove-provider", f"{ISSUER}/sign-in/remove", Press(""), Ask("DELETE", f"{ISSUERS}/sign-in")),
    case(
        "change-audience",
        AUDIENCE,
        Press(
            "/change",
            {
                "name": "Theirs",
                "algorithm": "ES256",
                "shares_email": "on",
                "aud_tenant": "t-7",
                "resources": f"{API} read write",
            },
        ),
        Ask(
            "PATCH",
            AUDIENCES,
            {
                "name": "Theirs",
                "algorithm": "ES256",
                "shares_email": True,
                "aud_tenant": "t-7",
                "resources": {API: ["read", "write"]},
            },
        ),
    ),
    case("audience-off", f"{AUDIENCE}/off", Press("", WHY), Ask("PATCH", AUDIENCES, {**WHY, "is_enabled": False})),
    case("audience-on", AUDIENCE, Press("/on"), Ask("PATCH", AUDIENCES, {"is_enabled": True}), scene=_audience_off),
    case(
        "name-client",
        AUDIENCE,
        Press("/names", {"client": "{client_id}", "client_id_there": "elsewhere-2"}),
        Ask("PUT", f"{AUDIENCES}/names/{{client_id}}", {"client_id_there": "elsewhere-2"}),
    ),
    case(
        "add-rule",
        AUDIENCE,
        Press(
            "/rules",
            {
                "client": "{client_id}",
                "resource": API,
                "scopes": "read",
                "people": "{bob_email}\n{alice_email}",
                "groups": "staff",
            },
        ),
        Ask(
            "POST",
            f"{AUDIENCES}/rules",
            {
                "client": "{client_id}",
                "resource": API,
                "scopes": ["read"],
                "members": ["{bob}", "{alice}"],
                "groups": ["staff"],
            },
        ),
        scene=_no_rule,
    ),
    case(
        "add-rule",
        AUDIENCE,
        Press("/rules", {"client": "{client_id}", "resource": API, "scopes": "read", "everyone": "on"}),
        Ask(
            "POST",
            f"{AUDIENCES}/rules",
            {"client": "{client_id}", "resource": API, "scopes": ["read"], "everyone": True},
        ),
        scene=_no_rule,
    ),
    case("remove-rule", f"{AUDIENCE}/rules/{{rule}}/remove", Press(""), Ask("DELETE", f"{AUDIENCES}/rules/{{rule}}")),
)
