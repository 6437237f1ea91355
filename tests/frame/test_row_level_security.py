"""The second lock: whatever SQL the application sends, PostgreSQL shows and takes one tenant's rows alone."""

import pytest
from django.conf import settings
from django.db import DatabaseError, ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from agents import registration_tokens
from agents.models import Client, Logo, UsedAssertion
from audit import inspection, ledger
from audit.models import Entry, Inspection, Seal
from audit.principals import SYSTEM
from kit import context
from tenants import resources as tenant_resources
from tenants.models import Membership
from tenants.scoping import scoped_models
from tests.harness import crowd, filling
from tests.harness.world import make
from tokens.models import Deferral, DeviceGrant, IDToken
from trust.models import OutboundHost

pytestmark = pytest.mark.postgresql
TABLES = sorted(model._meta.db_table for model in scoped_models())
MODELS = {model._meta.db_table: model for model in scoped_models()}


class Stop(Exception):
    """Ends a block on purpose."""


def _tenants_in(table):
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT DISTINCT tenant_id FROM "{table}"')
        return {tenant for (tenant,) in cursor.fetchall()}


def _everywhere(tenant):
    """Return the tenants whose rows are seen from inside one, over all tables."""
    with context.use(tenant):
        return set().union(*(_tenants_in(table) for table in TABLES))


def _fill(world):
    """Leave a row of this tenant in every table."""
    planner, helper = world.secret_client("Planner"), world.helper()
    world.let_hand_on(planner, helper)
    world.grant(world.public_client(), scope="openid events:read")
    operator = settings.OPERATOR_ALIAS
    with context.use(world.tenant):
        now = timezone.now()
        IDToken.unscoped.using(operator).create(tenant_id=world.tenant.pk, expires=now, scope="")
        client = Client.objects.first()
        DeviceGrant.objects.create(
            client=client, device_code="x", user_code="x", parameters={}, address="", expires=now
        )
        Deferral.objects.create(
            client=client, agent_id=client.agent_id, code=world.tenant.pk, request="", poll_seconds=5, expires=now
        )
        UsedAssertion.objects.create(purpose="client", client=client, jti=world.tenant.pk, expires_at=now)
        tenant_resources.allow_downstream(world.calendar, world.notes, {"events:read": ["notes:read"]}, by=SYSTEM)
        Logo.objects.create(client=client, uri="https://agent.example/logo.png")
        registration_tokens.make("CI", by=SYSTEM)
        OutboundHost.objects.create(authority=world.tenant.slug, window_started_at=now, not_before=now)
        filling.of_trust_and_arrivals(world, client)
    assert world.exchange(helper, world.grant(planner)["access_token"]).status_code == 200
    ledger.seal(world.tenant.pk, using=operator)
    inspection.inspect(world.tenant.pk, using=operator, now=now)


@pytest.fixture(scope="module")
def both(origin, http):
    """Two tenants with a row in every table; nothing here can change them, so that they are made once."""
    worlds = make(origin, http), make(origin, http)
    for world in worlds:
        _fill(world)
    yield worlds[0].tenant, worlds[1].tenant
    for world in worlds:
        world.close()


def _row_of(tenant, table):
    """Return the columns of one row of a tenant, as the operator sees it, under a key of its own."""
    model = MODELS[table]
    row = model.unscoped.using(settings.OPERATOR_ALIAS).filter(tenant_id=tenant.pk).first()
    names = [field.column for field in model._meta.concrete_fields]
    values = [field.get_db_prep_save(getattr(row, field.attname), connection) for field in model._meta.concrete_fields]
    key = names.index(model._meta.pk.column)
    values[key] = "another-key" if isinstance(values[key], str) else 10**9
    return names, values


def test_every_scoped_table_has_forced_row_level_security():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relname = ANY(%s)", [TABLES]
        )
        assert sorted(name for (name,) in cursor.fetchall()) == TABLES


def test_no_policy_lets_the_application_past_the_tenant():
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename, policyname, roles::text, qual, with_check FROM pg_policies")
        policies = cursor.fetchall()
    application = settings.DATABASES["default"]["USER"]
    mine = [policy for policy in policies if application in policy[2] or "public" in policy[2]]
    assert sorted(policy[0] for policy in mine) == TABLES
    assert all("remit.tenant" in policy[3] and "remit.tenant" in policy[4] for policy in mine)


def test_outside_of_every_tenant_no_row_is_seen(both):
    assert {table: _tenants_in(table) for table in TABLES} == {table: set() for table in TABLES}


def test_inside_a_tenant_its_own_rows_are_seen_and_no_others(both):
    for tenant in both:
        with context.use(tenant):
            assert {table: _tenants_in(table) for table in TABLES} == {table: {tenant.pk} for table in TABLES}


def test_an_empty_or_invented_tenant_sees_nothing(both):
    with connection.cursor() as cursor:
        for value in ("", "' OR true --", "ten_", "%"):
            cursor.execute("SELECT set_config('remit.tenant', %s, false)", [value])
            cursor.execute("SELECT count(*) FROM tenants_membership")
            assert cursor.fetchone() == (0,)
    connection.close()


def test_a_row_of_another_tenant_cannot_be_inserted(both):
    mine, theirs = both
    for table in TABLES:
        names, values = _row_of(theirs, table)
        places = ", ".join(["%s"] * len(values))
        columns = ", ".join(f'"{name}"' for name in names)
        with context.use(mine), connection.cursor() as cursor, pytest.raises(ProgrammingError) as refused:
            cursor.execute(f'INSERT INTO "{table}" ({columns}) VALUES ({places})', values)
        assert refused.value.__cause__.sqlstate == "42501", table


def test_a_row_cannot_be_given_to_another_tenant(both):
    mine, theirs = both
    for table in TABLES:
        with context.use(mine), connection.cursor() as cursor, pytest.raises(ProgrammingError) as refused:
            cursor.execute(f'UPDATE "{table}" SET tenant_id = %s', [theirs.pk])
        assert refused.value.__cause__.sqlstate == "42501", table


def test_a_row_of_another_tenant_cannot_be_changed_or_removed(both):
    mine, theirs = both
    with context.use(mine), connection.cursor() as cursor:
        for table in sorted(set(TABLES) - {model._meta.db_table for model in (Entry, Inspection, Seal)}):
            cursor.execute(f'UPDATE "{table}" SET tenant_id = tenant_id WHERE tenant_id = %s', [theirs.pk])
            assert cursor.rowcount == 0
            cursor.execute(f'DELETE FROM "{table}" WHERE tenant_id = %s', [theirs.pk])
            assert cursor.rowcount == 0
    assert theirs.pk in _everywhere(theirs)


# --- one connection that serves both


def _look_and_stop():
    _tenants_in("tenants_membership")
    raise Stop


def _rollback(tenant):
    with pytest.raises(Stop), transaction.atomic(), context.use(tenant):
        _look_and_stop()


def _savepoint_rollback(tenant):
    with transaction.atomic():
        with pytest.raises(Stop), transaction.atomic(), context.use(tenant):
            _look_and_stop()
        _tenants_in("tenants_membership")


def _a_refused_statement(tenant):
    with context.use(tenant), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1/0")


def _a_refused_statement_in_a_savepoint(tenant):
    with transaction.atomic():
        with context.use(tenant), pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        _tenants_in("tenants_membership")


def _close(tenant):
    with context.use(tenant):
        _tenants_in("tenants_membership")
        connection.close()


def _commit(tenant):
    with transaction.atomic(), context.use(tenant):
        _tenants_in("tenants_membership")


def _a_tenant_that_could_not_be_told(tenant):
    def refuse(execute, sql, params, many, statement):
        if "set_config" in sql:
            raise DatabaseError("canceled")
        return execute(sql, params, many, statement)

    _tenants_in("tenants_membership")
    with context.use(tenant), connection.execute_wrapper(refuse), pytest.raises(DatabaseError):
        _tenants_in("tenants_membership")


def _a_tenant_that_could_not_be_told_in_a_transaction(tenant):
    with pytest.raises(DatabaseError), transaction.atomic():
        _fail_and_look(tenant)


def _fail_and_look(tenant):
    with connection.cursor() as cursor, pytest.raises(DatabaseError):
        cursor.execute("SELECT 1/0")
    with context.use(tenant):
        _tenants_in("tenants_membership")


DISTURBANCES = (
    _rollback,
    _savepoint_rollback,
    _a_refused_statement,
    _a_refused_statement_in_a_savepoint,
    _close,
    _commit,
    _a_tenant_that_could_not_be_told,
    _a_tenant_that_could_not_be_told_in_a_transaction,
)


@pytest.mark.parametrize("disturb", DISTURBANCES, ids=lambda disturb: disturb.__name__.strip("_"))
def test_a_connection_that_served_two_tenants_never_shows_one_to_the_other(world, elsewhere, disturb):
    mine, theirs = world.tenant, elsewhere.tenant
    for disturbed in (mine, theirs):
        for before, after in ((mine, theirs), (theirs, mine), (mine, None)):
            assert _everywhere(before) == {before.pk}
            disturb(disturbed)
            assert _everywhere(after) == ({after.pk} if after else set())
            disturb(disturbed)
            assert _everywhere(before) == {before.pk}


def test_a_switch_inside_a_savepoint_that_is_kept_is_still_known_outside_of_it(world, elsewhere):
    with transaction.atomic():
        with transaction.atomic(), context.use(elsewhere.tenant):
            _tenants_in("tenants_membership")
        assert _everywhere(world.tenant) == {world.tenant.pk}


def test_a_thread_has_a_connection_and_a_tenant_of_its_own(world, elsewhere):
    with context.use(world.tenant):
        _tenants_in("tenants_membership")
        assert crowd.meanwhile(lambda: _tenants_in("tenants_membership")) == set()
        assert crowd.meanwhile(lambda: _tenants_in("tenants_membership"), tenant=elsewhere.tenant) == {
            elsewhere.tenant.pk
        }


def test_the_tenant_is_told_once_and_again_only_when_it_changes(world, elsewhere):
    def told(queries):
        return [query["sql"] for query in queries if "set_config" in query["sql"]]

    connection.close()
    with CaptureQueriesContext(connection) as queries:
        with context.use(world.tenant):
            for _ in range(5):
                Membership.objects.count()
            with transaction.atomic():
                Membership.objects.count()
        assert len(told(queries)) == 1
        with context.use(elsewhere.tenant):
            Membership.objects.count()
            Membership.objects.count()
        assert len(told(queries)) == 2
        with context.use(world.tenant):
            Membership.objects.count()
        assert len(told(queries)) == 3
