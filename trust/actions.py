"""The verbs of trust: whom to believe, for what; which servers take our grants; who a foreign subject is here."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import Principal
from tenants import clock, roles
from tenants.actions import as_read
from tenants.directory import current
from tenants.errors import NotYours, Stale
from tenants.models import Membership
from trust import keys, removing, vouching
from trust.errors import IssuerKnown, Unusable
from trust.models import Audience, OutboundHost, SubjectLink, TrustedIssuer, UsedGrant
from trust.rules import check_audience, check_identifier, check_issuer

ISSUER_FIELDS = frozenset(
    {
        "name", "key_source", "jwks_uri", "jwks", "algorithms", "purposes", "resources", "clients", "any_client",
        "mappings", "email_domains", "required_claims", "longest_seconds", "reuses_assertions", "unseen", "quarantine",
        "most_agents", "is_enabled",
    }
)  # fmt: skip
AUDIENCE_FIELDS = frozenset({"name", "algorithm", "shares_email", "aud_tenant", "resources", "is_enabled"})
USUAL_ALGORITHMS = ("RS256", "ES256")


@transaction.atomic
def trust_issuer(issuer: str, *, by: Principal, **fields: Any) -> TrustedIssuer:
    """Believe an issuer within these limits; raises Unusable or IssuerKnown."""
    made = planned_issuer(issuer, **fields)
    made.vouched_as = vouching.role_of(by)
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError as error:
        raise IssuerKnown(issuer) from error
    record(Event.ISSUER_TRUSTED, by=by, about=made, detail=_words(fields, issuer=issuer))
    removing.everybody_reads_anew()
    return made


def planned_issuer(issuer: str, **fields: Any) -> TrustedIssuer:
    """Return an issuer as it would be trusted within these limits, written nowhere; raises Unusable."""
    _check_fields(fields, ISSUER_FIELDS)
    planned = TrustedIssuer(issuer=issuer, **{"algorithms": list(USUAL_ALGORITHMS), "name": issuer[:100], **fields})
    check_identifier(issuer, current().issuer)
    check_issuer(planned)
    return planned


@transaction.atomic
def change_issuer(
    issuer: TrustedIssuer, *, by: Principal, version: int | None = None, reason: str = "", **fields: Any
) -> TrustedIssuer:
    """Change what an issuer is believed; from the commit on, everywhere. Raises Unusable, NotYours or Stale."""
    _check_fields(fields, ISSUER_FIELDS)
    removing.check_there(issuer)
    vouching.check_change(TrustedIssuer.objects.select_for_update().get(pk=issuer.pk), fields, by=by)
    for name, value in fields.items():
        setattr(issuer, name, value)
    check_issuer(issuer)
    moved = {"key_source", "jwks_uri"} & fields.keys() and "jwks" not in fields
    again: dict[str, Any] = {"jwks": {}, "keys_fetched_at": None, "keys_asked_at": None} if moved else {}
    if {"key_source", "jwks_uri", "jwks"} & fields.keys():
        again["keys_swapped_at"] = None  # Whoever says which keys they are has looked at them.
    moved_on = {"changed_at": timezone.now(), "version": F("version") + 1}
    there = removing.standing(issuer)
    if not there.filter(**as_read(version)).update(**fields, **again, **moved_on):
        raise Stale(issuer)
    event = Event.ISSUER_DISTRUSTED if fields.get("is_enabled") is False else Event.ISSUER_CHANGED
    record(event, by=by, about=issuer, reason=reason, detail=_words(fields, issuer=issuer.issuer))
    removing.everybody_reads_anew()
    return TrustedIssuer.objects.get(pk=issuer.pk)


@transaction.atomic
def confirm_issuer(issuer: TrustedIssuer, *, by: Principal, version: int | None = None) -> TrustedIssuer:
    """Answer for an issuer as it was read: from the commit on its word stands for whoever may do no more than `by`.

    Who is linked already stays linked as they were. Raises NotYours, Unusable or Stale.
    """
    removing.check_there(issuer)
    role = vouching.role_of(by)
    if not roles.covers(role, Membership.Role.ADMIN):
        raise NotYours(_("An admin whose role has no end answers for a word that lasts."))
    changed = {"vouched_as": role, "changed_at": timezone.now(), "version": F("version") + 1}
    if not removing.standing(issuer).filter(**as_read(version)).update(**changed):
        raise Stale(issuer)
    said: dict[str, JsonValue] = {"issuer": issuer.issuer, "before": issuer.vouched_as, "after": role}
    record(Event.ISSUER_CONFIRMED, by=by, about=issuer, detail=said)
    removing.everybody_reads_anew()
    return TrustedIssuer.objects.get(pk=issuer.pk)


def fetch_keys(issuer: TrustedIssuer, *, by: Principal, now: datetime) -> bool:
    """Fetch an issuer's keys because somebody asks, and say whether there are newer ones now.

    Not while somebody did half a minute ago, nor of an issuer that is off or whose keys are not fetched. No transaction
    stays open while a stranger is asked.
    """
    if issuer.key_source == TrustedIssuer.KeySource.PASTED or keys.is_our_own(issuer.issuer):
        return False
    is_fetched = keys.refresh(issuer, now=now) is not None
    record(Event.ISSUER_KEYS_ASKED, by=by, about=issuer, detail={"issuer": issuer.issuer, "fetched": is_fetched})
    return is_fetched


@transaction.atomic
def link_subject(issuer: TrustedIssuer, subject: str, member: Membership, *, by: Principal, how: str) -> SubjectLink:
    """Say who a subject of an issuer is here; raises NotYours, or IntegrityError where that was said before.

    `how` is the mapping by which the issuer's own word says so, or `admin`.
    """
    is_found = how in TrustedIssuer.Mapping.values
    if not is_found:
        vouching.check_link(member, by=by)
    vouched_as = issuer.vouched_as if is_found else vouching.role_of(by)
    link = SubjectLink.objects.create(issuer=issuer, subject=subject, member=member, how=how, vouched_as=vouched_as)
    record(
        Event.SUBJECT_LINKED, by=by, about=link, on_behalf_of=member.pk, detail={"issuer": issuer.issuer, "how": how}
    )
    return link


@transaction.atomic
def unlink_subject(link: SubjectLink, *, by: Principal) -> None:
    """Forget who a subject of an issuer is."""
    record(Event.SUBJECT_UNLINKED, by=by, about=link, on_behalf_of=link.member_id)
    link.delete()


@transaction.atomic
def add_audience(issuer: str, *, by: Principal, **fields: Any) -> Audience:
    """Let grants be made for another authorization server; raises Unusable or IssuerKnown."""
    _check_fields(fields, AUDIENCE_FIELDS)
    made = Audience(issuer=issuer, **{"name": issuer[:100], **fields})
    check_identifier(issuer, current().issuer)
    check_audience(made)
    try:
        with transaction.atomic():
            made.save(force_insert=True)
    except IntegrityError as error:
        raise IssuerKnown(issuer) from error
    record(Event.AUDIENCE_ADDED, by=by, about=made, detail=_words(fields, issuer=issuer))
    removing.everybody_reads_anew()
    return made


@transaction.atomic
def change_audience(
    audience: Audience, *, by: Principal, version: int | None = None, reason: str = "", **fields: Any
) -> Audience:
    """Change what grants for another authorization server may say; from the commit on. Raises Unusable, or Stale."""
    _check_fields(fields, AUDIENCE_FIELDS)
    for name, value in fields.items():
        setattr(audience, name, value)
    check_audience(audience)
    if not Audience.objects.filter(pk=audience.pk, **as_read(version)).update(**fields, version=F("version") + 1):
        raise Stale(audience)
    detail = _words(fields, issuer=audience.issuer)
    record(Event.AUDIENCE_CHANGED, by=by, about=audience, reason=reason, detail=detail)
    removing.everybody_reads_anew()
    return Audience.objects.get(pk=audience.pk)


def forget_used(now: datetime) -> int:
    """Remove assertions that could not be accepted again anyway, and hosts that nobody asked for a day."""
    removed = clock.forget(UsedGrant.objects.filter(expires_at__lt=now).order_by("expires_at"))
    return removed + clock.forget(OutboundHost.objects.filter(window_started_at__lt=now - timedelta(days=1)))


def _check_fields(fields: Mapping[str, Any], known: frozenset[str]) -> None:
    if unknown := fields.keys() - known:
        raise Unusable(f"Unknown: {', '.join(sorted(unknown))[:200]}.")


def _words(fields: Mapping[str, Any], *, issuer: str) -> dict[str, JsonValue]:
    """Return what was said for the ledger; of keys only that they were given."""
    said = {name: value for name, value in fields.items() if name != "jwks"}
    listed = {name: value if isinstance(value, str | int) else _listed(value) for name, value in said.items()}
    return {"issuer": issuer, **listed, **({"keys": "given"} if "jwks" in fields else {})}


def _listed(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{key}: {' '.join(inner) if isinstance(inner, list) else inner}" for key, inner in value.items()]
    return [str(each) for each in value]
