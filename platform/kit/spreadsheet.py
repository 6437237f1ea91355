"""Rows of CSV (RFC 4180) that no spreadsheet takes for formulas."""

import csv
import io
import re
from collections.abc import Iterable

_FORMULA = re.compile(r"""(?:^|(?<=[;\t\r\n]))(?=["\s]*[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[;\t\r\n])""")
"""Where a formula could begin. Not at a cell's beginning alone: where semicolons or tabs separate (a German Excel), one
begins behind each of them, and a quote counts at the beginning of a cell alone, which is elsewhere then."""


def row(values: Iterable[object]) -> bytes:
    """Return one line; wherever a formula could begin an apostrophe stands before it."""
    text = io.StringIO()
    csv.writer(text).writerow(["" if value is None else _FORMULA.sub("'", str(value)) for value in values])
    return text.getvalue().encode()
