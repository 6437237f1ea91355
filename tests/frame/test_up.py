"""`manage.py up` by a stranger, in a copy of the tree of their own."""

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from tests.harness import server

pytestmark = [pytest.mark.faults, pytest.mark.xdist_group("a stranger's copy")]
PATIENCE = 60


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """A copy of what git knows and of what is new: no state, no secrets."""
    folder = tmp_path_factory.mktemp("clone")
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=server.ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in listed.stdout.splitlines():
        source, target = server.ROOT / name, folder / name
        if source.is_file() and not name.startswith(("var/", "tests/")):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return folder


def _environment(port):
    mine = {name: value for name, value in os.environ.items() if not name.startswith(("REMIT_", "DJANGO_", "PYTHON"))}
    return {**mine, "REMIT_PUBLIC_ORIGIN": f"http://localhost:{port}"}


def _heed_interrupts():
    # A shell lets what it starts in the background ignore Ctrl-C, and so would everything below.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Up:
    """A running `manage.py up`."""

    def __init__(self, clone):
        self.port = server.free_port()
        self.output = clone / "output.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up"], cwd=clone, env=_environment(self.port), stdout=output,
                stderr=subprocess.STDOUT, preexec_fn=_heed_interrupts,
            )  # fmt: skip
        self._wait()
        self.family = _descendants(self.process.pid)

    def _wait(self):
        for _ in range(PATIENCE * 10):
            assert self.process.poll() is None, self.output.read_text()
            try:
                if self.get("/livez").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.1)
        raise AssertionError(self.output.read_text())

    def get(self, path):
        return httpx.get(f"http://localhost:{self.port}{path}", timeout=5)

    def stop(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.process.wait(timeout=15)

    def left_behind(self):
        """Return who of its family still runs after a moment's grace."""
        for _ in range(20):
            left = [pid for pid in self.family if _is_running(pid)]
            if not left:
                break
            time.sleep(0.1)
        return left


def _descendants(pid):
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found[1:]


def _is_running(pid):
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def up(clone):
    running = Up(clone)
    yield running
    if running.process.poll() is None:
        running.stop()
    for pid in running.left_behind():
        os.kill(pid, signal.SIGKILL)


def _rows(clone):
    """Count the rows of every table but those of the clock and of people who came by."""
    with sqlite3.connect(clone / "var" / "remit.sqlite3") as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        moving = {"audit_lease", "audit_seal", "django_session", "sqlite_sequence"}
        counts = {n: database.execute(f'SELECT count(*) FROM "{n}"').fetchone()[0] for n in sorted(set(names) - moving)}
    database.close()
    return counts


def _mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_stranger_is_up_with_secrets_of_their_own_and_ten_lines(clone, up):
    var = clone / "var"
    assert {_mode(var / name) for name in ("secret_key", "sealing_keys")} == {0o600}
    assert _mode(var) == 0o700
    assert len((var / "secret_key").read_text()) >= 50

    assert up.get("/readyz").json().get("problems", []) in ([], ["clock"])
    issuer = f"http://localhost:{up.port}/t/acme"
    assert up.get("/t/acme/.well-known/openid-configuration").json()["issuer"] == issuer
    assert up.get("/t/acme/login").status_code == 200
    assert up.get("/static/ui/ui.css").status_code == 200

    printed = up.output.read_text().splitlines()
    assert 1 <= len(printed) <= 10, printed
    assert any(f"http://localhost:{up.port}" in line for line in printed)
    secrets = [(var / name).read_text() for name in ("secret_key", "sealing_keys")]
    assert not [line for line in printed for secret in secrets if secret in line]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_it_stops_cleanly_and_leaves_nobody_behind(up, number):
    assert len(up.family) >= 2
    before = up.output.read_text()

    assert up.stop(number) == 0

    assert up.left_behind() == []
    assert up.output.read_text() == before
    with pytest.raises(httpx.TransportError):
        up.get("/livez")


def test_a_second_start_changes_nothing(clone, up):
    up.stop()
    var = clone / "var"
    secrets = [(var / name).read_text() for name in ("secret_key", "sealing_keys")]
    rows = _rows(clone)
    assert rows["tenants_tenant"] == 2
    again = Up(clone)
    again.stop()
    assert again.left_behind() == []
    assert _rows(clone) == rows
    assert [(var / name).read_text() for name in ("secret_key", "sealing_keys")] == secrets


def test_a_child_that_dies_ends_the_other_and_is_an_error(up):
    os.kill(up.family[0], signal.SIGKILL)
    assert up.process.wait(timeout=20) == 1
    assert up.left_behind() == []


def test_a_port_that_is_taken_is_an_error_and_not_a_silence(clone, up):
    taken = subprocess.run(
        [sys.executable, "manage.py", "up"], cwd=clone, env=_environment(up.port), capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert taken.returncode == 1
    assert f"Port {up.port} is taken" in taken.stderr
    assert up.get("/livez").status_code == 200
