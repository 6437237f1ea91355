"""Write docs/clients.md: which real clients came in by which way, as a run of the tests that play them found it."""

import json
import os
import sys
from collections import defaultdict
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "clients.md"
PACKAGES = ROOT / "tests" / "interop" / "node" / "node_modules"
SUITE = "MCP conformance suite"
FROM_PYPI = {"MCP Python SDK": "mcp", "FastMCP": "fastmcp-slim", "Authlib": "authlib"}
FROM_NPM = {
    "MCP TypeScript SDK": "@modelcontextprotocol/sdk",
    "mcp-remote": "mcp-remote",
    "openid-client": "openid-client",
    "oauth4webapi": "oauth4webapi",
    SUITE: "@modelcontextprotocol/conformance",
}
CLIENTS = (
    "MCP Python SDK", "MCP TypeScript SDK", "FastMCP", "mcp-remote", "openid-client", "oauth4webapi", "Authlib",
)  # fmt: skip
WAYS = ("by an administrator", "by itself (RFC 7591)", "by its document (CIMD)")
CANNOT = {("Authlib", "by itself (RFC 7591)"): "it registers nobody"}
HEAD = """# Clients

Which real clients get in, by which way of becoming known. Made by `make clients`, which plays each of them against a
running server, from the public registries and unmodified; nobody writes in it. "Works" is a test that passed: what it
promises stands below. A client that stops working fails the suite.
"""
NOTE = """\
Its scenarios for authorization servers. On node 20 the package is lent a name that node 22's file system has and none
of these scenarios calls (`tests/interop/node/older_node.mjs`)."""


class Collector:
    """Runs the tests that show a client, and nothing else; keeps what came of each, by client and way."""

    def __init__(self) -> None:
        self.shown: dict[str, list[tuple[str, str, str]]] = {}
        self.found: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
        self.unproved: list[str] = []

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        others = [item for item in items if item.get_closest_marker("client") is None]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]
        for item in items:
            name = item.location[2].partition("[")[0]
            self.shown[item.nodeid] = [(*mark.args, name) for mark in item.iter_markers("client")]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if not report.passed:
            self.unproved.append(report.nodeid)
        if report.passed and report.when == "call":
            for client, way, name in self.shown[report.nodeid]:
                self.found[client, way].append((report.location[0], name))


def version(client: str) -> str:
    """Return the version of a client that is installed here."""
    if client in FROM_PYPI:
        return metadata.version(FROM_PYPI[client])
    return str(json.loads((PACKAGES / FROM_NPM[client] / "package.json").read_text())["version"])


def page(found: dict[tuple[str, str], list[tuple[str, str]]]) -> str:
    """Return the document: clients by their ways, the conformance suite's scenarios, and what each test promises."""
    lines = [HEAD, f"| client | version | {' | '.join(WAYS)} |", f"|---|---|{'---|' * len(WAYS)}"]
    for client in CLIENTS:
        cells = ["works" if (client, way) in found else CANNOT.get((client, way), "not played") for way in WAYS]
        lines.append(f"| {client} | {version(client)} | {' | '.join(cells)} |")
    lines += ["", f"## {SUITE}, {version(SUITE)}", "", NOTE, ""]
    lines += ["| scenario | result |", "|---|---|"]
    lines += [f"| {scenario} | passes |" for client, scenario in sorted(found) if client == SUITE]
    lines += ["", "## What was played", "", "| client | promise | where |", "|---|---|---|"]
    promises = {(client, *test) for (client, _), tests in found.items() for test in tests}
    for client, file, name in sorted(promises, key=lambda row: ([*CLIENTS, SUITE].index(row[0]), *row[1:])):
        lines.append(f"| {client} | {name.removeprefix('test_').replace('_', ' ')} | `{file}` |")
    return "\n".join([*lines, ""])


def main() -> int:
    os.chdir(ROOT)
    collector = Collector()
    arguments = ["-q", "-p", "no:xdist", "--show-capture=no", "tests/interop", "-m", "interop"]
    status = pytest.main(arguments, plugins=[collector])
    if status or collector.unproved:
        sys.stderr.write(f"{PAGE.relative_to(ROOT)} stays as it is: {collector.unproved or status}\n")
        return int(status) or 1
    PAGE.write_text(page(collector.found))
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}: {len(CLIENTS)} clients, {len(collector.found)} cells\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
