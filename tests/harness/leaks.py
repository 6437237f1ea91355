"""Secrets by their form: what a token of ours looks like anywhere, and the one password that people of tests have."""

import re

from tests.harness import everything, server
from tests.harness.world import PASSWORD

FORMS = {
    "a signed JWT": re.compile(r"eyJ[\w-]{16,}\.eyJ[\w-]{16,}\.[\w-]{40,}"),
    "a refresh token": re.compile(r"rtf_[0-9a-z]{26}\.\d+\.[\w-]{40,}"),
    "an opaque token": re.compile(r"tok_[0-9a-z]{26}\.[\w-]{40,}"),
    "a password": re.compile(re.escape(PASSWORD)),
}


def found_in(text: str) -> list[str]:
    """Return the names of the forms that stand in a text."""
    return [name for name, form in FORMS.items() if form.search(text)]


def assert_the_suite_left_none() -> None:
    """Read the server's log and every row, after all that this process's tests did."""
    log = server.LOG.read_text(errors="replace") if server.LOG.exists() else ""
    assert not found_in(log), "a secret stands in the server's log"
    for table, rows in everything.rows().items():
        assert not found_in("\n".join(rows)), f"a secret stands in {table}"
