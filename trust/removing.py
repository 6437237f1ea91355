"""Removing an issuer, and bringing it back as it was within thirty days: its word counts for nothing in between.

What came through it is ended by whoever may end it (`notices.distrust`), and stays ended when the issuer comes back.
"""

from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import Principal
from tenants.actions import as_read, move_version
from tenants.errors import Stale
from trust import directory, keys
from trust.errors import IssuerKnown, TooLateToRestore, Unusable
from trust.models import TrustedIssuer

RESTORABLE = timedelta(days=30)


def standing(issuer: TrustedIssuer) -> "QuerySet[TrustedIssuer]":
    """Return the row of an issuer, as long as nobody removed it."""
    return TrustedIssuer.objects.filter(pk=issuer.pk, removed_at=None)


def hold_standing(issuer_id: str) -> bool:
    """Say whether nobody removed an issuer, and let nobody do so until the commit."""
    found = TrustedIssuer.objects.select_for_update(no_key=True).filter(pk=issuer_id, removed_at=None)
    return found.values_list("pk", flat=True).first() is not None


def check_there(issuer: TrustedIssuer) -> None:
    """Refuse to change an issuer that was removed; raises Unusable."""
    if issuer.removed_at is not None:
        raise Unusable(_("It was removed. Restore it first."))


def restorable_until(issuer: TrustedIssuer) -> datetime | None:
    """Return until when a removed issuer may be restored; None where it stands."""
    return issuer.removed_at + RESTORABLE if issuer.removed_at is not None else None


def restorable(now: datetime) -> "QuerySet[TrustedIssuer]":
    """Return the issuers that may be restored, those removed last first."""
    return TrustedIssuer.objects.filter(removed_at__gt=now - RESTORABLE).order_by("-removed_at")


@transaction.atomic
def remove_issuer(issuer: TrustedIssuer, *, by: Principal, reason: str, version: int | None = None) -> None:
    """Believe an issuer no more, and forget the keys that were fetched of it; raises Unusable or Stale."""
    check_there(issuer)
    gone = {"is_enabled": False, "was_enabled": F("is_enabled"), "removed_at": timezone.now()}
    if not standing(issuer).filter(**as_read(version)).update(**gone, **_keyless(issuer), version=F("version") + 1):
        raise Stale(issuer)
    was_enabled = TrustedIssuer.objects.values_list("was_enabled", flat=True).get(pk=issuer.pk)
    detail: dict[str, JsonValue] = {"issuer": issuer.issuer, "was_enabled": was_enabled}
    record(Event.ISSUER_REMOVED, by=by, about=issuer, reason=reason, detail=detail)
    everybody_reads_anew()


def restore_issuer(issuer: TrustedIssuer, *, by: Principal, version: int | None = None) -> TrustedIssuer:
    """Let a removed issuer stand again as it did, by keys that are fetched anew; one that was off stays off. Return it.

    Raises TooLateToRestore, IssuerKnown where it was trusted anew meanwhile, or Stale. No transaction stays open while
    a stranger is asked for keys.
    """
    now = timezone.now()
    _restore(issuer, now, by=by, version=version)
    back = TrustedIssuer.objects.get(pk=issuer.pk)
    if back.key_source != TrustedIssuer.KeySource.PASTED and not keys.is_our_own(back.issuer):
        keys.refresh(back, now=now)
    return TrustedIssuer.objects.get(pk=issuer.pk)


@transaction.atomic
def _restore(issuer: TrustedIssuer, now: datetime, *, by: Principal, version: int | None) -> None:
    found = restorable(now).filter(pk=issuer.pk)
    if not found.exists():
        raise TooLateToRestore(issuer.pk)
    back = {"is_enabled": F("was_enabled"), "removed_at": None, "changed_at": now}
    try:
        with transaction.atomic():
            is_back = (
                found.order_by().filter(**as_read(version)).update(**back, **_keyless(issuer), version=F("version") + 1)
            )
    except IntegrityError as error:
        raise IssuerKnown(issuer.issuer) from error
    if not is_back:
        raise Stale(issuer)
    is_enabled = TrustedIssuer.objects.values_list("is_enabled", flat=True).get(pk=issuer.pk)
    record(Event.ISSUER_RESTORED, by=by, about=issuer, detail={"issuer": issuer.issuer, "is_enabled": is_enabled})
    everybody_reads_anew()


def _keyless(issuer: TrustedIssuer) -> dict[str, object]:
    """Return what forgets the keys of an issuer; those that an admin pasted are nowhere to be fetched."""
    if issuer.key_source == TrustedIssuer.KeySource.PASTED:
        return {}
    return {"jwks": {}, "keys_fetched_at": None, "keys_asked_at": None, "keys_swapped_at": None}


def everybody_reads_anew() -> None:
    """Let every process look at trust again once this is committed."""
    move_version()
    transaction.on_commit(directory.forget_all)
    transaction.on_commit(keys.forget_all)
