"""`manage.py seed_demo`: the demonstration's tenants, people and resource servers; `--large`: one with much in it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from remit import demo, demo_large


class Command(BaseCommand):
    help = "Make the demonstration's data; running it again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--large", action="store_true", help="make a tenant of 50 agents, 2,000 people and 10,000 delegations too"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        demo.seed()
        if options["large"]:
            demo_large.seed()
