"""What weakens a client is turned by an admin alone, on its page as over the API; a platform's token is let stand."""

import json

import pytest

from agents import across
from agents.models import Client, FederatedCredential
from audit.principals import SYSTEM
from kit import context
from kit.oauth import GrantType
from tests.conformance.test_resources_api import asker
from tests.conformance.test_step_up import age
from tests.harness import authenticator_app as app
from tests.harness import platforms
from tests.harness.domains import Foreign, trust_foreign
from tests.harness.footprint import leaves_only
from tests.harness.keyholder import Keyholder
from tests.spec import spec

SCOPES = "clients:read clients:write credentials:read credentials:write"
KEYED = {"jwks": Keyholder("x").jwks, "auth_method": "private_key_jwt"}


def place(client):
    return f"/agents/{client.agent_id}/clients/{client.pk}"


def anew(world, client):
    with context.use(world.tenant):
        return Client.objects.get(pk=client.pk)


@pytest.fixture
def twins(world):
    """Two that prove themselves by a key: one for the page, one for its endpoint."""
    made = [world.helper("Twin").client for _ in range(2)]
    for each in made:
        world.rewrite(each, **KEYED)
    return made


@pytest.fixture
def jobs(world):
    """Two that a platform's token stands for, once somebody says which; and the platform."""
    issuer = trust_foreign(world, Foreign(), purposes=["federation"])
    with context.use(world.tenant):
        grants = (GrantType.CLIENT_CREDENTIALS,)
        return issuer, [across.register_workload("Job", by=SYSTEM, grant_types=grants) for _ in range(2)]


def told(world, event):
    return [(each.principal_id, each.about_id, each.detail) for each in world.entries(event)]


@spec("RFC 8693", "1.1")
def test_as_whom_a_client_appears_and_what_its_assertions_say_is_turned_alike(world, twins):
    by_page, by_api = twins
    ada, ask = world.browser("ada"), asker(world, "ada", SCOPES)
    url = world.url(f"/console{place(by_page)}")
    for actor, accept in (("none", True), ("actor_token_required", True), ("client_as_actor", False)):
        ada.go(url)
        ada.submit(ada.form("/switches"), {"exchange_actor": actor, "accepts_endpoint_audience": accept and "on"})
        assert str(ada.page.url) == url, ada.words()
        said = {"exchange_actor": actor, "accepts_endpoint_audience": accept}
        answer = ask("PATCH", f"{place(by_api)}/switches", said)
        assert answer.status_code == 200, answer.text
        assert {name: answer.json()[name] for name in said} == said
        found = [anew(world, each) for each in twins]
        assert [(each.exchange_actor, each.accepts_endpoint_audience) for each in found] == [(actor, accept)] * 2
        shown = "Appears as the person" in ada.words(), "May name the token endpoint" in ada.words()
        assert shown == (actor == "none", accept)
    for event, times in (("client.exchange_actor_changed", 3), ("client.audience_switched", 2)):
        entries = told(world, event)
        assert len(entries) == 2 * times
        assert [each[2] for each in entries[::2]] == [each[2] for each in entries[1::2]]
        assert {each[0] for each in entries} == {world.people["ada"].pk}
    with leaves_only(world):
        assert ask("PATCH", f"{place(by_api)}/switches", said).status_code == 200


@spec("RFC 9457", "3")
def test_a_switch_that_means_nothing_is_not_turned(world, twins):
    _, keyed = twins
    ask = asker(world, "ada", SCOPES)
    scout, worker = world.public_client().client, world.helper("Without a key").client
    with leaves_only(world):
        for client, said, status in (
            (scout, {"exchange_actor": "none"}, 422),
            (worker, {"accepts_endpoint_audience": True}, 422),
            (keyed, {"exchange_actor": "nobody"}, 400),
            (keyed, {"accepts_endpoint_audience": "perhaps"}, 400),
        ):
            assert ask("PATCH", f"{place(client)}/switches", said).status_code == status, said
        stale = ask("PATCH", f"{place(keyed)}/switches", {"exchange_actor": "none"}, **{"If-Match": '"99"'})
        assert stale.status_code == 412
    assert ask("PATCH", f"{place(keyed)}/switches", {"exchange_actor": "none"}).status_code == 200
    world.rewrite(keyed, status="disabled")
    with leaves_only(world):
        assert ask("PATCH", f"{place(keyed)}/switches", {"exchange_actor": "client_as_actor"}).status_code == 409


@spec("RFC 9470", "3")
def test_only_an_admin_turns_them_who_proved_it_and_not_through_the_agent_itself(world, twins):
    client, _ = twins
    path, said = f"{place(client)}/switches", {"exchange_actor": "none"}
    world.rewrite(world.people["bob"], role="auditor")
    bob, ada = asker(world, "bob", SCOPES), world.browser("ada")
    own = world.own_api_token(world.worker(), SCOPES)
    asks = asker(world, "ada", SCOPES)
    with context.use(world.tenant):
        through = Client.objects.filter(name="Console app").latest("created")
    looks = world.browser("bob").go(world.url(f"/console{place(client)}"))
    with leaves_only(world):
        assert (looks.status_code, "/switches" in looks.text) == (200, False)
        assert bob("PATCH", path, said).status_code == 403
        answer = world.http.patch(world.url(f"/api/v1{path}"), headers={"Authorization": f"Bearer {own}"}, json=said)
        assert answer.status_code == 403
        refused = asks("PATCH", f"{place(through)}/switches", {"accepts_endpoint_audience": False})
        assert (refused.status_code, refused.json()["title"]) == (403, "This is about the agent that asks")
    app.add(world, ada)
    ada.go(world.url(f"/console{place(client)}"))
    age(world, ada)
    with leaves_only(world):
        ada.submit(ada.form("/switches"), said)
        assert "/login/again" in str(ada.page.url)
    assert anew(world, client).exchange_actor == "client_as_actor"


@spec("RFC 7521", "4.2")
def test_a_platform_s_token_is_let_stand_for_a_client_alike(world, jobs):
    issuer, (by_page, by_api) = jobs
    ada, ask = world.browser("ada"), asker(world, "ada", SCOPES)
    said = {"subject": "repo:acme/deploy:ref:*", "claims": {"repository_id": "42"}, "audience": "https://us.example"}
    ada.go(world.url(f"/console{place(by_page)}/platform"))
    ada.submit(ada.form("/platform"), {**said, "issuer": issuer.pk, "claims": json.dumps(said["claims"])})
    assert str(ada.page.url) == world.url(f"/console{place(by_page)}"), ada.words()
    assert "repo:acme/deploy:ref:*" in ada.words()
    made = ask("POST", f"{place(by_api)}/credentials", {"kind": "platform", "issuer": issuer.pk, **said})
    assert (made.status_code, made.json()["kind"], made.json()["is_usable"]) == (201, "platform", True), made.text
    with context.use(world.tenant):
        kept = FederatedCredential.objects.order_by("pk").values_list("issuer_id", "subject", "claims", "audience")
        assert list(kept) == [(issuer.pk, said["subject"], said["claims"], said["audience"])] * 2
    one, other = told(world, "client.federated")
    assert (one[1], other[1]) == (by_page.pk, by_api.pk)
    assert (one[0], one[2]) == (other[0], other[2]) == (world.people["ada"].pk, one[2])


@spec("RFC 7521", "4.2")
def test_no_platform_s_token_stands_for_a_client_that_an_admin_did_not_say_it_of_in_full(world, jobs):
    issuer, (client, _) = jobs
    other = trust_foreign(world, Foreign("https://other.example"), purposes=["id_jag"])
    ada, ask, keyless = world.browser("ada"), asker(world, "ada", SCOPES), world.helper("Has a secret").client
    good = {"kind": "platform", "issuer": issuer.pk, "subject": "repo:a/b"}
    ada.go(world.url(f"/console{place(client)}/platform"))
    form = ada.form("/platform")
    with leaves_only(world):
        for changes, status in (
            ({"issuer": other.pk}, 422),
            ({"issuer": "iss_nobody"}, 400),
            ({"subject": ""}, 400),
            ({"subject": "*"}, 422),
            ({"subject": "repo:*"}, 422),
            ({"claims": {"a": ["b"]}}, 422),
            ({"claims": "a"}, 400),
        ):
            assert ask("POST", f"{place(client)}/credentials", good | changes).status_code == status, changes
        assert ask("POST", f"{place(keyless)}/credentials", good).status_code == 422
        for changes in ({"issuer": other.pk}, {"subject": "*"}, {"subject": "repo:*"}, {"claims": '{"a": ["b"]}'}):
            assert ada.submit(form, {"issuer": issuer.pk, "subject": "repo:a/b"} | changes).status_code == 422, changes
    assert ask("POST", f"{place(client)}/credentials", good).status_code == 201
    with leaves_only(world):
        assert ask("POST", f"{place(client)}/credentials", good).status_code == 409
        again = ada.submit(form, {"issuer": issuer.pk, "subject": "repo:a/b"})
        assert (again.status_code, "It is there already." in again.text) == (422, True)
        world.rewrite(world.people["ada"], role="approver")
        assert ask("POST", f"{place(client)}/credentials", good | {"subject": "repo:a/c"}).status_code == 403
        assert ada.go(world.url(f"/console{place(client)}/platform")).status_code == 403
        world.rewrite(world.people["ada"], role="admin")


@spec("RFC 7521", "4.2")
def test_what_an_admin_said_over_the_api_lets_the_platform_s_job_in(world):
    platform = Foreign()
    ci = platforms.workload(world, platform)
    with context.use(world.tenant):
        across.unfederate(ci.credential, by=SYSTEM)
    ci.refuses()
    said = {"kind": "platform", "issuer": ci.trusted.pk, "subject": platforms.MAIN, "claims": platforms.PINNED}
    assert asker(world, "ada", SCOPES)("POST", f"{place(ci.client)}/credentials", said).status_code == 201
    assert ci.ask().status_code == 200
