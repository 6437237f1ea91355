"""`python -m bench.ours set_up`, `… prepare <operation> <count> <file>`, `… profile <operation> <count>`,
`… gather <size>`, `… growth <requests>`, `… pages <times>`.
"""

import json
import sys
from pathlib import Path

import django

django.setup()

from bench.ours import crowd, growth, pages, prepare, profile, set_up  # noqa: E402 - models need loaded apps

match sys.argv[1:]:
    case ["set_up"]:
        set_up.main()
    case ["prepare", operation, count, file]:
        prepare.prepare(operation, int(count)).write(Path(file))
    case ["profile", operation, count]:
        sys.stdout.write(profile.profile(operation, int(count)))
    case ["gather", size]:
        sys.stdout.write(crowd.gather(int(size)))
    case ["growth", requests]:
        sys.stdout.write(json.dumps(growth.measure(int(requests))))
    case ["pages", times]:
        sys.stdout.write(json.dumps(pages.measure(int(times))))
    case _:
        sys.exit(__doc__)
