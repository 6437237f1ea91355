"""`manage.py audit verify`: walk every tenant's chain, say what holds, exit 1 at the first break."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit import ledger
from audit.models import Entry, Seal
from kit.progress import bar


class Command(BaseCommand):
    help = "Verify the audit ledger's hash chains."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["verify"])

    def handle(self, *args: Any, **options: Any) -> None:
        using = settings.OPERATOR_ALIAS
        tenants = Entry.unscoped.using(using).values_list("tenant_id", flat=True).distinct().order_by()
        broken = []
        for tenant_id in sorted(tenants):
            seals = Seal.unscoped.using(using).filter(tenant_id=tenant_id).count()
            with bar(tenant_id, seals) as seen:
                finding = ledger.verify(tenant_id, using=using, seen=seen)
            if finding.broken_at is not None:
                broken.append(tenant_id)
                self.stdout.write(f"{tenant_id}: BROKEN at {finding.broken_at}: {finding.why}")
            else:
                self.stdout.write(f"{tenant_id}: {finding.sealed} sealed, {finding.unsealed} not sealed yet")
        if broken:
            raise CommandError(f"{len(broken)} chain(s) are broken", returncode=1)
