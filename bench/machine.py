"""The machine and the versions of a run, in words."""

import os
import platform
import re
import subprocess
from datetime import date
from importlib.metadata import version
from pathlib import Path

import psycopg

from bench.database import SUPERUSER


def described(*, today: date, rounds: int, node: str) -> str:
    """Return one sentence; `node` is what Node.js says of itself, or "" where it took no part."""
    packages = {"Django": "django", "django-oauth-toolkit": "django-oauth-toolkit", "granian": "granian"}
    versions = [
        f"Python {platform.python_version()}",
        *(f"{name} {version(package)}" for name, package in packages.items()),
        *([f"Node.js {node}", f"oidc-provider {_locked('oidc-provider')}"] if node else []),
        f"PostgreSQL {_postgresql()}",
    ]
    return f"{today:%-d %B %Y}, medians of {rounds} rounds. {_processor()}; {', '.join(versions)}."


def node() -> str:
    """Return the version of Node.js on the PATH, or ""."""
    try:
        said = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False).stdout
    except FileNotFoundError:
        return ""
    return said.strip().removeprefix("v")


def _processor() -> str:
    said = Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*: (.+)$", said, re.MULTILINE)
    speed = re.search(r"^cpu MHz\s*: ([\d.]+)$", said, re.MULTILINE)
    name = re.sub(r"\((R|TM)\)| (CPU|Processor)\b.*", "", model[1]).strip() if model else platform.machine()
    clock = f" at {float(speed[1]) / 1000:.1f} GHz" if speed else ""
    return f"{os.cpu_count()} cores ({name}{clock})"


def _locked(package: str) -> str:
    lock = (Path(__file__).parent / "peers" / "node" / "package.json").read_text()
    found = re.search(rf'"{package}": "([^"]+)"', lock)
    return found[1] if found else "?"


def _postgresql() -> str:
    with psycopg.connect(SUPERUSER) as connection:
        number = connection.info.server_version
    return f"{number // 10000}.{number % 10000}"
