"""`manage.py keys reseal`: seal everything at rest under the first sealing key. It may be stopped, and run again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from kit.progress import bar
from remit import resealing


class Command(BaseCommand):
    help = "Seal private keys, authenticator secrets and software statements under the first sealing key."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=["reseal"])

    def handle(self, *args: Any, **options: Any) -> None:
        progress = resealing.Progress()
        with bar("Sealing anew", resealing.count_due()) as seen:
            for progress in resealing.reseal():  # noqa: B007 - Said when it is over.
                seen(1)
        left = resealing.count_due()
        self.stdout.write(f"{progress.done} of {progress.due} sealed anew, {left} left")
        if left:
            raise CommandError(f"{left} cannot be opened, or changed meanwhile: keep the old keys, and run it again")
