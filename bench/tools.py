"""What a run needs beside Python: wrk, PostgreSQL on this machine, two cores, and Node.js for the peer that is one."""

import os
import shutil
import subprocess
from pathlib import Path

from bench import database, machine
from bench.contestants import NODE
from bench.method import say

NEEDED = 22
"""The oldest major version of Node.js that oidc-provider supports."""


def missing() -> str:
    """Return the one line that says what to get before anything can be measured, or ""."""
    if not shutil.which("wrk"):
        return "make bench needs wrk on the PATH. On Debian and Ubuntu: apt-get install wrk"
    if len(os.sched_getaffinity(0)) < 2:
        return "make bench needs two cores: one for the server, one for the load and PostgreSQL."
    return elsewhere()


def elsewhere() -> str:
    """Return the one line that says that PostgreSQL is not where its CPU can be counted, or ""."""
    if not all(Path(f"/proc/{pid}").exists() for pid in database.shared()):
        return "The bench counts the CPU of PostgreSQL: it must run on this machine (REMIT_TEST_POSTGRESQL_URL)."
    return ""


def can_run_node() -> bool:
    """Say whether node-oidc-provider can be measured, once its packages are installed; if not, how to get there."""
    if not (version := machine.node()) or not shutil.which("npm"):
        say("No Node.js: node-oidc-provider is left out. On Debian and Ubuntu: apt-get install nodejs npm")
        return False
    if int(version.partition(".")[0]) < NEEDED:
        say(f"Node.js {version} is older than oidc-provider supports ({NEEDED}): its figures may be too high.")
    _install()
    return True


def _install() -> None:
    """Install what the lock file names, unless that is done."""
    lock, done = NODE / "package-lock.json", NODE / "node_modules" / ".package-lock.json"
    if done.exists() and done.stat().st_mtime >= lock.stat().st_mtime:
        return
    subprocess.run(["npm", "ci", "--no-audit", "--no-fund"], cwd=NODE, check=True, stdout=subprocess.DEVNULL)
