"""`remit`: manage.py for an installed copy."""

import os
import sys
from pathlib import Path

from django.core.management import execute_from_command_line

from remit.local import ensure_secrets


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "remit.settings")
    if sys.argv[1:2] == ["up"]:
        ensure_secrets(Path(__file__).resolve().parents[2] / "var")
    execute_from_command_line(sys.argv)
