"""What is known of the people of a tenant beside their place: when they came, how, by what, and what is theirs."""

from datetime import datetime
from typing import TYPE_CHECKING, TypedDict

from allauth.mfa.models import Authenticator
from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Subquery, TextChoices, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agents.models import Agent, Approval
from agents.rules import LIVING
from audit.events import Event
from audit.models import Entry
from tenants.invitation import Invitation
from tenants.models import Membership
from tenants.roles import Act, who_may
from trust.models import SubjectLink, TrustedIssuer

if TYPE_CHECKING:  # The stubs are not installed where the product runs.
    from django_stubs_ext import WithAnnotations

    KnownMember = WithAnnotations[Membership, "Facts"]


class Factor(TextChoices):
    """The strongest thing that a person proves besides a password."""

    PASSKEY = "passkey", _("Passkey")
    APP = "app", _("Authenticator app")
    NONE = "none", _("None")


class CameBy(TextChoices):
    """How a person came to have a place here."""

    INVITED = "invited", _("By invitation")
    COMPANY = "company", _("By the company's provider")
    HAND = "hand", _("By hand")


class Facts(TypedDict):
    last_signed_in_at: datetime | None
    factor: str
    came_by: str
    agents_owned: int
    approvals_open: int | None


def with_facts(rows: "QuerySet[Membership]") -> "QuerySet[KnownMember]":
    """Add what a list says of each person, in the statement that reads them."""
    return rows.select_related("user").annotate(
        last_signed_in_at=last_sign_in(),
        factor=factor(),
        came_by=came_by(),
        agents_owned=_owned(),
        approvals_open=_open_for_deciders(),
    )


def last_sign_in() -> Subquery:
    """When a person last signed in here, by the ledger: sign-ins themselves are forgotten with their sessions."""
    return Subquery(_sign_ins().order_by("-pk").values("at")[:1])


def signed_in_since(moment: datetime) -> Exists:
    return Exists(_sign_ins().filter(at__gte=moment))


def has_factor(kind: Authenticator.Type) -> Exists:
    return Exists(Authenticator.objects.filter(user=OuterRef("user"), type=kind))


def factor() -> Case:
    has_passkey, has_app = has_factor(Authenticator.Type.WEBAUTHN), has_factor(Authenticator.Type.TOTP)
    found = (When(has_passkey, then=Value(Factor.PASSKEY.value)), When(has_app, then=Value(Factor.APP.value)))
    return Case(*found, default=Value(Factor.NONE.value), output_field=CharField())


def came_by() -> Case:
    """Whom a provider's word made a member came by it; whoever took an invitation was invited."""
    new = SubjectLink.objects.filter(member=OuterRef("pk"), how=TrustedIssuer.Mapping.NEW_MEMBER)
    # Not by the row, but all at once: no index has the addresses of invitations that were taken.
    taken = Invitation.objects.filter(accepted_at__isnull=False).values("email")
    by_company = When(Exists(new), then=Value(CameBy.COMPANY.value))
    invited = When(user__email__in=taken, then=Value(CameBy.INVITED.value))
    return Case(by_company, invited, default=Value(CameBy.HAND.value), output_field=CharField())


def owns() -> Exists:
    return Exists(_agents())


def _sign_ins() -> "QuerySet[Entry]":
    # Through the tenant of the row that is asked about, so that a list can be made before any tenant is current.
    mine = Entry.unscoped.filter(tenant_id=OuterRef("tenant_id"), about_kind="membership", about_id=OuterRef("pk"))
    return mine.filter(event=Event.SIGNED_IN)


def _agents() -> "QuerySet[Agent]":
    return Agent.objects.filter(owner=OuterRef("pk"), status__in=LIVING).order_by()


def _owned() -> Coalesce:
    return Coalesce(Subquery(_agents().values("owner").annotate(number=Count("pk")).values("number")), 0)


def _open_for_deciders() -> Case:
    """How many questions wait for a person; none at all for whoever decides on nothing."""
    waiting = Approval.objects.filter(status=Approval.Status.WAITING).order_by().values("tenant")
    number = Coalesce(Subquery(waiting.annotate(number=Count("pk")).values("number")), 0)
    decides = who_may(Act.APPROVALS_DECIDE, now=timezone.now()) & Q(status=Membership.Status.ACTIVE)
    return Case(When(decides, then=number), default=None)
