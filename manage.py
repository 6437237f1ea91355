#!/usr/bin/env python
"""Run Django with `platform/` on the path: the folder is a source root, not a package."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent / "platform"))
    from remit.cli import main

    main()
