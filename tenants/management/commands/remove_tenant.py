"""`manage.py remove_tenant <slug> --name … --reason …`: let a paused organisation be as if it never was."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.principals import SYSTEM
from tenants import pausing
from tenants.errors import NotActive, Unusable
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Remove a tenant for good, after its admins or you paused it. No command takes that back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("--name", required=True, help="What it is called, as a proof that it is this one.")
        parser.add_argument("--reason", required=True, help="Kept in its ledger.")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["slug"]).first()
        if tenant is None:
            raise CommandError(f"{options['slug']}: there is no such tenant")
        try:
            pausing.remove_tenant(tenant, by=SYSTEM, name=options["name"], reason=options["reason"])
        except Unusable as error:
            raise CommandError(f"{options['slug']}: {error}") from error
        except NotActive as error:
            raise CommandError(f"{options['slug']}: it is not paused; an admin pauses it under Settings") from error
        self.stdout.write(f"{tenant.issuer} is no more")
