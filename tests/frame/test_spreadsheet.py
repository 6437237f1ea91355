"""Files that people open in a spreadsheet: nothing that somebody else wrote is worked out there."""

import csv
import io

import pytest

from kit import spreadsheet
from tests.spec import spec

STARTS = "=+-@\uff1d\uff0b\uff0d\uff20"


@spec("RFC 4180", "2")
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("cell", ["{}1", "Scout;{}1", 'Scout;"{}1', "Scout\t{}1", "Scout\n{}1", "\n{}1", "; {}1"])
def test_whatever_separates_no_cell_begins_as_a_formula(separator, cell):
    for start in STARTS:
        line = spreadsheet.row(["before", cell.format(start), "behind"]).decode()
        cells = [each for row in csv.reader(io.StringIO(line), delimiter=separator) for each in row]
        assert not [each for each in cells if each.lstrip('" \n\t').startswith(tuple(STARTS))], line


@spec("RFC 4180", "2")
def test_what_is_no_formula_stays_as_it_was():
    plain = ["Scout; reads", "a=b", "x-y@z.example", 5, None, "two\nlines"]
    assert next(csv.reader(io.StringIO(spreadsheet.row(plain).decode(), newline=""))) == [
        "Scout; reads", "a=b", "x-y@z.example", "5", "", "two\nlines",
    ]  # fmt: skip
