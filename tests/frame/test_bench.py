"""The bench: what counts, what is used once, what is computed, and what is rewritten. Nothing here is timed."""

import re
from pathlib import Path

import pytest

from bench import contestants, inputs, load, pages, table
from bench.inputs import Inputs
from bench.load import Window
from bench.method import Cost, summary, turns
from bench.operations import BY_NAME, OPERATIONS, named
from bench.running import Sample

pytestmark = pytest.mark.once

ROOT = Path(__file__).resolve().parents[2]
NODE = ROOT / "bench" / "peers" / "node"


def sample(server: float, *, errors: int = 0) -> Sample:
    return Sample(server, server / 10, Window(100, errors, 1.0))


def test_the_cost_is_the_median_of_the_windows():
    assert summary([sample(300), sample(100), sample(120), sample(140)], "code") == Cost(130, 13)


def test_a_window_with_an_error_does_not_count_and_is_said_aloud(capsys):
    assert summary([sample(100), sample(10, errors=1)], "code, ours") == Cost(100, 10)
    assert "code, ours: A WINDOW WITH 1 ERRORS DOES NOT COUNT" in capsys.readouterr().err


def test_an_operation_whose_every_window_had_errors_has_no_cost():
    assert summary([sample(10, errors=1)], "code, ours") is None


def test_the_contestants_take_turns_there_and_back_again():
    assert turns(3, rounds=2) == [0, 1, 2, 2, 1, 0]


def test_what_wrk_says_of_answers_and_of_broken_connections_is_added_up():
    window = load.read_window('bad 401 {"error":"invalid_client"}\nanswered 96 bad 2\nbroken 1\n', 0.5)
    assert window == Window(96, 3, 0.5, '401 {"error":"invalid_client"}')


def test_a_load_that_did_not_finish_is_an_error():
    assert load.read_window("Running 300s test\nbroken 0\n", 300).errors


def test_inputs_are_read_as_they_were_written(tmp_path):
    for bodies in ([""], ["a=1", "a=2"]):
        made = Inputs(("POST /t/bench/token", "Host: id.bench.example"), bodies)
        made.write(tmp_path / "inputs")
        assert inputs.read(tmp_path / "inputs") == made
        assert (tmp_path / "inputs").stat().st_mode & 0o077 == 0


def test_what_is_good_for_one_use_is_there_as_often_as_it_is_asked_for():
    inputs.refuse_reuse(Inputs((), ["a", "b"]), count=2)
    for bodies in (["a"], ["a", "a"], ["a", "b", "c"]):
        with pytest.raises(ValueError, match="2 different inputs"):
            inputs.refuse_reuse(Inputs((), bodies), count=2)


def test_the_load_sends_no_request_a_second_time():
    script = (ROOT / "bench/load.lua").read_text()
    assert "sent >= count" in script
    assert '"--threads", "1"' in (ROOT / "bench/load.py").read_text()


def test_capacity_is_the_servers_cpu_alone_and_more_is_better():
    assert table.capacity(Cost(200, 9000), Cost(300, 0)) == 1.5
    assert table.capacity(None, Cost(300, 0)) is None


def test_the_table_says_whether_a_target_is_reached():
    costs = {"ours": Cost(800, 400), "dot": Cost(1600, 500), "node": Cost(400, 0)}
    [_, _, line, missing] = table.table([(BY_NAME["secret"], costs), (BY_NAME["assertion"], {})]).splitlines()
    assert line.endswith("| 800 + 400 | 1600 + 500 | 400 + 0 | 0.50 | ≥ 0.5 | yes | 2.00 | ≥ 3 | no |")
    assert missing.count("–") == 9


def test_only_what_stands_between_the_marks_is_rewritten():
    document = f"# Title\n\n{table.BEGIN}\n\nold\n\n{table.END}\n\nThe end.\n"
    once = table.rewrite(document, ["a", "b"])
    assert once == f"# Title\n\n{table.BEGIN}\n\na\n\nb\n\n{table.END}\n\nThe end.\n"
    assert table.rewrite(once, ["a", "b"]) == once


def test_a_document_without_marks_is_refused():
    with pytest.raises(ValueError, match="no place"):
        table.rewrite("# Title\n", ["a"])


def test_the_document_has_a_place_for_the_table():
    assert table.rewrite(table.DOCUMENT.read_text(), ["a"])


@pytest.mark.parametrize(
    ("make", "file", "entry"),
    [
        (contestants.ours, "ours/prepare.py", r'^    "{}": _'),
        (contestants.toolkit, "peers/dot/prepare.py", r'^    "{}": _'),
        (contestants.node, "peers/node/prepare.mjs", r"^  {}: "),
    ],
)
def test_who_is_measured_with_an_operation_prepares_for_it_and_for_no_other(make, file, entry, tmp_path):
    prepares = (ROOT / "bench" / file).read_text()
    prepared = {name for name in BY_NAME if re.search(entry.format(name), prepares, re.MULTILINE)}
    assert prepared == make(tmp_path).operations
    assert make is not contestants.ours or prepared == BY_NAME.keys()


def test_a_short_run_names_its_operations():
    assert [operation.name for operation in named("code secret")] == ["code", "secret"]
    assert named("") == OPERATIONS


def test_no_lock_file_of_a_peer_names_a_registry():
    text = (NODE / "package-lock.json").read_text()
    assert '"resolved"' not in text
    assert "registry" not in text
    assert text.count('"integrity"') > 20


def test_a_page_keeps_its_target_by_the_median_and_by_its_statements():
    page = {"walls": [90.0, 100.0, 900.0], "own": [40.0, 50.0, 60.0], "statements": 12, "bytes": 20_400}
    slow, many = page | {"walls": [151.0] * 3}, page | {"statements": 13}
    lines = pages.listed({"good": page, "slow": slow, "many": many}).splitlines()[2:]
    assert lines[0] == "| good | 100 | 900 | 50 | 12 | 20 | yes |"
    assert [line.rpartition("| ")[2] for line in lines[1:]] == ["no |", "no |"]
