"""When a credential was first and last used, and when it ends beside the one that follows it."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone

from agents import credentials, overlaps, turning, uses
from agents.models import Client, CredentialStory
from audit.principals import SYSTEM
from kit import context
from tests.conformance.test_resources_api import asker
from tests.harness import inside
from tests.harness.footprint import leaves_only
from tests.harness.keyholder import TYPE, Keyholder
from tests.harness.world import Credentials
from tests.spec import spec

OWN = {"grant_type": "client_credentials", "scope": "events:read"}
SCOPES = "agents:read credentials:read credentials:write"


@pytest.fixture
def worker(world):
    """An agent of Bob's that acts for itself, with a secret."""
    worker = world.worker()
    world.rewrite(worker.client.agent, owner=world.people["bob"])
    return worker


@pytest.fixture
def ask(world):
    return asker(world, "ada", SCOPES)


def known(world, who):
    with context.use(world.tenant):
        return {each.id: each for each in credentials.of(Client.objects.get(pk=who.client.pk))}


def path_of(who):
    return f"/agents/{who.client.agent_id}/clients/{who.client.pk}/credentials"


def aged(world, days):
    """Let all that was used have been used so many days earlier."""
    with context.use(world.tenant):
        for story in CredentialStory.objects.exclude(first_used_at=None):
            moved = story.first_used_at - timedelta(days=days)
            CredentialStory.objects.filter(pk=story.pk).update(first_used_at=moved)


def clock(world):
    with context.use(world.tenant):
        return turning.end_due(timezone.now())


@spec("RFC 6749", "2.3.1")
def test_a_secret_that_gets_a_token_is_used_and_one_that_is_refused_is_not(world, worker, ask):
    before = timezone.now() - timedelta(seconds=1)
    assert known(world, worker)["sec_first"].first_used_at is None
    assert world.own_token(worker, scope="contacts:read").json()["error"] == "invalid_scope"
    assert known(world, worker)["sec_first"].first_used_at is None
    assert world.own_token(worker).status_code == 200
    used = known(world, worker)["sec_first"]
    assert before < used.first_used_at == used.last_used_at < timezone.now() + timedelta(seconds=1)
    (told,) = ask("GET", f"/agents/{worker.client.agent_id}/credentials").json()["credentials"]
    assert (told["id"], told["client"], told["overlap_days"]) == ("sec_first", worker.client.pk, None)
    assert told["first_used_at"] == told["last_used_at"] is not None
    made = ask("POST", path_of(worker), {"kind": "secret"}).json()
    assert world.own_token(Credentials(worker.client, made["client_secret"])).status_code == 200
    found = known(world, worker)
    assert found[made["id"]].first_used_at > found["sec_first"].last_used_at == used.last_used_at


@spec("RFC 7523", "2.2")
def test_a_key_is_known_by_its_thumbprint_since_it_was_added_and_when_it_is_used(world, worker):
    key = Keyholder(worker.id)
    with context.use(world.tenant):
        made = credentials.add_key(worker.client, key.jwks["keys"][0], by=SYSTEM)
    world.rewrite(worker.client, auth_method="private_key_jwt")
    answer = world.token(
        Credentials(worker.client),
        {
            **OWN,
            "resource": world.calendar.identifier,
            "client_assertion_type": TYPE,
            "client_assertion": key.assertion(world),
        },
    )
    assert answer.status_code == 200, answer.text
    found = known(world, worker)[made.id]
    assert (found.kind, found.thumbprint) == ("key", made.id)
    assert found.made_at < found.first_used_at == found.last_used_at


def test_uses_are_noted_once_a_minute_and_the_first_stays(world, worker):
    def come():
        answer = inside.post(world, "/token", {**OWN, "resource": world.calendar.identifier}, worker)
        assert answer.status_code == 200, answer.content

    come()
    first = known(world, worker)["sec_first"].first_used_at
    aged(world, 1)
    come()
    assert known(world, worker)["sec_first"].last_used_at == first
    uses.forget_all()
    come()
    found = known(world, worker)["sec_first"]
    assert found.first_used_at == first - timedelta(days=1)
    assert found.last_used_at > first


@spec("RFC 6749", "2.3.1")
def test_what_came_before_ends_some_days_after_the_first_use_of_the_new_one(world, worker, ask):
    made = ask("POST", path_of(worker), {"kind": "secret", "overlap_days": 7})
    assert made.status_code == 201, made.text
    new = Credentials(worker.client, made.json()["client_secret"])
    (entry,) = world.entries("client.secret_added")
    assert entry.detail == {"credential": made.json()["id"], "ends": ["sec_first"], "days_after_first_use": 7}
    aged(world, 100)
    assert (clock(world), known(world, worker)["sec_first"].ends_at) == (0, None)
    ada = world.browser("ada")
    ada.go(world.url(f"/console/agents/{worker.client.agent_id}/credentials"))
    assert "7 days after the new one is first used" in ada.words()
    assert world.own_token(new).status_code == 200
    old = known(world, worker)["sec_first"]
    assert old.ends_at == known(world, worker)[made.json()["id"]].first_used_at + timedelta(days=7)
    assert "in 7 days" in (ada.go(world.url(f"/console/agents/{worker.client.agent_id}/credentials")), ada.words())[1]
    aged(world, 6)
    assert (clock(world), world.own_token(worker).status_code) == (0, 200)
    aged(world, 1)
    assert clock(world) == 1
    assert [world.own_token(each).status_code for each in (worker, new)] == [401, 200]
    (gone,) = world.entries("client.secret_retired")
    assert (gone.principal_kind, gone.reason) == ("system", "what follows it is in use for 7 days")
    with leaves_only(world):
        assert clock(world) == 0


@spec("RFC 6749", "2.3.1")
def test_the_clock_takes_no_last_way_in_and_counts_nothing_where_the_new_one_is_gone(world, worker, ask):
    made = ask("POST", path_of(worker), {"kind": "secret", "overlap_days": 1}).json()
    assert world.own_token(Credentials(worker.client, made["client_secret"])).status_code == 200
    aged(world, 9)
    assert ask("DELETE", f"{path_of(worker)}/{made['id']}").status_code == 204
    assert (clock(world), known(world, worker)["sec_first"].overlap_days) == (0, None)
    assert world.own_token(worker).status_code == 200
    key = Keyholder(worker.id)
    with context.use(world.tenant):
        credentials.add_key(worker.client, key.jwks["keys"][0], by=SYSTEM)
        CredentialStory.objects.filter(credential="sec_first").update(successor="sec_first", overlap_days=1)
    aged(world, 9)
    assert (clock(world), known(world, worker)["sec_first"].overlap_days) == (0, None)
    assert world.own_token(worker).status_code == 200


@pytest.mark.parametrize("days", [0, -1, 91, 10**9, "soon"])
def test_days_that_are_none_are_refused(world, worker, ask, days):
    with leaves_only(world):
        assert ask("POST", path_of(worker), {"kind": "secret", "overlap_days": days}).status_code in {400, 422}
    ada = world.browser("ada")
    ada.go(world.url(f"/console/agents/{worker.client.agent_id}/clients/{worker.client.pk}"))
    with leaves_only(world):
        ada.submit(ada.form("/secrets"), {"overlap_days": str(days)})
    assert (ada.page.status_code, "1 to 90 days" in ada.words()) == (422, True)
    assert ask("POST", path_of(worker), {"kind": "secret", "overlap_days": overlaps.MOST}).status_code == 201


def test_the_page_proposes_a_week_only_where_something_came_before(world, worker):
    ada, place = world.browser("ada"), f"/console/agents/{worker.client.agent_id}"
    ada.go(world.url(f"{place}/credentials"))
    assert dict(ada.form("/secrets").fields)["overlap_days"] == "7"
    ada.submit(ada.form("/secrets"))
    assert "end 7 days after the new one is first used" in ada.words()
    ada.go(world.url(f"{place}/clients/{worker.client.pk}"))
    assert dict(ada.form("/secrets").fields)["overlap_days"] == "7"
    key = Keyholder(worker.id)
    world.rewrite(worker.client, auth_method="private_key_jwt")
    ada.go(world.url(f"{place}/clients/{worker.client.pk}/keys"))
    assert "overlap_days" not in dict(ada.form("/keys").fields)
    ada.submit(ada.form("/keys"), {"jwk": json.dumps(key.jwks["keys"][0])})
    ada.go(world.url(f"{place}/clients/{worker.client.pk}/keys"))
    assert dict(ada.form("/keys").fields)["overlap_days"] == "7"


def test_the_tab_holds_the_credentials_of_every_client_for_whoever_looks_after_them(world, worker, ask):
    ask("POST", path_of(worker), {"kind": "key", "jwk": Keyholder("x").jwks["keys"][0]})
    with context.use(world.tenant):
        other = Client.objects.create(client_id="other", name="Second way", agent=worker.client.agent, jwks={})
    place = world.url(f"/console/agents/{worker.client.agent_id}/credentials")
    told = ask("GET", f"/agents/{worker.client.agent_id}/credentials").json()["credentials"]
    assert [each["kind"] for each in told] == ["secret", "key"]
    for person, retires in (("ada", True), ("bob", True)):
        page = world.browser(person).go(place)
        assert page.status_code == 200
        assert all(each["id"] in page.text for each in told)
        assert (page.text.count("/retire") == 2, other.pk in page.text) == (retires, False)
    world.rewrite(world.people["ada"], role="auditor")
    assert "/retire" not in world.browser("ada").go(place).text
    assert world.browser("alice").go(place).status_code == 403
