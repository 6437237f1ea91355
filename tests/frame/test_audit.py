"""The ledger: one entry for each thing that happens, in its transaction, and a chain that shows every change."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError, connections, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents import actions as agents
from audit import ledger
from audit.events import Event
from audit.models import Entry, Seal
from audit.principals import SYSTEM, Kind, Principal
from delegations import actions as delegations
from delegations.models import Delegation
from kit import context, identifiers
from tenants import actions as tenants
from tenants.actions import ScopeWords
from tenants.models import ResourceServer, Tenant, User
from tests.harness import crowd
from tests.harness.vandal import refusing_entries
from tokens.models import AccessToken

OPERATOR = settings.OPERATOR_ALIAS


class Stop(Exception):
    """Ends a transaction on purpose."""


def _new_user(world):
    return User.objects.create(email=f"new@{world.tenant.slug}.example")


def _worker(world):
    return world.worker().client


def _expired(world):
    client = world.public_client().client
    base = {"subject": "usr_x", "client": client, "audience": "https://a.example", "origin": "admin"}
    return Delegation.objects.create(expires_at=timezone.now() - timedelta(seconds=1), **base)


def _worker_delegation(world):
    client = _worker(world)
    return Delegation.objects.get(client=client)


ACTIONS = {
    "suspend a tenant": (
        lambda world: world.tenant,
        lambda tenant: tenants.suspend_tenant(tenant, by=SYSTEM, reason="why"),
        ["tenant.suspended"],
    ),
    "change a policy": (
        lambda world: world.tenant,
        lambda tenant: tenants.change_policy(tenant, by=SYSTEM, registration="off"),
        ["tenant.policy_changed"],
    ),
    "add a member": (_new_user, lambda user: tenants.add_member(user, "member", by=SYSTEM), ["member.added"]),
    "suspend a member": (
        lambda world: world.people["bob"],
        lambda bob: tenants.suspend_member(bob, by=SYSTEM, reason="why"),
        ["member.suspended"],
    ),
    "add a resource server": (
        lambda world: None,
        lambda _: tenants.add_resource_server("https://n.example", "N", [ScopeWords("n:read", "Read")], by=SYSTEM),
        ["resource_server.added"],
    ),
    "register an agent": (
        lambda world: None,
        lambda _: agents.register_agent("Worker", by=SYSTEM),
        ["client.registered", "agent.registered"],
    ),
    "change a secret": (_worker, lambda client: agents.change_secret(client, by=SYSTEM), ["client.secret_changed"]),
    "suspend an agent": (
        _worker,
        lambda client: agents.suspend_agent(client.agent, by=SYSTEM, reason="why"),
        ["agent.suspended"],
    ),
    "disable a client": (
        _worker,
        lambda client: agents.disable_client(client, by=SYSTEM, reason="why"),
        ["client.disabled"],
    ),
    "end a delegation": (
        _worker_delegation,
        lambda delegation: delegations.revoke(delegation, by=SYSTEM, reason="why"),
        ["delegation.ended"],
    ),
    "expire a delegation": (_expired, lambda _: delegations.expire_due(timezone.now()), ["delegation.expired"]),
}
every_action = pytest.mark.parametrize(("prepare", "act", "told"), ACTIONS.values(), ids=ACTIONS)


def _and_stop(act, subject):
    act(subject)
    raise Stop


def _entry_ids(world):
    return {entry.pk for entry in world.entries()}


def _state():
    """Return all that the actions change, to compare before and after."""
    models = (Delegation, ResourceServer)
    return [list(model.objects.order_by("pk").values()) for model in models] + [list(Tenant.objects.values())]


@every_action
def test_an_action_writes_what_it_did_once(world, prepare, act, told):
    with context.use(world.tenant):
        subject = prepare(world)
        before = _entry_ids(world)
        act(subject)
    fresh = [entry for entry in world.entries() if entry.pk not in before]
    assert [entry.event for entry in fresh] == told
    assert {entry.tenant_id for entry in fresh} == {world.tenant.pk}
    assert {entry.principal_id for entry in fresh} == {"system"}


@every_action
def test_an_action_that_is_rolled_back_leaves_no_entry(world, prepare, act, told):
    with context.use(world.tenant):
        subject = prepare(world)
        before = _entry_ids(world)
        with pytest.raises(Stop), transaction.atomic():
            _and_stop(act, subject)
    assert _entry_ids(world) == before


@every_action
def test_an_action_that_cannot_be_recorded_does_not_happen(world, prepare, act, told):
    with context.use(world.tenant):
        subject = prepare(world)
        before = _state()
        with refusing_entries(), pytest.raises(DatabaseError):
            act(subject)
        assert _state() == before


def test_a_token_that_cannot_be_recorded_is_not_issued(world):
    worker = world.worker()
    assert world.own_token(worker).status_code == 200
    with refusing_entries():
        response = world.own_token(worker)
    assert response.status_code in {500, 503}
    assert "access_token" not in response.json()
    with context.use(world.tenant):
        assert AccessToken.objects.filter(client=worker.client).count() == 1
    assert world.own_token(worker).status_code == 200


def test_an_entry_says_who_for_whom_through_which_agent_and_in_which_request(world):
    scout = world.public_client()
    world.grant(scout)
    (issued,) = world.entries("token.issued")
    assert (issued.principal_kind, issued.principal_id) == ("agent", scout.client.agent.pk)
    assert issued.on_behalf_of == world.people["alice"].pk
    assert issued.through == scout.client.agent.pk
    assert issued.request_id.startswith("req_")
    assert issued.detail["scope"] == "events:read"
    (allowed,) = world.entries("delegation.allowed")
    assert (allowed.principal_kind, allowed.principal_id) == ("user", world.people["alice"].pk)
    assert allowed.on_behalf_of == world.people["alice"].pk
    assert allowed.through == scout.client.agent.pk


def test_a_refusal_of_a_known_client_is_written_and_not_undone_with_its_transaction(world):
    worker = world.worker()
    assert world.own_token(worker, scope="events:write").status_code == 400
    (refused,) = world.entries("token.refused")
    assert refused.detail["error"] == "invalid_scope"
    assert refused.principal_id == worker.id


def test_nothing_is_recorded_outside_of_a_tenant():
    with pytest.raises(context.NoTenant):
        ledger.record(Event.TENANT_CREATED, by=SYSTEM)


def test_a_long_name_or_reason_is_cut_and_not_refused(world):
    with context.use(world.tenant):
        entry = ledger.record(
            Event.SIGN_IN_REFUSED, by=Principal(Kind.USER, "x" * 999, "\u202ey" * 999), reason="z\r\n\x1b[31m" * 999
        )
        entry.refresh_from_db()
    assert len(entry.principal_id) == len(entry.principal_label) == 255
    assert len(entry.reason) == 512


# --- sealing


def test_a_healthy_chain_holds_and_its_tail_is_reported(world):
    assert ledger.verify(world.tenant.pk, using=OPERATOR).sealed == 0
    count = len(world.entries())
    assert ledger.seal(world.tenant.pk, using=OPERATOR) == count
    assert ledger.verify(world.tenant.pk, using=OPERATOR) == ledger.Finding(count, 0)
    world.worker()
    assert ledger.verify(world.tenant.pk, using=OPERATOR) == ledger.Finding(count, len(world.entries()) - count)
    assert ledger.seal(world.tenant.pk, using=OPERATOR) == len(world.entries()) - count
    assert ledger.seal(world.tenant.pk, using=OPERATOR) == 0


def test_entries_are_sealed_in_batches_that_join(world, monkeypatch):
    monkeypatch.setattr(ledger, "BATCH", 4)
    sealed = []
    while done := ledger.seal(world.tenant.pk, using=OPERATOR):
        sealed.append(done)
    assert set(sealed[:-1]) == {4}
    assert ledger.verify(world.tenant.pk, using=OPERATOR) == ledger.Finding(len(world.entries()), 0)


def test_sealers_at_once_do_not_fork_the_chain(world):
    for _ in range(3):
        world.worker()
    done = crowd.at_once(6, lambda _: ledger.seal(world.tenant.pk, using=OPERATOR))
    while ledger.seal(world.tenant.pk, using=OPERATOR):
        pass
    assert sum(done) <= len(world.entries())
    assert ledger.verify(world.tenant.pk, using=OPERATOR) == ledger.Finding(len(world.entries()), 0)


def test_entries_written_while_sealers_run_are_sealed_once(world):
    def work(number):
        if number % 2:
            return ledger.seal(world.tenant.pk, using=OPERATOR)
        with context.use(world.tenant):
            for _ in range(5):
                ledger.record(Event.SIGNED_IN, by=SYSTEM)
        return 0

    crowd.at_once(6, work)
    while ledger.seal(world.tenant.pk, using=OPERATOR):
        pass
    assert ledger.verify(world.tenant.pk, using=OPERATOR) == ledger.Finding(len(world.entries()), 0)


def _committed(world, ago):
    with context.use(world.tenant):
        at = timezone.now() - ago
        return Entry.unscoped.create(pk=identifiers.at("evt", at), tenant_id=world.tenant.pk, at=at, event="late")


def test_an_entry_that_is_committed_late_is_chained_behind_those_that_it_was_written_before(world):
    ledger.seal(world.tenant.pk, using=OPERATOR)
    assert world.tenant.pk not in ledger.tenants_waiting(timezone.now(), using=OPERATOR)
    late = _committed(world, ledger.LATE / 2)
    assert world.tenant.pk in ledger.tenants_waiting(timezone.now(), using=OPERATOR)
    assert ledger.seal(world.tenant.pk, using=OPERATOR) == 1
    assert Seal.unscoped.using(OPERATOR).filter(tenant_id=world.tenant.pk).latest("sequence").entry_id == late.pk
    assert world.tenant.pk not in ledger.tenants_waiting(timezone.now(), using=OPERATOR)
    _committed(world, ledger.LATE * 3)
    assert ledger.seal(world.tenant.pk, using=OPERATOR) == 0
    assert ledger.verify(world.tenant.pk, using=OPERATOR).unsealed == 1
    assert world.tenant.pk in ledger.all_tenants(using=OPERATOR)
    assert ledger.seal(world.tenant.pk, using=OPERATOR, whole=True) == 1
    assert ledger.verify(world.tenant.pk, using=OPERATOR) == ledger.Finding(len(world.entries()), 0)


def test_where_a_clock_was_ahead_what_comes_after_it_is_chained_at_once_and_nobody_looks_for_it_again(world):
    ledger.seal(world.tenant.pk, using=OPERATOR)
    for written_at in (-timedelta(days=1), timedelta(), timedelta(minutes=1), -timedelta(days=2), timedelta()):
        _committed(world, written_at)
        assert world.tenant.pk in ledger.tenants_waiting(timezone.now(), using=OPERATOR)
        assert ledger.seal(world.tenant.pk, using=OPERATOR) == 1
        assert world.tenant.pk not in ledger.tenants_waiting(timezone.now(), using=OPERATOR)
    assert ledger.verify(world.tenant.pk, using=OPERATOR) == ledger.Finding(len(world.entries()), 0)


def test_a_tenant_whose_entries_wait_since_the_clock_stood_still_is_found(world):
    later = timezone.now() + timedelta(days=2)
    assert world.tenant.pk in ledger.tenants_waiting(later, using=OPERATOR)
    ledger.seal(world.tenant.pk, using=OPERATOR)
    assert world.tenant.pk not in ledger.tenants_waiting(later, using=OPERATOR)
    world.worker()
    assert world.tenant.pk in ledger.tenants_waiting(later, using=OPERATOR)


@pytest.mark.postgresql
def test_what_waits_is_found_by_indexes_however_long_the_ledger_is(world):
    with CaptureQueriesContext(connections[OPERATOR]) as captured:
        ledger.tenants_waiting(timezone.now(), using=OPERATOR)
        ledger.seal(world.tenant.pk, using=OPERATOR)
    asked = [query["sql"] for query in captured if "NOT EXISTS" in query["sql"] or "RECURSIVE" in query["sql"]]
    assert len(asked) == 3
    with transaction.atomic(using=OPERATOR), connections[OPERATOR].cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        for sql in asked:
            cursor.execute(f"EXPLAIN {sql}")
            plan = "\n".join(line for (line,) in cursor.fetchall())
            assert "Seq Scan on audit" not in plan, plan
            assert "entry_by_tenant" in plan or "audit_entry_pkey" in plan, plan


def test_the_chains_of_two_tenants_do_not_meet(world, elsewhere):
    ledger.seal(world.tenant.pk, using=OPERATOR)
    assert ledger.verify(elsewhere.tenant.pk, using=OPERATOR).sealed == 0
    ledger.seal(elsewhere.tenant.pk, using=OPERATOR)
    first = [Seal.unscoped.using(OPERATOR).get(tenant_id=each.tenant.pk, sequence=1) for each in (world, elsewhere)]
    assert first[0].digest != first[1].digest
    entries = Entry.unscoped.using(OPERATOR).in_bulk([seal.entry_id for seal in first])
    assert {entry.event for entry in entries.values()} == {"tenant.created"}
