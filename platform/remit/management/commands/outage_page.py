"""`manage.py outage_page 502 > 502.html`: the page that a proxy serves while nobody here answers. It asks nobody."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kit import uris
from remit import outage_pages


class Command(BaseCommand):
    help = "Print the page of an outage as one file, for the proxy in front."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("status", type=int, choices=outage_pages.STATUSES)
        parser.add_argument("--status-page", default="", metavar="URL", help="where you say how the service is doing")

    def handle(self, *args: Any, **options: Any) -> None:
        status_page = options["status_page"]
        if status_page and not (uris.is_plain(status_page) and status_page.startswith("https://")):
            raise CommandError("--status-page is an https address")
        self.stdout.write(outage_pages.filed(options["status"], status_page=status_page), ending="")
