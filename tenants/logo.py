"""The verbs of a tenant's logo: what somebody sends is drawn anew, kept small, and told apart by its digest."""

import hashlib

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from audit.events import Event
from audit.ledger import record
from audit.principals import Principal
from kit import context, picture
from kit.picture import BadPicture
from tenants import directory
from tenants.emblem import Emblem
from tenants.errors import Unusable
from tenants.models import Tenant

LARGEST = 32 * 1024
"""Bytes of a picture that is taken."""
SIDE = 128


def set_logo(tenant: Tenant, raw: bytes, *, by: Principal) -> None:
    """Take a picture for the tenant's logo; raises Unusable. SVG is a document, and never one."""
    if len(raw) > LARGEST:
        raise Unusable(_("The picture is too large: %(most)s KB at most.") % {"most": LARGEST // 1024})
    try:
        png = picture.as_png(raw, side=SIDE)
    except BadPicture as flaw:
        raise Unusable(_("That is no picture that we take. Send a PNG, JPEG, GIF or WebP.")) from flaw
    _keep(tenant, png, by=by)


def remove_logo(tenant: Tenant, *, by: Principal) -> None:
    """Show the tenant's initials again."""
    _keep(tenant, b"", by=by)


def of(tenant: Tenant, name: str) -> bytes:
    """Return the present logo as PNG, by the name that stands in its address; nothing for every other name."""
    if not name or name != tenant.logo:
        return b""
    kept = Emblem.objects.first()
    return bytes(kept.png) if kept is not None and _name(bytes(kept.png)) == name else b""


@transaction.atomic
def _keep(tenant: Tenant, png: bytes, *, by: Principal) -> None:
    with context.use(tenant):
        held = Tenant.objects.select_for_update().get(pk=tenant.pk)
        name = _name(png)
        if name == held.logo:
            return
        if png:
            Emblem.objects.update_or_create(defaults={"png": png})
        else:
            Emblem.objects.all().delete()
        Tenant.objects.filter(pk=held.pk).update(logo=name, version=F("version") + 1)
        record(Event.TENANT_LOGO_CHANGED, by=by, about=held, detail={"before": held.logo, "after": name})
    transaction.on_commit(directory.forget_all)


def _name(png: bytes) -> str:
    return hashlib.sha256(png).hexdigest()[:16] if png else ""
