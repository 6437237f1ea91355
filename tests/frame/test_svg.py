"""Drawings are right without a browser: where boxes stand, that arrows go around them, and that names are only text."""

import re

import pytest

from console.svg import HIGH, WIDE, Edge, Node, area, bars, chain, short

pytestmark = pytest.mark.once

NODES = [
    Node("s", "Alice", "person", "person"),
    Node("a", "Planner", "agent", "agent", is_focus=True),
    Node("b", "Finder", "sub-agent", "agent", url="/there"),
    Node("r", "Calendar", "resource", "resource"),
]
EDGES = [
    Edge("s", "a", "allowed"),
    Edge("a", "b", "handed on", "soon"),
    Edge("b", "r", "1 scope"),
    Edge("a", "r", "2 scopes", "over"),
]


def boxes(svg):
    return [tuple(map(int, found)) for found in re.findall(r'<rect x="(\d+)" y="(\d+)"', svg)]


def test_each_box_stands_to_the_right_of_all_that_lead_to_it():
    drawing = chain(NODES, EDGES, label="who")
    places = boxes(drawing.svg)
    assert [x for x, _ in places] == sorted(x for x, _ in places)
    assert len({x for x, _ in places}) == 4
    assert drawing.rows[1] == ("Planner", "handed on", "Finder", "soon")
    assert len(drawing.rows) == len(EDGES)


def test_no_two_boxes_cover_each_other():
    many = [Node(f"p{number}", "Person", "person", "person") for number in range(9)]
    drawing = chain([*many, *NODES[1:]], [Edge(each.key, "a", "allowed") for each in many] + EDGES[1:], label="who")
    places = boxes(drawing.svg)
    assert len(places) == 12
    for at, (x, y) in enumerate(places):
        assert all(abs(x - x2) >= WIDE or abs(y - y2) >= HIGH for x2, y2 in places[at + 1 :])
    height = int(re.search(r'viewBox="0 0 \d+ (\d+)"', drawing.svg)[1])
    assert max(y for _, y in places) + HIGH < height


def test_an_arrow_over_several_columns_goes_around_the_boxes_between():
    svg = chain(NODES, EDGES, label="who").svg
    low = [int(found) for found in re.findall(r"C\d+ (\d+)", svg)]
    assert max(low) > max(y for _, y in boxes(svg)) + HIGH


def test_a_circle_ends_and_is_drawn():
    assert len(boxes(chain(NODES[:2], [Edge("s", "a", "x"), Edge("a", "s", "y")], label="who").svg)) == 2


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '" onload="x', "a & b"])
def test_names_are_only_text(name):
    drawn = chain([Node("s", name, name, "person"), NODES[1]], [Edge("s", "a", name)], label=name).svg
    charts = area([(name, 1)], label=name) + bars([(name, 1)], label=name)
    for svg in (drawn, charts):
        assert name not in svg
        assert not re.search(r"<script|style=| on\w+=\"", svg)


def test_what_does_not_fit_is_cut_and_stands_whole_in_the_title():
    long = "Quartalsabschlussbuchungsvorbereitungsassistent"
    svg = chain([Node("s", long, "agent", "agent")], [], label="who").svg
    assert f"<title>{long}, agent</title>" in svg
    assert f">{short(long, 22)}<" in svg
    assert len(short(long, 22)) <= 22


@pytest.mark.parametrize(
    ("highest", "top"), [(0, 4), (4, 4), (5, 6), (7, 8), (31, 40), (1181, 2000), (123_456, 200_000)]
)
def test_a_scale_is_round_and_nothing_stands_above_it(highest, top):
    svg = area([("1 Nov", 0), ("2 Nov", highest)], label="how many")
    assert f">{top}</text>" in svg
    assert (
        min(float(y) for y in re.findall(r",([\d.]+)", re.search(r'<polyline class="line" points="([^"]+)"', svg)[1]))
        >= 8
    )


def test_a_chart_of_nothing_and_of_one_day_is_drawn():
    assert "<svg" in area([("1 Nov", 3)], label="one")
    assert bars([("1 Nov", 0)], label="one").count('class="bar"') == 1
