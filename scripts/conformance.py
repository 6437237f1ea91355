"""Write docs/conformance.md: every clause of a specification that a test is bound to, and the tests' promises."""

import os
import sys
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "conformance.md"
HEAD = """# Conformance

Which clause is shown by which test. Made by `make conformance` from the tests' own `@spec(document, section)`; a test
that is bound to a clause says in its name what it promises of it. The suite runs all of them on PostgreSQL, and what
SQLite can show there too.
"""


class Collector:
    """What pytest would run, by document and section."""

    def __init__(self) -> None:
        self.clauses: dict[tuple[str, str], set[str]] = defaultdict(set)

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            for mark in item.iter_markers("spec"):
                document, section = mark.args
                self.clauses[document, section].add(f"{item.location[0]} {item.location[2].partition('[')[0]}")


def page(clauses: dict[tuple[str, str], set[str]]) -> str:
    """Return the document: a heading for each specification, a row for each clause and test."""
    lines = [HEAD]
    for document in sorted({document for document, _ in clauses}, key=_order):
        lines += [f"## {document}", "", "| section | promise | where |", "|---|---|---|"]
        sections = sorted((section for found, section in clauses if found == document), key=_order)
        for section in sections:
            for test in sorted(clauses[document, section]):
                file, name = test.split(" ")
                lines.append(f"| {section} | {name.removeprefix('test_').replace('_', ' ')} | `{file}` |")
        lines.append("")
    return "\n".join(lines)


def _order(text: str) -> list[tuple[int, str]]:
    """Sort 4.10 behind 4.9, and RFC 10000 behind RFC 9999."""
    return [(int(part), "") if part.isdecimal() else (0, part) for part in text.replace(" ", ".").split(".")]


def main() -> int:
    os.chdir(ROOT)
    collector = Collector()
    status = pytest.main(["--collect-only", "-qq", "--no-header", "--no-summary"], plugins=[collector])
    if status:
        return int(status)
    PAGE.write_text(page(collector.clauses))
    tests = set().union(*collector.clauses.values())
    sys.stdout.write(f"{PAGE.relative_to(ROOT)}: {len(collector.clauses)} clauses, {len(tests)} tests\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
