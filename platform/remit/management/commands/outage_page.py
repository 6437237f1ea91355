"""`manage.py outage_page 502 > 502.html`: the page that a proxy serves while nobody here answers. It asks nobody."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from remit import outage_pages


class Command(BaseCommand):
    help = "Print the page of an outage as one file, for the proxy in front."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("status", type=int, choices=outage_pages.STATUSES)

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(outage_pages.filed(options["status"]), ending="")
