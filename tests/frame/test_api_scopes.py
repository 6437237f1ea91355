"""A tenant that an earlier release opened has the API's scopes of this one, and the second lock is shut again."""

import importlib
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection, connections, transaction

from kit import context
from tenants.models import ResourceServer, Scope
from tokens.opening import API_SCOPES

migration = importlib.import_module("tokens.migrations.0007_api_scopes")


def scopes(world):
    with context.use(world.tenant):
        return list(Scope.objects.filter(resource_server__identifier=world.tenant.api_identifier).values_list("name"))


def complete():
    with transaction.atomic(using=settings.OWNER_ALIAS):
        migration.complete(apps, SimpleNamespace(connection=connections[settings.OWNER_ALIAS]))


@pytest.mark.walks
def test_an_old_tenant_s_api_gains_what_it_lacks_once_and_no_other_server_does(world, vendor):
    with context.use(world.tenant):
        kept = ("self:read", "delegations:read", "delegations:end")
        api = ResourceServer.objects.get(identifier=world.tenant.api_identifier)
        Scope.objects.filter(resource_server=api).exclude(name__in=kept).delete()
        others = Scope.objects.exclude(resource_server=api).count()
    for _ in range(2):
        complete()
        assert sorted(scopes(world)) == sorted((words.name,) for words in API_SCOPES)
    with context.use(world.tenant):
        assert Scope.objects.exclude(resource_server=api).count() == others
    if vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT relforcerowsecurity FROM pg_class WHERE relname = ANY(%s)", [list(migration.FILLED)])
            assert cursor.fetchall() == [(True,), (True,)]
