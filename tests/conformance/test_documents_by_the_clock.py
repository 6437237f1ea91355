"""Documents that the clock keeps fresh, and how long one that is stale still serves."""

import json
import secrets
from datetime import timedelta

import pytest
from django.utils import timezone

from agents.models import Client
from agents.registration import document as documents_of
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.harness import hostile
from tests.harness.hostile import json_answer
from tests.harness.keyholder import Keyholder, as_credentials, document
from tests.harness.platforms import eventually
from tests.spec import spec
from tokens import upkeep
from tokens.stops import disable_client
from trust.models import OutboundHost


class Stage:
    """An agent with a document, and alice who let it act."""

    def __init__(self, world, documents):
        self.world, self.documents = world, documents
        self.path = f"/agents/{secrets.token_hex(6)}.json"
        document(documents, self.path)
        self.who = as_credentials(documents.url(self.path))
        self.tokens = world.grant(self.who)

    @property
    def row(self):
        with context.use(self.world.tenant):
            return Client.objects.get(client_id=self.who.id)

    def expire(self, ago=timedelta(0)):
        self.world.rewrite(self.row, cimd_expires_at=timezone.now() - ago, document_tried_at=None)

    def tick(self):
        """Let the clock look, with no host at rest."""
        with context.use(self.world.tenant):
            OutboundHost.objects.update(not_before=timezone.now(), failures=0)
            return upkeep.refresh_documents(timezone.now())

    def asked(self):
        return self.documents.seen.count(self.path)

    def refresh(self):
        with context.use(self.world.tenant):
            OutboundHost.objects.update(not_before=timezone.now(), failures=0)
        answer = self.world.refresh(self.who, self.tokens["refresh_token"])
        if answer.status_code == 200:
            self.tokens = answer.json()
        return answer


@pytest.fixture
def stage(world, documents):
    return Stage(world, documents)


@spec("CIMD", "5.2")
def test_a_document_is_fetched_by_the_clock_before_it_is_stale(stage):
    assert stage.tick() == 0
    stage.expire(ago=-upkeep.AHEAD + timedelta(seconds=5))
    assert stage.tick() == 1
    assert stage.asked() == 2
    assert stage.row.cimd_expires_at > timezone.now() + upkeep.AHEAD


@spec("CIMD", "8.4")
def test_a_change_that_the_clock_sees_is_written_down(stage):
    document(stage.documents, stage.path, client_name="Claude")
    stage.expire()
    assert stage.tick() == 1
    assert [each.detail["changed"] for each in stage.world.entries("client.document_changed")] == [["name"]]


def test_the_page_of_its_agent_says_what_changed_in_the_document_and_its_digest(stage):
    ada, digest = stage.world.browser("ada"), stage.row.digest
    ada.go(stage.world.url(f"/console/agents/{stage.row.agent_id}"))
    assert f"Digest of what it says {digest}" in ada.words()
    before = stage.row.name
    document(stage.documents, stage.path, client_name="Claude <b>")
    stage.expire()
    stage.tick()
    ada.go(stage.world.url(f"/console/agents/{stage.row.agent_id}"))
    assert f"name: before: {before} now: Claude <b>" in ada.words()
    assert digest not in ada.words()
    (entry,) = stage.world.entries("client.document_changed")
    assert (entry.detail["before"], entry.detail["after"]) == ([f"name: {before}"], ["name: Claude <b>"])


def test_a_document_that_cannot_be_had_is_looked_for_again_in_some_minutes_and_keeps_serving(stage):
    stage.documents.answers[stage.path] = hostile.redirect
    stage.expire()
    assert [stage.tick(), stage.tick()] == [0, 0]
    assert stage.asked() == 2
    assert stage.refresh().status_code == 200
    document(stage.documents, stage.path)
    stage.world.rewrite(stage.row, document_tried_at=timezone.now() - upkeep.AGAIN)
    assert stage.tick() == 1


def test_the_document_of_an_agent_that_acts_for_nobody_is_left_alone(stage):
    (delegation,) = stage.world.delegations()
    stage.world.rewrite(delegation, ended_at=timezone.now())
    stage.expire()
    assert (stage.tick(), stage.asked()) == (0, 1)


def test_the_document_of_a_client_that_is_over_is_left_alone(stage):
    with context.use(stage.world.tenant):
        disable_client(stage.row, by=SYSTEM, reason="strange")
    stage.expire()
    assert (stage.tick(), stage.asked()) == (0, 1)


def test_a_tenant_that_takes_no_documents_any_more_fetches_none(stage):
    tenant = tenant_actions.change_policy(stage.world.tenant, by=SYSTEM, documents="off")
    stage.expire()
    with context.use(tenant):
        assert upkeep.refresh_documents(timezone.now()) == 0
    assert stage.asked() == 1


def test_documents_are_refreshed_in_bounded_batches_and_no_failing_one_stands_in_the_way(
    stage, world, documents, monkeypatch
):
    monkeypatch.setattr(upkeep, "DOCUMENTS_BATCH", 1)
    other = Stage(world, documents)
    stage.documents.answers[stage.path] = hostile.redirect
    stage.expire(ago=timedelta(minutes=5))
    other.expire()
    assert [stage.tick(), stage.tick(), stage.tick()] == [0, 1, 0]


@spec("CIMD", "8.4")
def test_a_key_of_the_place_that_a_document_named_before_is_nobodys(stage):
    old, new = Keyholder(stage.who.id), Keyholder(stage.who.id)
    for place, holder in (("/old", old), ("/new", new)):
        stage.documents.answers[stage.path + place] = json_answer(json.dumps(holder.jwks).encode())
        uri = stage.documents.url(stage.path + place)
        document(stage.documents, stage.path, token_endpoint_auth_method="private_key_jwt", jwks_uri=uri)
        stage.expire()
        assert stage.tick() == 1
        if holder is old:
            assert eventually(lambda: proves(stage, old))
    assert eventually(lambda: proves(stage, new))
    assert not proves(stage, old)


def proves(stage, holder):
    """Say whether a key lets somebody be this client; that there is no such refresh token shows that it does."""
    form = {"grant_type": "refresh_token", "refresh_token": "rtf_unknown.0.x", **holder.proof(stage.world)}
    return stage.world.http.post(stage.world.url("/token"), data=form).json()["error"] == "invalid_grant"


@spec("CIMD", "5.2")
def test_a_stale_document_serves_at_the_token_endpoint_for_a_week_and_no_longer(stage):
    stage.documents.answers[stage.path] = hostile.redirect
    stage.expire(ago=documents_of.LAST_GOOD - timedelta(minutes=1))
    assert stage.refresh().status_code == 200
    assert stage.asked() == 1
    stage.expire(ago=documents_of.LAST_GOOD)
    assert eventually(lambda: stage.refresh().status_code == 401)
    document(stage.documents, stage.path)
    assert stage.refresh().status_code == 200
    assert stage.row.cimd_expires_at > timezone.now()
