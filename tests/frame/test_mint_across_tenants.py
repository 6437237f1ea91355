"""Foreign keys do not ask row-level security: a row that points at another tenant's buys no token."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from agents.models import Agent, Client
from audit import ledger
from audit.events import Event
from audit.models import Entry
from audit.principals import SYSTEM
from delegations.models import Delegation
from kit import context, identifiers
from tenants.models import Membership, Tenant
from tokens import mint
from tokens.models import AccessToken, RefreshToken
from tokens.values import Authorization, Proof

OPERATOR = settings.OPERATOR_ALIAS


def _delegation(world, **changes):
    """Make a delegation of alice's by the operator's hand, so that any column may point anywhere."""
    who = changes.pop("who", None) or world.public_client()
    agent, client = who.client.agent, who.client
    alice = world.people["alice"]
    values = {
        "tenant": world.tenant, "subject": alice.pk, "member": alice, "agent": agent, "client": client,
        "resource_server": world.calendar, "audience": world.calendar.identifier, "scopes": ["events:read"],
        "origin": Delegation.Origin.CONSENT,
    }  # fmt: skip
    return Delegation.unscoped.using(OPERATOR).create(**{**values, **changes})


def _mints(world, delegation, *, family=None, **changes):
    """Say whether the statement records a token for this delegation."""
    now = timezone.now()
    client = changes.pop("client", delegation.client)
    proof = Proof(
        tenant=world.tenant, subject=delegation.subject, actor=delegation.agent, client=client,
        scopes=frozenset({"events:read"}), delegations=(delegation,), may_infer_audience=True,
    )  # fmt: skip
    authorization = Authorization(
        tenant=changes.pop("tenant", world.tenant), subject=delegation.subject, actor=delegation.agent, client=client,
        scopes=proof.scopes, audience=delegation.audience, expires_at=now + timedelta(minutes=5),
        delegation=delegation, grant_type="authorization_code", proof=proof, now=now,
    )  # fmt: skip
    token_id = identifiers.make("tok")
    with context.use(world.tenant):
        about = ledger.About("accesstoken", token_id, "a token")
        entry = ledger.fields(Event.TOKEN_ISSUED, by=SYSTEM, about=about)
        minted = mint.insert(mint.Minting(authorization, entry, token_id, family, None, "", ""))
        assert AccessToken.objects.filter(pk=token_id).exists() == minted
        assert Entry.objects.filter(about_id=token_id).exists() == minted
    return minted


def _family(world, client):
    made = RefreshToken.unscoped.using(OPERATOR).create(tenant=world.tenant, client=client, subject="usr_x")
    return made.pk


def test_a_token_is_recorded_where_everything_is_of_one_tenant(world):
    delegation = _delegation(world)
    assert _mints(world, delegation)
    assert _mints(world, delegation, family=_family(world, delegation.client))


def test_a_delegation_to_another_tenants_client_buys_nothing(world, elsewhere):
    assert not _mints(world, _delegation(world, client=elsewhere.public_client().client))


def test_a_delegation_to_another_tenants_agent_buys_nothing(world, elsewhere):
    assert not _mints(world, _delegation(world, agent=elsewhere.public_client().client.agent))


def test_a_delegation_of_another_tenants_member_buys_nothing(world, elsewhere):
    assert not _mints(world, _delegation(world, member=elsewhere.people["alice"]))


def test_another_tenants_delegation_buys_nothing(world, elsewhere):
    theirs = _delegation(elsewhere)
    assert not _mints(world, theirs)
    assert not _mints(world, theirs, client=world.public_client().client)


def test_a_client_that_is_not_the_delegations_buys_nothing(world):
    assert not _mints(world, _delegation(world), client=world.public_client("Other").client)


def test_another_tenants_token_family_buys_nothing(world, elsewhere):
    theirs = _family(elsewhere, elsewhere.public_client().client)
    assert not _mints(world, _delegation(world), family=theirs)


@pytest.mark.postgresql
def test_a_token_cannot_be_recorded_for_a_tenant_that_is_not_current(world, elsewhere):
    theirs = _delegation(elsewhere)
    assert not _mints(world, theirs, tenant=elsewhere.tenant)


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (Tenant, {"status": Tenant.Status.SUSPENDED}),
        (Tenant, {"version": 99}),
        (Client, {"status": Client.Status.DISABLED}),
        (Client, {"version": 99}),
        (Agent, {"status": Agent.Status.SUSPENDED}),
        (Membership, {"status": Membership.Status.SUSPENDED}),
        (Delegation, {"version": 99}),
        (Delegation, {"ended_at": timezone.now()}),
        (Delegation, {"expires_at": timezone.now() - timedelta(seconds=1)}),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "-".join(value),
)
def test_what_a_token_hangs_on_is_asked_in_the_statement_itself(world, model, fields):
    delegation = _delegation(world)
    key = {
        Tenant: world.tenant.pk,
        Client: delegation.client_id,
        Agent: delegation.agent_id,
        Membership: delegation.member_id,
        Delegation: delegation.pk,
    }[model]
    assert _mints(world, delegation)
    model._base_manager.using(OPERATOR).filter(pk=key).update(**fields)
    assert not _mints(world, delegation)


def test_a_token_family_that_was_revoked_buys_nothing(world):
    delegation = _delegation(world)
    family = _family(world, delegation.client)
    RefreshToken.unscoped.using(OPERATOR).filter(pk=family).update(revoked=timezone.now())
    assert not _mints(world, delegation, family=family)


def test_a_person_who_was_switched_off_buys_nothing(world):
    delegation = _delegation(world)
    user = world.people["alice"].user
    type(user).objects.filter(pk=user.pk).update(is_active=False)
    assert not _mints(world, delegation)
