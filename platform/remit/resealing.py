"""Everything that is sealed at rest, sealed anew under the first sealing key, so that an old one can be taken away.

Each row is a conditional UPDATE of its own: a run that was stopped goes on where it stopped, two at once do no harm,
and what somebody changed meanwhile is left for the next run. Nothing waits for it.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Q

from agents.models import Client
from audit.events import Event
from audit.ledger import record
from audit.principals import SYSTEM
from kit import context, sealing
from notices.models import Webhook
from tenants.models import Tenant
from tenants.scoping import TenantScoped
from tenants.sign_in import SignIn
from tokens.models import Deferral, SigningKey
from trust.models import IdentityProvider

_SEALED_MEMBERS = {Authenticator.Type.TOTP: "secret", Authenticator.Type.RECOVERY_CODES: "seed"}
_KEY: tuple[type[TenantScoped], str] = (SigningKey, "sealed_private")
_FIELDS: tuple[tuple[type[TenantScoped], str], ...] = (
    (Client, "software_statement"),
    (Deferral, "request"),
    (Deferral, "callback"),
    (IdentityProvider, "client_secret"),
    (Webhook, "secret"),
    (Webhook, "old_secret"),
    (SignIn, "sealed_key"),
)


@dataclass(slots=True)
class Progress:
    """How far a run is: of so many that were sealed with an older key, so many are done, so many cannot be opened."""

    due: int = 0
    done: int = 0
    closed: int = 0


def reseal() -> Iterator[Progress]:
    """Seal everything anew that an older key sealed; give the progress after each row."""
    of_tenants, factors = _due_of_tenants(), _factors()
    progress = Progress(due=of_tenants.total() + len(factors))
    for tenant in Tenant.objects.filter(pk__in=of_tenants).order_by("pk"):
        with context.use(tenant):
            for key in SigningKey.objects.filter(_older("sealed_private")).order_by("pk"):
                yield _counted(progress, _key(key))
            for model, field in _FIELDS:
                for row in model.objects.filter(_older(field)).order_by("pk"):
                    yield _counted(progress, _field(row, field))
    for factor in factors:
        yield _counted(progress, _factor(factor))


def count_due() -> int:
    """Return how much is sealed with an older key."""
    return _due_of_tenants().total() + len(_factors())


def _due_of_tenants() -> Counter[str]:
    """Return how much each tenant has that is sealed with an older key, in as many queries as there are fields."""
    due = Counter[str]()
    for model, field in (_KEY, *_FIELDS):
        rows = model.unscoped.using(settings.OPERATOR_ALIAS).filter(_older(field)).order_by()
        due.update(dict(rows.values_list("tenant_id").annotate(Count("pk"))))
    return due


def _counted(progress: Progress, was_done: bool) -> Progress:
    progress.done += was_done
    progress.closed += not was_done
    return progress


def _older(field: str) -> Q:
    return ~Q(**{field: ""}) & ~Q(**{f"{field}__startswith": sealing.prefix(settings.SEALING_KEYS[0])})


def _anew(sealed: str) -> str | None:
    """Return a value under the first key, or None where no key opens it."""
    try:
        return sealing.seal(sealing.unseal(sealed, settings.SEALING_KEYS), settings.SEALING_KEYS)
    except sealing.CannotOpen:
        return None


@transaction.atomic
def _key(key: SigningKey) -> bool:
    anew = _anew(key.sealed_private)
    if anew is None:
        return False
    # A key that was destroyed since it was read stays destroyed.
    if SigningKey.objects.filter(pk=key.pk, sealed_private=key.sealed_private).update(sealed_private=anew):
        record(Event.KEY_RESEALED, by=SYSTEM, about=key)
    return True


def _field(row: TenantScoped, field: str) -> bool:
    old = getattr(row, field)
    anew = _anew(old)
    if anew is not None:
        type(row).objects.filter(pk=row.pk, **{field: old}).update(**{field: anew})
    return anew is not None


def _factor(factor: Authenticator) -> bool:
    member = _SEALED_MEMBERS[factor.type]
    anew = _anew(factor.data[member])
    if anew is not None:
        # Of the whole value: a recovery code that was used since it was read stays used.
        Authenticator.objects.filter(pk=factor.pk, data=factor.data).update(data={**factor.data, member: anew})
    return anew is not None


def _factors() -> list[Authenticator]:
    prefix = sealing.prefix(settings.SEALING_KEYS[0])
    sealed = Authenticator.objects.filter(type__in=_SEALED_MEMBERS).order_by("pk")
    return [each for each in sealed if not str(each.data.get(_SEALED_MEMBERS[each.type], prefix)).startswith(prefix)]
