"""Logos of clients: fetched once by the clock, re-encoded, kept, and served from our own origin; never hot-linked."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.fields.json import KT, KeyTextTransform

from agents.models import Client, Logo
from kit import one_statement, picture
from kit.fetch import Unfetchable
from kit.picture import BadPicture
from tenants.directory import current
from trust import outbound

LIMIT = 256 * 1024
BATCH = 20
LOGOS = "logos"
"""As whose answer the lines of a statement come."""
AGAIN = timedelta(days=1)
"""When a logo that could not be had is asked for once more."""
_log = structlog.get_logger("agents.logos")


def fetch_due(now: datetime) -> int:
    """Fetch logos that are not here yet, or whose place changed; return how many are good."""
    return sum(_fetch(client, now) for client in _due(now)[:BATCH])


def of(client_pk: str) -> bytes:
    """Return the logo of a living client as PNG, or nothing where it has none that is its present one."""
    kept = Logo.objects.select_related("client").filter(client=client_pk, client__status=Client.Status.ACTIVE).first()
    if kept is None or kept.client.metadata.get("logo_uri") != kept.uri:
        return b""
    return bytes(kept.png)


def shown(clients: Iterable[Client]) -> dict[str, str]:
    """Return where on our origin the logos of living clients are, by the client's key; only of those that have one."""
    return places(_present(Logo.objects.filter(client__in=list(clients))).values_list("client_id", flat=True))


def part(clients: "QuerySet[Client]") -> "QuerySet[Any, Any]":
    """Return the question which of these clients have a logo, for a statement that asks more (`places`)."""
    return one_statement.part(_present(Logo.objects.filter(client__in=clients.order_by())), LOGOS, key=F("client_id"))


def places(keys: Iterable[str]) -> dict[str, str]:
    """Return where on our origin the logos of these clients are, by the client's key."""
    slug = current().slug
    return {key: f"/t/{slug}/logos/{key}.png" for key in keys}


def _present(kept: "QuerySet[Logo]") -> "QuerySet[Logo]":
    """Return those of living clients that were fetched from where the client says now."""
    living = kept.filter(client__status=Client.Status.ACTIVE).exclude(png=b"")
    return living.annotate(named=KeyTextTransform("logo_uri", "client__metadata")).filter(uri=F("named"))


def _due(now: datetime) -> "QuerySet[Client]":
    done = Q(tried_at__gt=now - AGAIN) | ~Q(png=b"")
    kept = Logo.unscoped.filter(done, client=OuterRef("pk"), uri=OuterRef("logo_uri"))
    living = Client.objects.filter(status=Client.Status.ACTIVE, metadata__has_key="logo_uri")
    return (
        living.annotate(logo_uri=KT("metadata__logo_uri"), last=F("logos__tried_at"))
        .filter(~Exists(kept))
        .order_by(F("last").asc(nulls_first=True), "pk")
    )


def _fetch(client: Client, now: datetime) -> bool:
    uri = client.metadata["logo_uri"]
    try:
        png = picture.as_png(outbound.fetch_image(uri, limit=LIMIT))
    except (Unfetchable, BadPicture) as error:
        _log.info("no logo", client=client.client_id[:200], reason=str(error))
        png = b""
    _keep(client, uri, png, now)
    return bool(png)


@transaction.atomic
def _keep(client: Client, uri: str, png: bytes, now: datetime) -> None:
    Logo.objects.update_or_create(client=client, defaults={"uri": uri, "png": png, "tried_at": now})
