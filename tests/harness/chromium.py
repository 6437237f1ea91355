"""Real Chromium. Where it is missing, tests that need it fail: nothing is skipped."""

import os
import shutil
from typing import Any

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def options() -> dict[str, Any]:
    """Return how to launch the browser of this computer."""
    path = os.environ.get("REMIT_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    assert path, "Chromium is missing (Debian: apt-get install chromium)"
    return {"executable_path": path, "args": ARGUMENTS}
