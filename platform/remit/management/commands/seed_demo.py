"""`manage.py seed_demo`: the demonstration's tenants, people and resource servers."""

from typing import Any

from django.core.management.base import BaseCommand

from remit import demo


class Command(BaseCommand):
    help = "Make the demonstration's data; running it again changes nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        demo.seed()
