"""Rows of CSV (RFC 4180) that no spreadsheet takes for formulas."""

import csv
import io
from collections.abc import Iterable

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def row(values: Iterable[object]) -> bytes:
    """Return one line; a cell that begins as a formula does gets an apostrophe before it."""
    text = io.StringIO()
    csv.writer(text).writerow([f"'{value}" if str(value).startswith(_FORMULA) else value for value in values])
    return text.getvalue().encode()
