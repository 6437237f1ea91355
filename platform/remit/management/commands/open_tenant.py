"""`manage.py open_tenant <slug> <name> --admin <e-mail>`: serve one more organisation.

The first admin's password is made here and printed once; there is no other way to learn it.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from audit.principals import SYSTEM
from kit import context, opaque
from tenants import actions, members
from tenants.errors import SlugTaken
from tenants.models import Membership, User
from tokens.opening import open_tenant


class Command(BaseCommand):
    help = "Open a tenant, with its keys and its first admin."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("name")
        parser.add_argument("--admin", required=True, metavar="E-MAIL")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        try:
            tenant = open_tenant(options["slug"], options["name"], by=SYSTEM)
        except (SlugTaken, ValueError) as error:
            raise CommandError(f"{options['slug']}: {error}") from error
        email = options["admin"].lower()
        known = User.objects.own(email)
        password = "" if known is not None and known.has_usable_password() else opaque.make()
        with context.use(tenant):
            user = members.introduce(email, "", password) if password else known
            assert user is not None
            actions.add_member(user, Membership.Role.ADMIN, by=SYSTEM)
        self.stdout.write(f"issuer    {tenant.issuer}")
        self.stdout.write(f"admin     {email}" + (f"\npassword  {password}" if password else " (keeps their password)"))
