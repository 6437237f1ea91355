"""A request that waits for the person it is about: an address, good once, that leads to the consent page (DTR)."""

from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from kit import context
from tests.harness import chain as chains
from tests.harness.browser import Browser
from tests.harness.deferral import WAITS, Waiting
from tests.harness.footprint import leaves_only
from tests.harness.wire import assert_refused
from tests.harness.world import Credentials, World, claims
from tests.spec import spec
from tokens.models import Deferral

OVER = "This request is over"
BOTH = "events:read events:write"


@pytest.fixture
def scout(world: World) -> Credentials:
    return world.secret_client("Scout")


@pytest.fixture
def held(world: World, scout: Credentials) -> str:
    """What Scout renews its reading of Alice's calendar with."""
    return str(world.grant(scout)["refresh_token"])


def asks(world: World, who: Credentials, answer) -> Waiting:
    """Return what waits for a person, once the answer was seen to say so as it must."""
    assert (answer.status_code, answer.headers["cache-control"]) == (400, "no-store"), answer.text
    body = answer.json()
    assert body["error"] == "interaction_required", body
    assert set(body) == {
        "error", "error_description", "deferral_code", "expires_in", "interval", "interaction_uri",
    }  # fmt: skip
    assert body["interaction_uri"].startswith(f"{world.tenant.issuer}/deferred/")
    return Waiting(world, who, body)


@pytest.fixture
def waiting(world: World, scout: Credentials, held: str) -> Waiting:
    """Scout asks to change the calendar, too."""
    return asks(world, scout, world.refresh(scout, held, scope=BOTH, **WAITS))


def opened(waiting: Waiting, person: str = "alice") -> Browser:
    browser = waiting.world.browser(person)
    browser.go(str(waiting.answer["interaction_uri"]))
    return browser


def decide(browser: Browser, decision: str = "allow", **fill) -> Browser:
    browser.submit(browser.form("/deferred/decision"), {"decision": decision, "duration": "week", **fill})
    return browser


def ticked(world: World, *scopes: str) -> list[str]:
    return [f"{world.calendar.pk} {scope}" for scope in scopes]


@spec("DTR", "interaction")
def test_the_person_reads_what_is_new_allows_it_and_the_client_gets_it_once(world, scout, waiting):
    browser = opened(waiting)
    said = browser.words()
    for words in (
        "Let Scout use Calendar for you?",
        "Change your calendar",
        "acts for you already",
        "goes on by itself",
    ):
        assert words in said, words
    assert_refused(waiting.poll(), "authorization_pending")
    decide(browser, scope=ticked(world, "events:write"))
    assert "Done. Scout goes on" in browser.words()
    body = waiting.poll().json()
    assert body["scope"] == BOTH
    told_of = claims(body["access_token"])
    assert (told_of["sub"], told_of["act"]["sub"]) == (world.people["alice"].pk, scout.client.agent_id)
    assert world.refresh(scout, body["refresh_token"]).json()["scope"] == BOTH
    assert_refused(waiting.poll(), "invalid_grant")
    (delegation,) = world.delegations()
    assert delegation.scopes == ["events:read", "events:write"]


@spec("DTR", "interaction")
def test_without_opting_in_it_is_refused_and_says_where_somebody_can_act(world, scout, held):
    answer = world.refresh(scout, held, scope=BOTH)
    assert_refused(answer, "invalid_scope", page=world.url("/who-decides"))
    page = world.browser().go(world.url("/who-decides"))
    assert "Who decides" in page.text
    for words in ("Scout", "alice", scout.id):
        assert words not in page.text
    assert world.refresh(scout, held).status_code == 200


@spec("DTR", "interaction")
def test_who_says_no_is_told_and_keeps_what_there_was(world, scout, held, waiting):
    decide(opened(waiting), "deny")
    assert_refused(waiting.poll(), "access_denied")
    assert world.refresh(scout, held).status_code == 200
    assert [each.on_behalf_of for each in world.entries("delegation.refused")] == [world.people["alice"].pk]


@spec("DTR", "interaction")
def test_what_the_person_leaves_out_is_left_out(world, waiting):
    decide(opened(waiting), scope=[])
    assert waiting.poll().json()["scope"] == "events:read"


@spec("DTR", "interaction")
def test_the_address_is_good_once_and_again_in_the_browser_that_opened_it(world, waiting):
    first = opened(waiting)
    second = opened(waiting)
    assert OVER in second.words()
    assert second.page.status_code == 400
    first.go(str(waiting.answer["interaction_uri"]))
    stale = first.form("/deferred/decision")
    first.go(str(waiting.answer["interaction_uri"]))
    first.submit(stale, {"decision": "allow", "duration": "week"})
    assert OVER in first.words()
    first.go(str(waiting.answer["interaction_uri"]))
    decide(first)
    assert waiting.poll().status_code == 200
    first.go(str(waiting.answer["interaction_uri"]))
    assert OVER in first.words()


@spec("DTR", "interaction")
def test_an_address_that_was_opened_and_left_is_followed_by_another(world, waiting):
    again = waiting.poll()
    assert (again.json()["error"], again.json()["interaction_uri"]) == (
        "interaction_required",
        waiting.answer["interaction_uri"],
    )
    opened(waiting)
    row = waiting.row()
    world.rewrite(row, turned_at=row.turned_at - timedelta(minutes=11))
    newer = waiting.poll().json()["interaction_uri"]
    assert newer != waiting.answer["interaction_uri"]
    assert OVER in opened(waiting).words()
    waiting.answer["interaction_uri"] = newer
    decide(opened(waiting))
    assert waiting.poll().status_code == 200


@spec("DTR", "interaction")
def test_nobody_but_the_person_it_is_about_opens_it_or_uses_it_up(world, waiting):
    for person in ("bob", "ada"):
        other = opened(waiting, person)
        assert (other.page.status_code, OVER in other.words()) == (400, True)
    nobody = world.browser()
    nobody.go(str(waiting.answer["interaction_uri"]))
    assert "/login" in str(nobody.page.url)
    mine = opened(waiting)
    other.submit(mine.form("/deferred/decision"), {"decision": "allow", "duration": "week"})
    assert other.page.status_code in {400, 403}
    assert_refused(waiting.poll(), "authorization_pending")
    decide(mine)
    assert waiting.poll().status_code == 200


@spec("DTR", "interaction")
@pytest.mark.parametrize("spoil", ["mac", "turn", "id", "bare"])
def test_a_guessed_address_leads_nowhere(world, waiting, spoil):
    uri = str(waiting.answer["interaction_uri"])
    deferral_id, _, proof = urlsplit(uri).path.rpartition("/")[2].partition(".")
    changed = {
        "mac": f"{deferral_id}.{proof[:-1]}{'0' if proof[-1] != '0' else '1'}",
        "turn": f"{deferral_id}.",
        "id": f"dfr_{'0' * 26}.{proof}",
        "bare": deferral_id,
    }[spoil]
    browser = world.browser("alice")
    with leaves_only(world):
        browser.go(world.url(f"/deferred/{changed}"))
    assert OVER in browser.words()


@spec("DTR", "interaction")
def test_once_taken_back_there_is_nothing_to_decide(world, waiting):
    browser = opened(waiting)
    world.revoke(waiting.who, waiting.code)
    decide(browser)
    assert browser.page.status_code == 409
    assert_refused(waiting.poll(), "invalid_grant")
    assert world.delegations()[0].scopes == ["events:read"]


@spec("DTR", "interaction")
def test_it_is_judged_by_what_holds_when_it_is_answered(world, scout, waiting):
    decide(opened(waiting), scope=ticked(world, "events:write"))
    world.rewrite(scout.client.agent, ceiling={world.calendar.identifier: ["events:read"]})
    assert waiting.poll().json()["scope"] == "events:read"


@spec("DTR", "interaction")
@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "events:read no:such"}, "invalid_scope"),
        ({"resource": "https://nowhere.example", "scope": "events:read"}, "invalid_target"),
        ({"refresh_token": "rtf_x.0.y"}, "invalid_grant"),
    ],
)
def test_what_the_person_cannot_allow_is_refused_at_once(world, scout, held, form, error):
    base = {"grant_type": "refresh_token", "refresh_token": held, **WAITS}
    assert_refused(world.token(scout, {**base, **form}), error)
    with context.use(world.tenant):
        assert not Deferral.objects.exists()


@spec("DTR", "interaction")
def test_what_the_person_allowed_already_asks_nobody(world, scout, held):
    world.grant(scout, scope=BOTH, tick=ticked(world, "events:write"))
    answer = world.refresh(scout, held, scope=BOTH, **WAITS)
    assert_refused(answer, "invalid_scope")
    assert "error_uri" not in answer.json()


@spec("RFC 8693", "2.2.2")
def test_an_exchange_for_another_resource_waits_for_the_person_and_answers_as_an_exchange(world):
    planner = chains.asker(world)
    token = chains.allow(world, planner)["access_token"]
    ask = {"resource": world.notes.identifier, "scope": "notes:read"}
    assert_refused(world.exchange(planner, token, **ask), "invalid_target", page=world.url("/who-decides"))
    waiting = asks(world, planner, world.exchange(planner, token, **ask, **WAITS))
    decide(opened(waiting))
    body = waiting.poll().json()
    assert body["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert (body["scope"], "refresh_token" in body) == ("notes:read", False)
    assert claims(body["access_token"])["aud"] == world.notes.identifier
    assert_refused(waiting.poll(), "invalid_grant")


@spec("DTR", "deciding")
def test_beyond_the_ceiling_an_approver_decides_first_and_then_the_person(world, scout, held):
    world.rewrite(scout.client.agent, ceiling={world.calendar.identifier: ["events:read"]})
    world.rewrite(scout.client, version=scout.client.version + 7)
    answer = world.refresh(scout, held, scope=f"{BOTH} contacts:read", **WAITS)
    assert answer.json()["error"] == "authorization_pending"
    waiting = Waiting(world, scout, answer.json())
    assert (waiting.question().kind, waiting.question().own) == ("scopes", {})
    waiting.approve(["events:write"])
    waiting.answer["interaction_uri"] = waiting.poll().json()["interaction_uri"]
    browser = opened(waiting)
    assert "Change your calendar" in browser.words()
    decide(browser, scope=ticked(world, "events:write", "contacts:read"))
    assert waiting.poll().json()["scope"] == BOTH
