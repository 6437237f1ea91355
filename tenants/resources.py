"""The verbs of what a tenant protects: change and retire its resource servers, and add, change and retire scopes.

Whatever is changed holds from the commit on: every process reads the tenant anew before it mints again.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Max
from django.utils import timezone
from django.utils.translation import gettext

from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import Principal
from kit import context
from tenants import taken_away
from tenants.actions import ScopeWords, as_read, move_version
from tenants.directory import current
from tenants.errors import IdentifierTaken, NotActive, Stale, Unusable
from tenants.models import Downstream, ResourceServer, Scope, Tenant
from tenants.rules import check_scope, is_scope_name

CHANGEABLE = frozenset({"name", "kind", "signing_algorithm", "token_format", "asks_each_time", "hosts_metadata"})
WORDS = frozenset(ScopeWords.__dataclass_fields__) - {"name"}


@transaction.atomic
def change_resource(
    server: ResourceServer, *, by: Principal, version: int | None = None, **fields: str | bool
) -> ResourceServer:
    """Change how a resource server is called and how it takes tokens; raises Unusable, NotActive or Stale."""
    _check_fields(fields.keys(), CHANGEABLE)
    _move(server, version, **fields)
    record(Event.RESOURCE_SERVER_CHANGED, by=by, about=server, detail=_changes(server, fields))
    return ResourceServer.objects.get(pk=server.pk)


@transaction.atomic
def retire_resource(server: ResourceServer, *, by: Principal, reason: str, version: int | None = None) -> None:
    """Make no more tokens for a resource server; what was allowed there rests. Raises Unusable, NotActive or Stale."""
    _move(server, version, retired_at=timezone.now())
    # Asked once the tenant's row is held: nobody names it the default meanwhile.
    if Tenant.objects.filter(pk=context.require_id(), default_resource=server.identifier).exists():
        raise Unusable(gettext("It is the resource of requests that name none. Choose another one first."))
    record(Event.RESOURCE_SERVER_RETIRED, by=by, about=server, reason=reason)


@transaction.atomic
def restore_resource(server: ResourceServer, *, by: Principal, version: int | None = None) -> None:
    """Bring a retired resource server back, and what was allowed there with it; raises NotActive or Stale."""
    found = ResourceServer.objects.filter(pk=server.pk, retired_at__isnull=False)
    if not found.filter(**as_read(version)).update(retired_at=None, version=F("version") + 1):
        raise Stale(server) if found.exists() else NotActive(server.pk)
    record(Event.RESOURCE_SERVER_RESTORED, by=by, about=server)
    move_version()


@transaction.atomic
def add_scope(server: ResourceServer, words: ScopeWords, *, by: Principal, version: int | None = None) -> Scope:
    """Add a permission word; raises Unusable, IdentifierTaken, NotActive or Stale."""
    if not is_scope_name(words.name):
        raise Unusable(
            gettext("The name of a scope has no spaces, quotes or backslashes, and is none of OpenID Connect.")
        )
    check_scope(words.is_writing, words.weight, words.longest_seconds)
    _move(server, version)
    last = Scope.objects.filter(resource_server=server).aggregate(last=Max("position"))["last"]
    said = {name: getattr(words, name) for name in ScopeWords.__dataclass_fields__}
    try:
        with transaction.atomic():
            scope = Scope.objects.create(resource_server=server, position=0 if last is None else last + 1, **said)
    except IntegrityError as error:
        raise IdentifierTaken(words.name) from error
    record(Event.SCOPE_ADDED, by=by, about=server, detail={"scope": words.name, "title": words.title})
    return scope


@transaction.atomic
def add_scopes(server: ResourceServer, words: Iterable[ScopeWords], *, by: Principal) -> list[Scope]:
    """Add permission words, all of them or none; raises as `add_scope`."""
    return [add_scope(server, each, by=by) for each in words]


@transaction.atomic
def change_scope(
    scope: Scope, *, by: Principal, version: int | None = None, **fields: str | bool | int | None
) -> Scope:
    """Change the words of a scope, and what they mean; raises Unusable, NotActive or Stale."""
    _check_fields(fields.keys(), WORDS)
    _move(scope.resource_server, version)
    # Read anew once its server is held: nobody changes the other half of what must hold together meanwhile.
    held = Scope.objects.filter(pk=scope.pk).first()
    if held is None:
        raise NotActive(scope.name)
    for name, value in fields.items():
        setattr(held, name, value)
    check_scope(held.is_writing, held.weight, held.longest_seconds)
    Scope.objects.filter(pk=scope.pk).update(**fields)
    detail = {"scope": scope.name, **_changes(scope, fields)}
    record(Event.SCOPE_CHANGED, by=by, about=scope.resource_server, detail=detail)
    return Scope.objects.select_related("resource_server").get(pk=scope.pk)


@transaction.atomic
def retire_scope(scope: Scope, *, by: Principal, reason: str = "", version: int | None = None) -> None:
    """Take a permission word away; no token has it from the commit on. Raises Unusable, NotActive or Stale."""
    _move(scope.resource_server, version)
    # Read anew once its server is held, as above: the entry is what it is put back from.
    held = Scope.objects.filter(pk=scope.pk).first()
    if held is None:
        raise NotActive(scope.name)
    held.delete()
    about, detail = scope.resource_server, taken_away.kept(held)
    record(Event.SCOPE_RETIRED, by=by, about=about, reason=reason, detail=detail)


@transaction.atomic
def restore_scope(server: ResourceServer, name: str, *, by: Principal) -> Scope:
    """Put a permission word back as it was, for whoever was allowed it; raises NotActive or IdentifierTaken."""
    taken = taken_away.of_name(server, name, now=timezone.now())
    if taken is None:
        raise NotActive(name)
    _move(server, None)
    words = {field: getattr(taken.words, field) for field in ScopeWords.__dataclass_fields__}
    try:
        with transaction.atomic():
            scope = Scope.objects.create(resource_server=server, position=taken.position, **words)
    except IntegrityError as error:
        raise IdentifierTaken(name) from error
    record(Event.SCOPE_RESTORED, by=by, about=server, detail={"scope": name, "title": scope.title})
    return scope


@transaction.atomic
def allow_downstream(
    upstream: ResourceServer,
    downstream: ResourceServer,
    scopes: Mapping[str, Iterable[str]],
    *,
    by: Principal,
    version: int | None = None,
) -> Downstream:
    """Let what may call one resource server be exchanged for access to another, scope by scope.

    Raises Unusable for a scope that either has not, NotActive or Stale.
    """
    named = {scope: sorted(set(opened)) for scope, opened in scopes.items()}
    _check_edge(upstream, downstream, named)
    _move(upstream, version)
    edge, _ = Downstream.objects.update_or_create(upstream=upstream, downstream=downstream, defaults={"scopes": named})
    words = [f"{scope}: {' '.join(named[scope])}" for scope in named]
    detail: dict[str, JsonValue] = {"to": downstream.identifier, "scopes": words}
    record(Event.DOWNSTREAM_ALLOWED, by=by, about=upstream, detail=detail)
    return edge


@transaction.atomic
def forbid_downstream(upstream: ResourceServer, downstream: ResourceServer, *, by: Principal) -> None:
    """Take an edge away; what was made along it gets no new token from the commit on."""
    removed, _ = Downstream.objects.filter(upstream=upstream, downstream=downstream).delete()
    if removed:
        record(Event.DOWNSTREAM_FORBIDDEN, by=by, about=upstream, detail={"to": downstream.identifier})
        move_version()


def _check_edge(upstream: ResourceServer, downstream: ResourceServer, named: Mapping[str, Iterable[str]]) -> None:
    if upstream.pk == downstream.pk:
        raise Unusable(gettext("A resource is not behind itself."))
    if downstream.identifier == current().api_identifier or downstream.retired_at is not None:
        raise Unusable(gettext("Nothing is handed on to this resource."))
    opened = {scope for scopes in named.values() for scope in scopes}
    if not opened or not all(named.values()):
        raise Unusable(gettext("Say for each scope which ones it stands for there."))
    for server, wanted in ((upstream, set(named)), (downstream, opened)):
        known = set(Scope.objects.filter(resource_server=server).values_list("name", flat=True))
        if unknown := wanted - known:
            named_words = {"resource": server.identifier[:200], "scope": min(unknown)[:100]}
            raise Unusable(gettext("%(resource)s has no scope called %(scope)s.") % named_words)


def _move(server: ResourceServer, version: int | None, **fields: Any) -> None:
    """Change a resource server that is served, if it is as it was read."""
    if server.identifier == current().api_identifier:
        raise Unusable(gettext("This is this product's own API. It changes with the release."))
    served = ResourceServer.objects.filter(pk=server.pk, retired_at=None)
    if not served.filter(**as_read(version)).update(version=F("version") + 1, **fields):
        raise Stale(server) if served.exists() else NotActive(server.pk)
    move_version()


def _changes(before: ResourceServer | Scope, after: dict[str, Any]) -> dict[str, JsonValue]:
    # In one order, whichever door it came through.
    moved = {name: value for name, value in sorted(after.items()) if getattr(before, name) != value}
    return {
        "before": [f"{name}: {getattr(before, name)}" for name in moved],
        "after": [f"{name}: {value}" for name, value in moved.items()],
    }


def _check_fields(said: Any, known: frozenset[str]) -> None:
    if unknown := set(said) - known:
        raise Unusable(f"not to be changed: {', '.join(sorted(unknown))}")
