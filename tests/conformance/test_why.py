"""Why a request was refused: what was kept of it, and who may read that."""

import pytest
from django.utils.html import escape

from kit.oauth import GrantType
from tests.conformance.test_api import api_token, call
from tests.spec import spec


@pytest.fixture
def token(world):
    return api_token(world, world.public_client("Console app"), "ada", "checks:run")


def newest(world, event="token.refused"):
    return world.entries(event)[-1]


def failed(entry):
    """Return the room in which a request ended: what lies before it was passed, what lies behind was not reached."""
    verdicts = [step["verdict"] for step in entry.detail["steps"]]
    place = verdicts.index("failed")
    assert verdicts == ["passed"] * place + ["failed"] + ["not_reached"] * (len(verdicts) - place - 1)
    step = entry.detail["steps"][place]
    assert step["reason"] == entry.reason[:200]
    assert step["remedy"]
    return step["step"]


@spec("RFC 6749", "5.2")
def test_each_refusal_says_in_which_room_the_request_ended(world):
    scout, worker = world.public_client(), world.worker()
    granted = world.grant(scout)

    def room(answer, code):
        assert answer.json()["error"] == code, answer.text
        return failed(newest(world))

    wrong = world.refresh(scout, granted["refresh_token"], resource="https://nowhere.example")
    assert room(wrong, "invalid_target") == "resource"
    assert newest(world).on_behalf_of == world.people["alice"].pk
    wider = world.refresh(scout, granted["refresh_token"], scope="events:write")
    assert room(wider, "invalid_scope") == "scopes"
    assert room(world.refresh(scout, "rtf_nothing.0.nothing"), "invalid_grant") == "proof"
    assert room(world.own_token(scout), "unauthorized_client") == "grant"
    assert room(world.own_token(worker, scope="events:write"), "invalid_scope") == "scopes"
    assert newest(world).through == worker.client.agent_id


@spec("RFC 6749", "5.2")
def test_what_is_kept_shows_what_was_asked_and_no_secret_of_it(world):
    scout = world.public_client()
    granted = world.grant(scout)
    world.refresh(scout, granted["refresh_token"], scope="events:write contacts:read")
    said = {step["step"]: step.get("said", "") for step in newest(world).detail["steps"]}
    assert (said["client"], said["grant"]) == (scout.id, "refresh_token")
    assert said["scopes"] == "events:write contacts:read"
    assert granted["refresh_token"].split(".")[-1] not in str(newest(world).detail)
    world.refresh(scout, granted["refresh_token"], resource=granted["refresh_token"])
    assert failed(newest(world)) == "resource"
    assert granted["refresh_token"].split(".")[-1] not in str(newest(world).detail), "in no other parameter either"
    assert world.refresh(scout, granted["refresh_token"]).status_code == 200


@spec("RFC 8628", "3.1")
def test_a_device_and_a_person_at_the_browser_are_told_the_same_way(world):
    scout = world.public_client(grant_types=[GrantType.DEVICE_CODE])
    form = {"client_id": scout.id, "scope": "events:invent", "resource": world.calendar.identifier}
    assert world.http.post(world.url("/device_authorization"), data=form).json()["error"] == "invalid_scope"
    assert failed(newest(world, "authorization.refused")) == "scopes"
    asker = world.public_client("Asker")
    world.ask(asker, "alice", scope="events:invent")
    entry = newest(world, "authorization.refused")
    assert (failed(entry), entry.on_behalf_of) == ("scopes", world.people["alice"].pk)


@spec("RFC 9700", "2.3")
def test_why_is_read_by_the_person_the_owner_and_whoever_looks_after_the_tenant(world, elsewhere, token):
    scout = world.public_client()
    granted = world.grant(scout)
    world.refresh(scout, granted["refresh_token"], scope="events:write")
    entry = newest(world)
    path = f"/why/{entry.pk}"
    for person, may in (("ada", True), ("alice", True), ("bob", False)):
        page = world.browser(person).go(world.url(path))
        assert page.status_code == (200 if may else 404)
        assert (escape(entry.reason) in page.text) == may
    world.rewrite(scout.client.agent, owner=world.people["bob"])
    assert world.browser("bob").go(world.url(path)).status_code == 200
    told = call(world, token, f"/events/{entry.pk}/why").json()
    assert (told["error"], told["steps"]) == ("invalid_scope", entry.detail["steps"])
    assert call(world, token, "/events/evt_nothing/why").status_code == 404
    other = api_token(elsewhere, elsewhere.public_client(), "ada", "checks:run")
    assert call(elsewhere, other, f"/events/{entry.pk}/why").status_code == 404


@spec("RFC 9700", "2.3")
def test_an_entry_that_is_no_refusal_has_no_why(world, token):
    (first, *_) = world.entries("token.issued")
    assert call(world, token, f"/events/{first.pk}/why").status_code == 404


@spec("RFC 9700", "2.3")
def test_what_a_stranger_wrote_into_a_request_stays_text(world):
    worker = world.worker()
    answer = world.own_token(worker, scope="<script>alert(1)</script> \u202eevil")
    assert answer.json()["error"] == "invalid_scope"
    page = world.browser("ada").go(world.url(f"/why/{newest(world).pk}"))
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert "<bdi>" in page.text
