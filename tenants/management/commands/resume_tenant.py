"""`manage.py resume_tenant <slug>`: serve an organisation again that its admins paused, where none of them gets in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from audit.principals import SYSTEM
from tenants import pausing
from tenants.errors import NotActive
from tenants.models import Tenant


class Command(BaseCommand):
    help = "Resume a tenant that its admins paused."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["slug"]).first()
        if tenant is None:
            raise CommandError(f"{options['slug']}: there is no such tenant")
        try:
            pausing.resume_tenant(tenant, by=SYSTEM)
        except NotActive as error:
            raise CommandError(f"{options['slug']}: it is not paused") from error
        self.stdout.write(f"{tenant.issuer} is served again")
