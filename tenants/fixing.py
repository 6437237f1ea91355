"""Settings that whoever runs the installation fixes: what they are stands with the tenant, and admins read it."""

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from audit.events import Event
from audit.ledger import JsonValue, record
from audit.principals import Principal
from kit import context
from tenants import directory
from tenants.actions import POLICY
from tenants.errors import BadSetting
from tenants.models import Tenant


@transaction.atomic
def fix(tenant: Tenant, setting: str, *, by: Principal) -> None:
    """Let no admin change a setting any more; it stays what it is. Raises BadSetting for none."""
    _hold(tenant, setting, Event.SETTING_FIXED, is_fixed=True, by=by)


@transaction.atomic
def release(tenant: Tenant, setting: str, *, by: Principal) -> None:
    """Let admins change a setting again; raises BadSetting for none."""
    _hold(tenant, setting, Event.SETTING_RELEASED, is_fixed=False, by=by)


def _hold(tenant: Tenant, setting: str, event: Event, *, is_fixed: bool, by: Principal) -> None:
    if setting not in POLICY:
        raise BadSetting(setting, _("There is no such setting: %(words)s.") % {"words": setting})
    held = Tenant.objects.select_for_update().get(pk=tenant.pk)
    fixed = sorted({*held.fixed, setting} if is_fixed else {*held.fixed} - {setting})
    if fixed == held.fixed:
        return
    Tenant.objects.filter(pk=held.pk).update(fixed=fixed, version=F("version") + 1)
    detail: dict[str, JsonValue] = {"setting": setting}
    with context.use(held):
        record(event, by=by, about=held, detail=detail)
    transaction.on_commit(directory.forget_all)
