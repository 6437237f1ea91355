"""Where an agent runs, as the pages' parts want it: values and words, no rules."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from delegations.models import Delegation
from delegations.sentence import in_words
from kit import uris
from tenants.models import Tenant
from tokens import installations
from tokens.installations import MOST, Place
from tokens.models import RefreshToken

_KINDS = {
    Place.COMPUTER: _("A person's computer"),
    Place.SITE: _("A website"),
    Place.APP: _("An app"),
    Place.DEVICE: _("A device that showed a code"),
}


def places_of(
    delegations: Sequence[Delegation], *, now: datetime, tenant: Tenant
) -> Mapping[str, list[dict[str, Any]]]:
    """Return the places of each delegation by its id, the one that was seen last first."""
    found = installations.of(delegations, now=now)
    return {
        delegation.pk: [place_row(each, now=now, tenant=tenant) for each in found[delegation.pk][:MOST]]
        for delegation in delegations
    }


def place_row(installation: RefreshToken, *, now: datetime, tenant: Tenant) -> dict[str, Any]:
    """Return one place."""
    zone = tenant.time_zone
    return {
        "id": installation.pk,
        "name": installation.label or kind(installation),
        "label": installation.label,
        "kind": kind(installation) if installation.label else "",
        "key": installation.key_thumbprint,
        "first_seen_at": installation.created,
        "first_seen": in_words(installation.created, now=now, time_zone=zone),
        "last_seen_at": installation.rotated_at,
        "last_seen": in_words(installation.rotated_at, now=now, time_zone=zone),
    }


def kind(installation: RefreshToken) -> str:
    """Say what is known of a place: the host where answers go, and of one's own computer not even that."""
    place, host = installations.place(installation), uris.host_of(installation.redirect_host)
    return f"{_KINDS[place]} ({host})" if place in {Place.SITE, Place.APP} else str(_KINDS[place])
