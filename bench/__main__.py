"""`python -m bench`: measure everybody and keep the table. `python -m bench profile <operation>`: where our time goes.
`python -m bench growth`: what our operations cost in a database that others filled before; it keeps its table, too.
`python -m bench pages`: what the console's pages take in the demonstration's large tenant.

`OPERATIONS="secret code"` and `ROUNDS=2` make a short run, which prints its table and keeps nothing. For growth:
`SIZES="1000 10000"`, `REQUESTS=20`, `ROUNDS=2`. For pages: `TIMES=3`.
"""

import os
import sys
import tempfile
from contextlib import ExitStack
from datetime import date
from pathlib import Path

from bench import contestants, database, growth, machine, method, pages, table, tools
from bench.operations import BY_NAME, OPERATIONS, Operation, named
from bench.running import Cores, Running, running, set_up

ROUNDS = 4
ALONE = (["growth"], ["pages"])
"""What needs no other server."""
PROFILED = 500
"""Requests under the profiler, and as many without it before."""


def main() -> int:
    """Return 0 when something was measured."""
    if hint := tools.elsewhere() if sys.argv[1:] in ALONE else tools.missing():
        method.say(hint)
        return 1
    with database.alone() as is_alone:
        if not is_alone:
            method.say("Another run of make bench is using this PostgreSQL.")
            return 1
        return _obey()


def _obey() -> int:
    match sys.argv[1:]:
        case []:
            return _bench(named(os.environ.get("OPERATIONS", "")), int(os.environ.get("ROUNDS") or ROUNDS))
        case ["profile", operation] if operation in BY_NAME:
            return _profile(operation)
        case ["growth"]:
            growth.run(core=_cores().server)
            return 0
        case ["pages"]:
            pages.run(core=_cores().server)
            return 0
        case _:
            method.say(f"{__doc__}Operations: {' '.join(BY_NAME)}")
            return 2


def _bench(operations: tuple[Operation, ...], rounds: int) -> int:
    has_node = tools.can_run_node()
    makers = [contestants.ours, contestants.toolkit, *([contestants.node] if has_node else [])]
    with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
        folder = Path(scratch)
        servers = [stack.enter_context(running(make(folder), _cores(), folder)) for make in makers]
        method.warm_up(servers)
        results = [(operation, method.measure(servers, operation, rounds=rounds)) for operation in operations]
        held = _memory(servers)
    where = machine.described(today=date.today(), rounds=rounds, node=machine.node() if has_node else "")
    written = [where, table.table(results), held]
    sys.stdout.write("\n\n".join([*written, ""]))
    if not all("ours" in costs for _, costs in results):
        return 1
    is_whole = operations == OPERATIONS and rounds >= ROUNDS and has_node
    if is_whole:
        table.DOCUMENT.write_text(table.rewrite(table.DOCUMENT.read_text(), written))
    method.say("Kept in docs/performance.md." if is_whole else "A short run: printed, and not kept.")
    return 0


def _memory(servers: list[Running]) -> str:
    held = {server.contestant.title: server.memory() for server in servers}
    return table.memory(held, requests={server.contestant.title: server.answered for server in servers})


def _profile(operation: str) -> int:
    with tempfile.TemporaryDirectory() as scratch:
        ours = contestants.ours(Path(scratch))
        with set_up(ours) as call:
            core = str(_cores().server)
            command = (sys.executable, "-m", "bench.ours", "profile", operation, str(PROFILED))
            sys.stdout.write(call(("taskset", "--cpu-list", core, *command)))
    return 0


def _cores() -> Cores:
    return Cores(*sorted(os.sched_getaffinity(0))[:2])


if __name__ == "__main__":
    sys.exit(main())
