"""The one letter that this package sends: an invitation. It alone carries the secret."""

from django.core.mail import send_mail
from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from kit import languages
from tenants.directory import current
from tenants.invitation import Invitation
from tenants.models import User


def invite_by_mail(invitation: Invitation, secret: str) -> None:
    """Send an invitation to its address; opening the link does nothing yet.

    Whoever is known reads it in their language, and whoever is new in the tenant's, or else in their inviter's.
    """
    known = User.objects.own(invitation.email)
    usual = current().language or translation.get_language() or ""
    with languages.reading(known.reads if known and known.reads else usual):
        subject, words = _letter(invitation, secret)
    send_mail(subject, words, None, [invitation.email])


def _letter(invitation: Invitation, secret: str) -> tuple[str, str]:
    tenant, until = current(), date_format(invitation.expires_at, _("j F Y"))
    who = invitation.invited_by.name or invitation.invited_by.email
    lines = (
        _("%(person)s invites you to %(tenant)s.") % {"person": who, "tenant": tenant.name},
        _("Take your place there: %(url)s") % {"url": f"{tenant.issuer}/invitation/{secret}"},
        _("The link works once, until %(day)s. If you did not expect it, do nothing.") % {"day": until},
    )
    return _("Your place at %(tenant)s") % {"tenant": tenant.name}, "\n\n".join(lines) + "\n"
