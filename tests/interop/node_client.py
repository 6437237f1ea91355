"""A client of the npm registry in a process of its own, told what to do line by line (tests/interop/node/lines.mjs)."""

import functools
import json
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.settings import FOLDER

HERE = Path(__file__).resolve().parent / "node"
LOG = FOLDER / "node.log"
PATIENCE = 30
OLDEST = 20


class Refused(Exception):
    """What was asked for came to nothing; `word` is the error code, or the client's own name for it."""

    def __init__(self, word: str, because: str) -> None:
        super().__init__(f"{word}: {because}")
        self.word = word


class NodeClient:
    """One script of tests/interop/node at work."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, do: str, **words: Any) -> dict[str, Any]:
        """Return what the client answers; raises Refused."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps({"do": do, **words}), file=self._process.stdin, flush=True)
        ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
        line = self._process.stdout.readline() if ready else ""
        assert line, f"no answer to {do!r}: {LOG.read_text()[-2000:]}"
        answer: dict[str, Any] = json.loads(line)
        if "refused" in answer:
            raise Refused(answer["refused"], answer["because"])
        return answer


@functools.cache
def missing() -> str:
    """Say what these clients lack on this computer, or nothing."""
    node = shutil.which("node")
    version = subprocess.check_output([node, "--version"], text=True) if node else "v0"
    if int(version.removeprefix("v").partition(".")[0]) < OLDEST:
        return f"no node {OLDEST} or newer"
    asked = json.loads((HERE / "package.json").read_text())["dependencies"]
    if not all((HERE / "node_modules" / name).is_dir() for name in asked):
        return "no packages of the npm registry (make test puts them there)"
    return ""


@contextmanager
def running(script: str) -> Iterator[NodeClient]:
    """Run a script until the block ends."""
    with (
        LOG.open("ab") as log,
        subprocess.Popen(
            ["node", f"{script}.mjs"], cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        ) as process,
    ):
        try:
            yield NodeClient(process)
        finally:
            process.terminate()
