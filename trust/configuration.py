"""A tenant's rules as one file: its settings, what it protects, and whom it trusts. Never a key and never a secret."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import yaml
from django.db import transaction

from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from tenants.actions import POLICY, ScopeWords
from tenants.models import Downstream, ResourceServer, Tenant
from tenants.resources import CHANGEABLE
from tenants.roles import Act
from trust.actions import AUDIENCE_FIELDS, ISSUER_FIELDS
from trust.models import Audience, TrustedIssuer

TYPE = "application/yaml"
_SCOPE = tuple(ScopeWords.__dataclass_fields__)
_KEYS = frozenset({"jwks"})
"""Keys are public, but somebody else's, and of today: they are fetched anew, or pasted again."""


@transaction.atomic
def export(tenant: Tenant, acts: Collection[Act], *, by: Principal) -> str:
    """Return the parts that whoever asks may read as YAML (RFC 9512), and say that they were taken."""
    parts = [name for name, (act, _) in PARTS.items() if act in acts]
    record(Event.LIST_EXPORTED, by=by, about=tenant, detail={"list": "settings", "form": "yaml", "parts": parts})
    content = {"tenant": tenant.slug, "issuer": tenant.issuer, "version": tenant.version}
    left_out = [name for name in PARTS if name not in parts]
    written = {name: PARTS[name][1](tenant) for name in parts}
    said = {**content, **({"left_out": left_out} if left_out else {}), **written}
    text: str = yaml.safe_dump(said, sort_keys=False, allow_unicode=True, width=120)
    return text


def _settings(tenant: Tenant) -> dict[str, Any]:
    return {name: getattr(tenant, name) for name in sorted(POLICY)}


def _resources(tenant: Tenant) -> list[dict[str, Any]]:
    servers = ResourceServer.objects.filter(retired_at=None).prefetch_related("scopes").order_by("identifier")
    behind: dict[str, dict[str, Any]] = {}
    for edge in Downstream.objects.select_related("downstream"):
        behind.setdefault(edge.upstream_id, {})[edge.downstream.identifier] = edge.scopes
    return [
        {
            "identifier": each.identifier,
            **_fields(each, CHANGEABLE),
            "signing_algorithm": each.signing_algorithm,
            "scopes": [{name: getattr(scope, name) for name in _SCOPE} for scope in each.scopes.all()],
            **({"downstream": behind[each.pk]} if each.pk in behind else {}),
        }
        for each in servers
    ]


def _trust(tenant: Tenant) -> dict[str, Any]:
    issuers = TrustedIssuer.objects.order_by("issuer")
    audiences = Audience.objects.order_by("issuer")
    return {
        "issuers": [{"issuer": each.issuer, **_fields(each, ISSUER_FIELDS - _KEYS)} for each in issuers],
        "audiences": [{"issuer": each.issuer, **_fields(each, AUDIENCE_FIELDS)} for each in audiences],
    }


def _fields(row: Any, names: Collection[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in sorted(names)}


PARTS: Mapping[str, tuple[Act, Callable[[Tenant], Any]]] = {
    "settings": (Act.SETTINGS_READ, _settings),
    "resources": (Act.RESOURCES_READ, _resources),
    "trust": (Act.TRUST_READ, _trust),
}
"""By its word in the file: what it takes to read it, and how it is written."""
