"""`python -m bench.peers.dot set_up`, and `… prepare <operation> <count> <file>`."""

import sys
from pathlib import Path

import django

django.setup()

from django.core.management import call_command  # noqa: E402 - models need loaded apps

from bench.peers.dot import prepare  # noqa: E402

match sys.argv[1:]:
    case ["set_up"]:
        call_command("migrate", verbosity=0)
        prepare.set_up()
    case ["prepare", operation, count, file]:
        prepare.prepare(operation, int(count)).write(Path(file))
    case _:
        sys.exit(__doc__)
