"""A delegation as a document that its tenant signs: for an auditor, and for the person it speaks for.

Its `typ` is its own, and it has neither `aud` nor `exp`: nothing that takes tokens takes it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from audit.events import Event
from audit.models import Entry
from delegations.models import Consent, Delegation
from delegations.sentence import kept_sentence
from tenants.models import Tenant
from tokens import keys, lineage

TYP, ALGORITHM = "remit-delegation+jwt", "ES256"


def signed(delegation: Delegation, tenant: Tenant, *, now: datetime) -> Mapping[str, Any]:
    """Return what is known of a delegation at this moment, and the same as a compact JWS under the tenant's key."""
    record = _record(delegation, tenant, now=now)
    return {"record": record, "jws": keys.sign(record, typ=TYP, algorithm=ALGORITHM)}


def receipt_of(delegation: Delegation) -> Mapping[str, Any] | None:
    """Return the receipt that was written when a delegation ended, as the ledger has it."""
    ended = Entry.objects.filter(about_kind="delegation", about_id=delegation.pk, event=Event.DELEGATION_ENDED)
    entry = ended.order_by("-pk").first()
    receipt: Mapping[str, Any] | None = entry.detail.get("receipt") if entry else None
    return receipt


def narrowed_of(delegation: Delegation) -> Entry | None:
    """Return the entry that was written when somebody made a delegation smaller last, and did not take it back."""
    if delegation.narrowed_at is None:
        return None
    about = Entry.objects.filter(about_kind="delegation", about_id=delegation.pk)
    stands: list[Entry] = []
    for entry in about.filter(event__in=[Event.DELEGATION_NARROWED, Event.DELEGATION_PUT_BACK]).order_by("pk"):
        if entry.event == Event.DELEGATION_NARROWED:
            stands.append(entry)
        elif stands:
            stands.pop()  # It is always the last one that is taken back.
    return stands[-1] if stands else None


def _record(delegation: Delegation, tenant: Tenant, *, now: datetime) -> Mapping[str, Any]:
    way = lineage.of_delegation(delegation, now=now)
    consent = delegation.consent
    return {
        "iss": tenant.issuer,
        "iat": int(now.timestamp()),
        "delegation": delegation.pk,
        "sentence": kept_sentence(delegation, now=now),
        "sub": delegation.subject,
        "agent": delegation.agent_id or "",
        "client_id": delegation.client.client_id,
        "resource": delegation.audience,
        "scopes": sorted(delegation.scopes),
        "origin": delegation.origin,
        "created_at": delegation.created_at.isoformat(),
        "expires_at": _said(delegation.expires_at),
        "ended_at": _said(delegation.ended_at),
        "line": [hop["delegation"] for hop in way["hops"]],
        "consent": consent and _consent(consent),
        "receipt": receipt_of(delegation),
    }


def _consent(consent: Consent) -> Mapping[str, Any]:
    """Return what was shown and how it was agreed to; `circumstances` is null where nobody kept them."""
    return {
        "id": consent.pk,
        "at": consent.created_at.isoformat(),
        "redirect_host": consent.redirect_host,
        "shown_sha256": consent.shown_digest,
        "shown": consent.shown,
        "circumstances": consent.circumstances,
    }


def _said(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
