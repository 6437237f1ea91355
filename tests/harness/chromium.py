"""Real Chromium. Where it is missing, tests that need it fail: nothing is skipped."""

import os
import shutil
from typing import Any

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WHOLE = ("chromium", "chromium-browser")
SHELL = "chromium-headless-shell"
"""The same Chromium without a window's frame around its pages, in half the time; Debian has it as a package."""


def options(*, is_shell_enough: bool = False) -> dict[str, Any]:
    """Return how to launch the browser of this computer; what looks at single pages needs no more than the shell."""
    names = (SHELL, *WHOLE) if is_shell_enough else WHOLE
    path = os.environ.get("REMIT_TEST_CHROMIUM") or next(filter(None, map(shutil.which, names)), None)
    assert path, "Chromium is missing (Debian: apt-get install chromium)"
    return {"executable_path": path, "args": ARGUMENTS}
