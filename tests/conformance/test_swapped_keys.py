"""Keys that a client moves by itself: a rotation is nobody's question, a swap of all of them is (CIMD -02 §8.4)."""

import json
import secrets
from datetime import timedelta

import pytest
from django.utils import timezone
from jwcrypto import jwk

from agents import admission
from agents.models import Agent, Approval, Client
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.harness.hostile import json_answer
from tests.harness.keyholder import Keyholder, as_credentials, document
from tests.harness.platforms import eventually
from tests.harness.world import REDIRECT
from tests.spec import spec
from trust.models import OutboundHost

DAY = 86_400


class Stage:
    """An agent whose document says where its keys are; alice let it act, where the tenant wants so after ada did."""

    def __init__(self, world, documents, policy, *, inline=False):
        world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, documents=policy)
        self.world, self.documents, self.inline = world, documents, inline
        self.path = f"/agents/{secrets.token_hex(6)}.json"
        self.who = as_credentials(documents.url(self.path))
        self.first, self.second, self.third = (self.holder(kid) for kid in ("k1", "k2", "k3"))
        self.publish(self.first)
        world.ask(self.who, "alice")
        if policy == "admission":
            self.approve()
        code, verifier = world.code(self.who)
        form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "code": code, "code_verifier": verifier}
        self.granted = self.ask(self.first, **form).json()

    def holder(self, kid):
        return Keyholder(self.who.id, jwk.JWK.generate(kty="EC", crv="P-256", kid=kid))

    def publish(self, *holders):
        """Publish these keys, and let the product look the next time that somebody comes."""
        keys = {"keys": [each.jwks["keys"][0] for each in holders]}
        self.documents.answers[f"{self.path}/keys"] = json_answer(json.dumps(keys).encode())
        said = {"jwks": keys} if self.inline else {"jwks_uri": self.documents.url(f"{self.path}/keys")}
        document(self.documents, self.path, token_endpoint_auth_method="private_key_jwt", **said)
        with context.use(self.world.tenant):
            long_ago = timezone.now() - timedelta(minutes=30)
            expires_at = {"cimd_expires_at": timezone.now()} if self.inline else {}
            Client.objects.filter(client_id=self.who.id).update(jwks_fetched_at=long_ago, **expires_at)
            OutboundHost.objects.update(not_before=timezone.now(), failures=0)
        if self.inline and hasattr(self, "granted"):
            self.world.ask(self.who, "alice")

    def ask(self, holder, **form):
        proof = holder.proof(self.world, header={"kid": holder.key["kid"]})
        return self.world.http.post(self.world.url("/token"), data={**form, **proof})

    def refresh(self, holder):
        answer = self.ask(holder, grant_type="refresh_token", refresh_token=self.granted["refresh_token"])
        if answer.status_code == 200:
            self.granted = answer.json()
        return answer.status_code

    def approve(self):
        ada = self.world.people["ada"]
        with context.use(self.world.tenant):
            admission.approve(Approval.objects.get(status="waiting"), by=ada, owner=ada, ceiling=None)

    @property
    def status(self):
        with context.use(self.world.tenant):
            return Agent.objects.get().status

    @property
    def row(self):
        with context.use(self.world.tenant):
            return Client.objects.get(client_id=self.who.id)


@pytest.fixture(params=["fetched", "inline"])
def stage(request, world, documents):
    return Stage(world, documents, "admission", inline=request.param == "inline")


@spec("CIMD", "8.4")
def test_a_new_key_beside_the_old_one_is_written_down_and_asks_nobody(stage):
    stage.publish(stage.first, stage.second)
    assert [stage.refresh(stage.second), stage.refresh(stage.first)] == [200, 200]
    assert stage.status == "active"
    said = stage.world.entries("client.document_changed" if stage.inline else "client.keys_changed")
    assert len(said) == 1
    assert stage.inline or said[0].detail["are_others"] is False


@spec("CIMD", "8.4")
def test_keys_that_are_all_others_hold_the_agent_back_until_somebody_compared_them(stage):
    stage.publish(stage.second)
    assert stage.refresh(stage.second) == 400
    assert stage.status == "pending"
    assert not stage.world.is_active(stage.granted["access_token"])
    with context.use(stage.world.tenant):
        (change,) = Approval.objects.get(status="waiting").changes
    before, after = (f"ES256 {each.key.thumbprint()[:16]}" for each in (stage.first, stage.second))
    assert change == ["keys", before, after]
    page = stage.world.browser("ada")
    page.go(stage.world.url("/console/approvals"))
    assert before in page.words()
    assert after in page.words()
    stage.approve()
    assert stage.world.is_active(stage.granted["access_token"])
    assert eventually(lambda: stage.refresh(stage.second) == 200)
    assert stage.refresh(stage.first) == 401


@spec("CIMD", "8.4")
@pytest.mark.parametrize(("days", "status"), [(0, "pending"), (1, "active")])
def test_a_swap_in_two_steps_takes_a_day(stage, days, status):
    stage.publish(stage.first, stage.second)
    assert stage.refresh(stage.second) == 200
    pins = {each: since - days * DAY for each, since in stage.row.key_pins.items()}
    stage.world.rewrite(stage.row, key_pins=pins)
    stage.publish(stage.second, stage.third)
    stage.refresh(stage.second)
    assert stage.status == status


@spec("CIMD", "8.4")
def test_where_nobody_had_to_approve_it_people_are_asked_again(world, documents):
    stage = Stage(world, documents, "open")
    assert stage.refresh(stage.first) == 200
    stage.publish(stage.second)
    assert [stage.refresh(stage.second), stage.status] == [200, "active"]
    page = world.ask(stage.who, "alice")
    assert "already allowed" in page.page.text.lower()


@spec("CIMD", "8.2")
def test_keys_that_cannot_be_read_swap_nothing(stage):
    if stage.inline:
        return  # A document with bad keys is no document.
    stage.publish(stage.first)
    stage.documents.answers[f"{stage.path}/keys"] = json_answer(json.dumps({"keys": [stage.second.private]}).encode())
    assert [stage.refresh(stage.second), stage.refresh(stage.first)] == [401, 200]
    assert stage.status == "active"
