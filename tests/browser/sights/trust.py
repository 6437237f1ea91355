"""Resource servers, who is believed, and the keys."""

import json

from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Page

from audit.principals import SYSTEM
from kit import context, jwks
from tests.browser.sight import Arrive, Sight, again, at, at_empty
from tests.browser.stage import Stage, sign_in
from tests.harness.domains import Foreign
from tests.harness.world import make
from tokens import rotation
from tokens.models import SigningKey
from trust import swapped
from trust.models import TrustedIssuer


def _behind_the_calendar(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url(f"/console/resources/{stage.lived_in.calendar.pk}/downstream"))


def _keys(stage: Stage, page: Page) -> None:
    world = stage.lived_in
    with context.use(world.tenant):
        rotation.rotate_due(timezone.now(), by=SYSTEM)
        ready = timezone.now() - rotation.KNOWN_AFTER
        SigningKey.objects.filter(status="next", algorithm="ES256").update(created_at=ready)
    world.http.get(world.url("/jwks.json"), headers={"User-Agent": "gateway/2.1 (x86_64)"})
    page.goto(world.url("/console/keys"))


def _rotating(stage: Stage, page: Page) -> None:
    """Open the dialog that says who has not fetched the next key."""
    _keys(stage, page)
    page.get_by_role("button", name="Rotate now ES256").click()
    page.get_by_role("dialog").wait_for()


def _key_leaked(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/console/keys"))
    page.get_by_role("link", name="It leaked").first.click()
    again(page)
    page.get_by_label("What happened").wait_for()


def _resource(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url(f"/console/resources/{stage.lived_in.calendar.pk}"))


def _retiring(stage: Stage, page: Page) -> None:
    """Open the dialog that asks before a resource of few people is retired."""
    page.goto(stage.lived_in.url(f"/console/resources/{stage.lived_in.notes.pk}"))
    page.get_by_role("button", name="Retire").click()
    page.get_by_role("dialog").wait_for()


def _taking_away(stage: Stage, page: Page) -> None:
    """Read on a page of its own who loses a scope."""
    page.goto(stage.lived_in.url(f"/console/resources/{stage.lived_in.calendar.pk}/retire-scope?name=events:read"))
    again(page)
    page.get_by_role("button", name="Take away").wait_for()


def _setup(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url(f"/console/resources/{stage.lived_in.calendar.pk}/setup?for=fastmcp"))


def _secret_of_setup(stage: Stage, page: Page) -> None:
    """Have the secret made with which a server asks about each token, where it is shown once."""
    world = make(stage.lived_in.origin, stage.lived_in.http)
    world.rewrite(world.notes, token_format="opaque")
    page.goto(world.url("/login"))
    sign_in(page, world.email("ada"))
    page.wait_for_url("**/me/agents")
    page.goto(world.url(f"/console/resources/{world.notes.pk}/setup?for=fastapi"))
    page.get_by_role("button", name="Make its client").click()
    page.locator(".codes code").wait_for()


def _import_scopes(stage: Stage, page: Page) -> None:
    """Have an MCP server's tools proposed, and tick one whose words cannot stay as they are."""
    tools = [
        {"name": "find_room", "description": "Find a free room. On any floor.", "annotations": {"readOnlyHint": True}},
        {"name": "cancel_every_booking", "description": "Cancels.", "annotations": {"destructiveHint": True}},
        {"name": "two words"},
    ]
    page.goto(stage.lived_in.url(f"/console/resources/{stage.lived_in.calendar.pk}/import-scopes"))
    page.get_by_label("The document").fill(json.dumps(tools))
    page.get_by_role("button", name="Read it").click()
    page.get_by_role("button", name="Add what is ticked").wait_for()


def _probe(stage: Stage, page: Page) -> None:
    """Open the test of a server that nobody runs."""
    page.goto(stage.lived_in.url(f"/console/resources/{stage.lived_in.calendar.pk}/test"))
    page.get_by_role("button", name="Test it now").click()
    page.get_by_text("It is not ready").wait_for()


def _scope(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url(f"/console/resources/{stage.lived_in.calendar.pk}/scopes/events:write"))


def _issuer(path: str = "") -> Arrive:
    """Open the page of the issuer whose word something stands on."""

    def arrive(stage: Stage, page: Page) -> None:
        with context.use(stage.lived_in.tenant):
            issuer = TrustedIssuer.objects.get(issuer="https://accounts.subsidiary.example")
        page.goto(stage.lived_in.url(f"/console/trust/issuers/{issuer.pk}{path}"))

    return arrive


def _swapped(stage: Stage, page: Page) -> None:
    """Stand before keys that none of those before vouches for, as the ledger notes them."""
    with context.use(stage.lived_in.tenant), transaction.atomic():
        issuer = TrustedIssuer.objects.get(issuer="https://accounts.subsidiary.example")
        before, after = (jwks.parse(Foreign(f"https://{name}.example").jwks) for name in ("before", "after"))
        TrustedIssuer.objects.filter(pk=issuer.pk).update(keys_swapped_at=timezone.now())
        swapped.note(issuer, before, after)
    page.goto(stage.lived_in.url(f"/console/trust/issuers/{issuer.pk}"))
    page.get_by_text("Its keys were swapped.").wait_for()


def _looked_at(stage: Stage, page: Page) -> None:
    """Look at an issuer whose keys are pasted, one of them for something else."""
    others = Foreign("https://idp.foreign.example").jwks["keys"]
    page.goto(stage.lived_in.url("/console/trust/add-issuer"))
    page.get_by_label("Issuer", exact=True).fill("https://idp.foreign.example")
    page.get_by_label("It says which agent acts here for which person").check()
    page.get_by_label("Where its keys come from").select_option("pasted")
    sealing = {**others[0], "kid": "for-sealing", "use": "enc"}
    page.get_by_label("Its public keys, where they are pasted").fill(json.dumps({"keys": [*others, sealing]}))
    page.get_by_role("button", name="Look at it first").click()
    page.get_by_role("heading", name="What it says of itself").wait_for()


def _platform(stage: Stage, page: Page) -> None:
    """Open the page of a platform that gives no keys."""
    with context.use(stage.lived_in.tenant):
        TrustedIssuer.objects.filter(name="Builds").update(keys_asked_at=timezone.now())
    page.goto(stage.lived_in.url("/console/trust"))
    page.get_by_role("link", name="Builds").first.click()
    page.get_by_text("Its keys cannot be had").wait_for()


def _audience(stage: Stage, page: Page) -> None:
    page.goto(stage.lived_in.url("/console/trust/audiences"))
    page.get_by_role("link", name="Partner").click()
    page.get_by_role("heading", name="Who is let across").wait_for()


def _tried(stage: Stage, page: Page) -> None:
    """Try what nobody signed whom the tenant believes."""
    page.goto(stage.lived_in.url("/console/trust/try"))
    page.get_by_label("Assertion").fill(Foreign("https://nobody.example").sign({"iss": "https://nobody.example"}))
    page.get_by_role("button", name="Try it").click()
    page.get_by_role("heading", name="It would be refused").wait_for()


SIGHTS = (
    Sight("console-resource-behind", _behind_the_calendar, "ada"),
    Sight("console-keys", _keys, "ada"),
    Sight("console-key-rotate", _rotating, "ada"),
    Sight("console-key-leaked", _key_leaked, "ada"),
    Sight("console-resources", at("/console/resources"), "ada"),
    Sight("console-resource", _resource, "ada"),
    Sight("console-resource-test", _probe, "ada"),
    Sight("console-resource-setup", _setup, "ada"),
    Sight("console-resource-setup-secret", _secret_of_setup),
    Sight("console-resource-import", _import_scopes, "ada"),
    Sight("console-resource-add", at("/console/resources/add"), "ada"),
    Sight("console-resource-retire", _retiring, "ada"),
    Sight("console-scope-take-away", _taking_away, "ada"),
    Sight("console-scope", _scope, "ada"),
    Sight("console-trust", at("/console/trust"), "ada"),
    Sight("console-trust-empty", at_empty("/console/trust"), "ada", is_empty=True),
    Sight("console-audiences", at("/console/trust/audiences"), "ada"),
    Sight("console-audiences-empty", at_empty("/console/trust/audiences"), "ada", is_empty=True),
    Sight("console-issuer", _issuer(), "ada"),
    Sight("console-issuer-swapped", _swapped, "ada"),
    Sight("console-issuer-off", _issuer("/off"), "ada"),
    Sight("console-issuer-remove", _issuer("/remove"), "ada"),
    Sight("console-platform", _platform, "ada"),
    Sight("console-issuer-add", at("/console/trust/add-issuer"), "ada"),
    Sight("console-issuer-looked-at", _looked_at, "ada"),
    Sight("console-audience", _audience, "ada"),
    Sight("console-try", _tried, "ada"),
)
