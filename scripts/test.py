"""Run the whole suite on PostgreSQL, then what SQLite can show; say how many tests passed and which were left out.

SQLite plays each sentence once: parameters are other inputs of the same words, which PostgreSQL was asked already.
`REMIT_TEST_ALL=1` plays it with all of them.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
NOT_ON_SQLITE = "not browser and not interop and not faults and not postgresql and not once"
SENTENCES = () if os.environ.get("REMIT_TEST_ALL") else ("--sentences",)


@dataclass(frozen=True, slots=True)
class Run:
    """One pass of the suite over one database."""

    label: str
    database: str
    selection: tuple[str, ...] = ()


RUNS = (
    Run("PostgreSQL", "postgresql"),
    Run("SQLite", "sqlite", ("-m", NOT_ON_SQLITE, *SENTENCES)),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What pytest answered, and what it counted: a run that counted nothing is no success, whatever it answered."""

    status: int
    passed: int = 0
    failed: int = 0
    left_out: tuple[str, ...] = ()

    @property
    def is_success(self) -> bool:
        return self.status == 0 and self.passed > 0 and self.failed == 0

    def __str__(self) -> str:
        if not self.passed + self.failed:
            return f"no count (pytest ended with status {self.status})"
        skipped = f", {len(self.left_out)} skipped" if self.left_out else ""
        return "\n".join([f"{self.passed} passed, {self.failed} failed{skipped}", *self.left_out])


def run(which: Run, report: Path) -> Outcome:
    # A test waits for the server, a browser or a process for a good part of its time: one more than there are cores.
    workers = str((os.cpu_count() or 1) + 1)
    spread = ["-n", workers, "--dist", "loadgroup"]
    command = [sys.executable, "-m", "pytest", *spread, f"--junitxml={report}", *which.selection]
    environment = os.environ | {"REMIT_TEST_DATABASE": which.database}
    status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603 (our own words)
    return read(report, status)


def read(report: Path, status: int) -> Outcome:
    """Count from the report, not from the screen: the screen keeps its colours and nobody parses prose."""
    if not report.exists():
        return Outcome(status)
    passed = failed = 0
    left_out = []
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 (pytest wrote it a second ago)
        verdicts = {verdict.tag: verdict for verdict in case}
        if verdicts.keys() & {"failure", "error"}:
            failed += 1
        elif "skipped" in verdicts:
            left_out.append(f"  left out: {case.get('name')}: {verdicts['skipped'].get('message')}")
        else:
            passed += 1
    return Outcome(status, passed, failed, tuple(left_out))


def main() -> int:
    with TemporaryDirectory() as scratch:
        outcomes = {which.label: run(which, Path(scratch) / f"{which.database}.xml") for which in RUNS}
    print()
    for label, outcome in outcomes.items():
        print(f"{label}: {outcome}")
    return 0 if all(outcome.is_success for outcome in outcomes.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
