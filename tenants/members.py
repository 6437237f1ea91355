"""The verbs of people's places: invite, join, give a role, remove.

A tenant keeps an admin, and nobody raises themselves: both are judged while the tenant's row is held, so that two
people who lower each other at the same moment do it one after the other.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from allauth.mfa.models import Authenticator
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext as _

from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import SYSTEM, Kind, Principal
from kit import context, opaque
from tenants import roles, rules
from tenants.actions import as_read, set_groups, suspend_member
from tenants.errors import IdentifierTaken, LastAdmin, NotActive, NotYours, Stale, Unusable
from tenants.invitation import Invitation
from tenants.models import Membership, Tenant, User

LIFE = timedelta(days=7)
BATCH = 500
Tell = Callable[[Invitation, str], None]


@transaction.atomic
def invite(email: str, role: str, *, by: Membership, tell: Tell) -> Invitation:
    """Keep a place for an address; `tell` sends the secret once it is written. An older invitation ends.

    Raises Unusable, NotYours, or IdentifierTaken for somebody who has a place.
    """
    address = email.strip().lower()
    validate_email(address)
    rules.check_may_give(_again(by), None, role)
    if Membership.objects.filter(user__email=address, status=Membership.Status.ACTIVE).exists():
        raise IdentifierTaken(address)
    now, secret = timezone.now(), opaque.make()
    Invitation.objects.filter(email=address, accepted_at=None, withdrawn_at=None).update(withdrawn_at=now)
    words = {"email": address, "role": role, "digest": opaque.digest(secret)}
    try:
        with transaction.atomic():
            made = Invitation.objects.create(invited_by=by, expires_at=now + LIFE, **words)
    except IntegrityError as error:
        raise IdentifierTaken(address) from error  # Somebody else invited them at the same moment.
    record(Event.MEMBER_INVITED, by=_principal(by), about=made, detail={"role": role})
    transaction.on_commit(lambda: tell(made, secret), robust=True)
    return made


@transaction.atomic
def withdraw(invitation: Invitation, *, by: Membership) -> None:
    """End an invitation that nobody took; raises NotActive."""
    open_one = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None)
    if not open_one.update(withdrawn_at=timezone.now()):
        raise NotActive(invitation.pk)
    record(Event.INVITATION_WITHDRAWN, by=_principal(by), about=invitation)


def invitation_of(secret: str, *, now: datetime) -> Invitation | None:
    """Return the open invitation that a secret stands for."""
    found = Invitation.objects.filter(digest=opaque.digest(secret), accepted_at=None, withdrawn_at=None)
    return found.filter(expires_at__gt=now).select_related("invited_by__user").first()


def known(address: str) -> User | None:
    """Return the account that takes a place here for an address; None where the person has to say who they are.

    The one that this tenant's own provider made, where its place was closed, or the person's own, with its password.
    What another tenant's provider made is not theirs, and an account without a password was never anybody's own proof.
    """
    here = (
        Membership.objects.filter(user__email=address, user__home=context.require_id()).select_related("user").first()
    )
    if here is not None:
        return here.user
    own = User.objects.own(address)
    return own if own is not None and own.has_usable_password() else None


@transaction.atomic
def join(secret: str, *, name: str, password: str, now: datetime) -> Membership:
    """Take the place that an invitation keeps; raises NotActive.

    Whoever has the secret reads mail at the address. A person who is known already (`known`) keeps their name and their
    ways to sign in: the password counts for somebody new alone.
    """
    found = invitation_of(secret, now=now)
    if found is None or not _use_up(found, now):
        raise NotActive("invitation")
    user = known(found.email) or introduce(found.email, name, password)
    member, is_new = Membership.objects.get_or_create(user=user, defaults={"role": found.role})
    if not is_new and not _reopen(member, found.role):
        raise NotActive("invitation")  # They have a place here, which no invitation changes.
    detail = {"role": found.role, "invitation": found.pk, "invited_by": found.invited_by_id}
    record(Event.MEMBER_ADDED, by=Principal(Kind.USER, member.pk, user.name), about=member, detail=detail)
    return member


@transaction.atomic
def introduce(email: str, name: str, password: str) -> User:
    """Make somebody new; whoever took a place in another tenant at the same moment is the same person.

    An account of theirs that has no password gets this one. What else opened it was added before anybody proved to read
    mail at its address, and is dropped.
    """
    try:
        with transaction.atomic():
            return User.objects.create_user(email, password, name=name)
    except IntegrityError:
        user = User.objects.select_for_update().get(email=email, home=None)
    if not user.has_usable_password():
        Authenticator.objects.filter(user=user).delete()
        user.name = name or user.name
        user.set_password(password)
        user.save(update_fields=["name", "password"])
    return user


@transaction.atomic
def give_role(
    member: Membership, role: str, *, by: Membership, until: datetime | None = None, version: int | None = None
) -> Membership:
    """Give a member another role, until a moment or without an end; a plain member's has none.

    Raises Unusable, NotYours, LastAdmin, NotActive or Stale.
    """
    _hold_tenant()
    now = Membership.objects.select_related("user").get(pk=member.pk)
    until = None if role == Membership.Role.MEMBER else until
    rules.check_may_give(_again(by), now, role, until=until)
    if until is not None and not rules.is_day(until, now=timezone.now()):
        raise Unusable(_("A role ends on a day ahead, within ten years."))
    if role != Membership.Role.ADMIN or until is not None:
        _keep_an_admin(now)
    active = Membership.objects.filter(pk=now.pk, status=Membership.Status.ACTIVE)
    said = {"role": role, "role_until": until}
    if not active.filter(**as_read(version)).update(**said, version=F("version") + 1):
        raise Stale(now) if active.exists() else NotActive(now.pk)
    record(Event.MEMBER_ROLE_CHANGED, by=_principal(by), about=now, detail=_change(now, role, until))
    return Membership.objects.select_related("user").get(pk=now.pk)


@transaction.atomic
def check_removal(member: Membership, *, by: Membership) -> Membership:
    """Return a member as they may be removed at this moment, and hold that; raises NotYours, LastAdmin or NotActive."""
    _hold_tenant()
    now = Membership.objects.select_related("user").get(pk=member.pk)
    if now.status != Membership.Status.ACTIVE:
        raise NotActive(now.pk)
    rules.check_may_give(_again(by), now, Membership.Role.MEMBER)
    _keep_an_admin(now)
    return now


@transaction.atomic
def remove(member: Membership, *, by: Membership, reason: str, version: int | None = None) -> None:
    """Close a member's place; raises NotYours, LastAdmin, NotActive or Stale."""
    now = check_removal(member, by=by)
    if not Membership.objects.filter(pk=now.pk, **as_read(version)).update(version=F("version") + 1):
        raise Stale(now)
    suspend_member(now, by=_principal(by), reason=reason)


@transaction.atomic
def follow_groups(member: Membership, groups: Sequence[str], role: str, *, by: Principal) -> None:
    """Keep the groups that a provider names, and the role that they give, or "" where they give none.

    A role that somebody here gave until a day is theirs until then: groups neither take nor lengthen it. A tenant keeps
    an admin here too: the last one stays one, whatever their groups say. While it is paused nothing of it moves: the
    provider may be why.
    """
    if _hold_tenant().status == Tenant.Status.PAUSED:
        return
    now = Membership.objects.select_related("user").get(pk=member.pk)
    if sorted(set(groups)) != sorted(now.groups):
        set_groups(now, groups, by=by)
    is_running = now.role_until is not None and now.role_until > timezone.now()
    is_so_already = role == now.role and now.role_until is None
    if not role or is_running or is_so_already:
        return
    if role != Membership.Role.ADMIN:
        try:
            _keep_an_admin(now)
        except LastAdmin:
            return
    Membership.objects.filter(pk=now.pk).update(role=role, role_until=None, version=F("version") + 1)
    record(Event.MEMBER_ROLE_CHANGED, by=by, about=now, detail=_change(now, role, None))


def end_roles_due(now: datetime, *, limit: int = BATCH) -> int:
    """Make plain members of those whose role ended and counts for nothing since, and write it down; return how many."""
    due = Membership.objects.filter(role_until__lte=now).order_by("role_until", "pk")
    return sum(_end_role(each, now) for each in due[:limit])


def _hold_tenant() -> Tenant:
    """Return the tenant, where nobody else changes roles until the commit."""
    return Tenant.objects.select_for_update().get(pk=context.require_id())


def _again(by: Membership) -> Membership:
    """Return the person as they are now: what they may do can have ended since they were let in."""
    found = Membership.objects.filter(pk=by.pk, status=Membership.Status.ACTIVE).first()
    if found is None or not roles.may(found, roles.Act.MEMBERS_WRITE):
        raise NotYours(_("Your role does not let you change people's places."))
    return found


def _keep_an_admin(member: Membership) -> None:
    """Raise LastAdmin where nobody else is one without an end: whose role ends keeps no tenant."""
    lasting = {"role": Membership.Role.ADMIN, "role_until": None}
    admins = Membership.objects.filter(**lasting, status=Membership.Status.ACTIVE, user__is_active=True)
    is_lasting = member.role == Membership.Role.ADMIN and member.role_until is None
    if is_lasting and not admins.exclude(pk=member.pk).exists():
        raise LastAdmin(_("The last admin stays one, without an end. Make somebody else an admin first."))


def _use_up(invitation: Invitation, now: datetime) -> bool:
    open_one = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None, expires_at__gt=now)
    return bool(open_one.update(accepted_at=now))


def _reopen(member: Membership, role: str) -> bool:
    closed = Membership.objects.filter(pk=member.pk, status=Membership.Status.SUSPENDED)
    return bool(closed.update(status=Membership.Status.ACTIVE, role=role, role_until=None, version=F("version") + 1))


@transaction.atomic
def _end_role(member: Membership, now: datetime) -> int:
    as_found = Membership.objects.filter(pk=member.pk, role=member.role, role_until=member.role_until)
    plain = Membership.Role.MEMBER
    changed = as_found.update(role=plain, role_until=None, version=F("version") + 1)
    if changed:
        record(Event.MEMBER_ROLE_CHANGED, by=SYSTEM, about=member, detail=_change(member, plain, None))
    return changed


def _change(member: Membership, role: str, until: datetime | None) -> dict[str, JsonValue]:
    """Return what an entry says of another role; of ends where there are any."""
    ends = {"until_before": member.role_until, "until": until}
    said = {name: moment.isoformat() for name, moment in ends.items() if moment is not None}
    return {"before": member.role, "after": role, **said}


def _principal(member: Membership) -> Principal:
    return Principal(Kind.USER, member.pk, member.name)
