"""A person's place in this tenant: looked up before any sign-in counts, and written about in the ledger."""

from allauth.account.authentication import get_authentication_records
from django.db import transaction
from django.http import HttpRequest

from audit.events import Event
from audit.ledger import record
from audit.principals import Kind, Principal
from tenants.models import Membership, User

PASSWORD, PASSKEY, TOTP, RECOVERY_CODE = "password", "passkey", "totp", "recovery_code"
_OF_TYPES = {"webauthn": PASSKEY, "totp": TOTP, "recovery_codes": RECOVERY_CODE}


def place_of(user: User) -> Membership | None:
    """Return the person's place here; None for whoever has none, lost it, or may not sign in anywhere."""
    active = Membership.objects.select_related("user").filter(status=Membership.Status.ACTIVE)
    return active.filter(user=user.pk, user__is_active=True).first()


def methods_used(request: HttpRequest, user: User) -> list[str]:
    """Return what the person proved in this session, oldest first."""
    records = get_authentication_records(request, user)
    return [_OF_TYPES.get(row.get("type", ""), row["method"]) for row in records]


@transaction.atomic
def write_down(event: Event, user: User, methods: list[str]) -> None:
    """Record what a person did at our door. Whoever has no place here is nobody to this tenant's ledger."""
    member = place_of(user)
    if member is not None:
        record(event, by=Principal(Kind.USER, member.pk, member.name), about=member, detail={"methods": methods})
