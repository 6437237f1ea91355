"""`manage.py fix_setting <setting> [<value>] --tenant <slug>`: say what a setting is, past the tenant's own admins.

Without a value it stays what it is; `--release` lets admins change it again. Without `--tenant` it is done to each that
is there; whoever opens another one says it of that.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from audit.principals import SYSTEM
from tenants import fixing, history
from tenants.errors import TenantError
from tenants.models import Tenant
from tokens import stops


class Command(BaseCommand):
    help = "Fix a setting of one tenant or of all, so that their admins cannot change it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("setting")
        parser.add_argument("value", nargs="?", help="as the activity shows it: yes, 300, a.example, b.example")
        parser.add_argument("--tenant", metavar="SLUG")
        parser.add_argument("--release", action="store_true")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        tenants = Tenant.objects.exclude(status=Tenant.Status.DELETED).order_by("slug")
        found = list(tenants.filter(slug=options["tenant"]) if options["tenant"] else tenants)
        if not found:
            raise CommandError(f"{options['tenant'] or 'no tenant'}: there is no such tenant")
        for tenant in found:
            self._do(tenant, options["setting"], options["value"], is_released=options["release"])

    def _do(self, tenant: Tenant, setting: str, value: str | None, *, is_released: bool) -> None:
        try:
            if is_released:
                fixing.release(tenant, setting, by=SYSTEM)
            else:
                fixing.fix(tenant, setting, by=SYSTEM)
            if value is not None:
                stops.change_policy(tenant, by=SYSTEM, **{setting: history.said(setting, value)})
        except TenantError as error:
            raise CommandError(f"{tenant.slug}: {error}") from error
        self.stdout.write(f"{tenant.slug}: {setting} is {'free' if is_released else 'fixed'}")
