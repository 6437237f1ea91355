"""Drawings made by the server: who acts for whom, and how a number went. Pure, without a script or a style of its own.

Each says the same as a table: a drawing is for whoever sees it, its rows are for everybody.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

WIDE, HIGH = 168, 46
APART, BELOW = 84, 18
EDGE = 4
LETTERS = 22
LOOSE = 14
AROUND = 28
"""Space around, letters that fit into a box and between two, and how far below others an arrow goes."""
REFUSED, BESIDE = "refused", 11
"""How an arrow of what was refused is called, and how far below another it runs."""
_ROUND = tuple(int(f"{step}{'0' * zeros}") for zeros in range(18) for step in (4, 6, 8, 10, 20))


@dataclass(frozen=True, slots=True)
class Node:
    """A box: what it is called, what it is, and where it leads. `kind` is person, agent or resource."""

    key: str
    title: str
    note: str
    kind: str
    url: str = ""
    is_focus: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow between two boxes. `tone` is "", soon (it ends today), over, or refused (it was tried in vain)."""

    start: str
    end: str
    words: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the upper left corner of a box stands."""

    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawing, and its rows: from, what, to, and whether it still holds."""

    svg: SafeString
    rows: tuple[tuple[str, str, str, str], ...]


def chain(nodes: Sequence[Node], edges: Sequence[Edge], *, label: str) -> Drawing:
    """Draw boxes in columns, each to the right of all that lead to it, and the arrows between them."""
    columns = _columns(nodes, edges)
    places = _places(columns)
    width = len(columns) * (WIDE + APART) - APART + 2 * EDGE
    height = max(len(column) for column in columns) * (HIGH + BELOW) - BELOW + 2 * EDGE
    height += AROUND if any(_passes_by(edge, places) for edge in edges) else 0
    held = {(edge.start, edge.end) for edge in edges if edge.tone != REFUSED}
    svg = format_html(
        '<svg class="chain" viewBox="0 0 {} {}" width="{}" height="{}" role="group" aria-label="{}">{}{}</svg>',
        width,
        height,
        width,
        height,
        label,
        format_html_join("", "{}", ((_arrow(edge, places, is_beside=_is_beside(edge, held)),) for edge in edges)),
        format_html_join("", "{}", ((_box(node, places[node.key]),) for node in nodes)),
    )
    titles = {node.key: node.title for node in nodes}
    return Drawing(svg, tuple((titles[edge.start], edge.words, titles[edge.end], edge.tone) for edge in edges))


def area(points: Sequence[tuple[str, int]], *, label: str) -> SafeString:
    """Draw how a number went, day by day."""
    scale = _Scale(points)
    line = " ".join(f"{scale.x(place):.1f},{scale.y(value):.1f}" for place, (_, value) in enumerate(points))
    ends = f"{scale.x(len(points) - 1):.1f},{scale.y(0):.1f} {scale.x(0):.1f},{scale.y(0):.1f}"
    drawn = format_html('<polygon class="fill" points="{} {}"/><polyline class="line" points="{}"/>', line, ends, line)
    return scale.draw(drawn, label)


def bars(points: Sequence[tuple[str, int]], *, label: str, urls: Sequence[str] = ()) -> SafeString:
    """Draw a number for each day; `urls` are where a press on each day leads, for whoever has a pointer.

    Whoever has none finds the same addresses in the rows of the table.
    """
    scale = _Scale(points, is_barred=True)
    drawn = [_bar(scale, place, day, value) for place, (day, value) in enumerate(points)]
    if urls:
        days = zip(urls, drawn, strict=True)
        drawn = [format_html('<a href="{}" tabindex="-1" aria-hidden="true">{}</a>', url, bar) for url, bar in days]
    # What is an image to those who do not see it may hold nothing to press.
    role = "group" if urls else "img"
    return scale.draw(format_html_join("", "{}", ((each,) for each in drawn)), label, role=role)


def _bar(scale: "_Scale", place: int, day: str, value: int) -> SafeString:
    """Return a day's bar, and behind it the day's room from top to foot, which is easier to hit."""
    left, top, foot = scale.x(place), scale.y(value), scale.y(0)
    return format_html(
        '<rect class="room" x="{}" y="{}" width="{}" height="{}"/>'
        '<rect class="bar" x="{}" y="{}" width="{}" height="{}" rx="2"><title>{}: {}</title></rect>',
        f"{left - scale.step / 2:.1f}", scale.TOP, f"{scale.step:.1f}", f"{foot - scale.TOP:.1f}",
        f"{left - scale.step * 0.29:.1f}", f"{top:.1f}", f"{scale.step * 0.58:.1f}", f"{foot - top:.1f}", day, value,
    )  # fmt: skip


def _columns(nodes: Sequence[Node], edges: Sequence[Edge]) -> list[list[str]]:
    """Return the keys by column: as far to the right as the longest way to each is long."""
    column = {node.key: 0 for node in nodes}
    # A way through n boxes is done after n rounds; a circle, which nobody should draw, ends there too.
    for _ in nodes:
        for edge in edges:
            column[edge.end] = max(column[edge.end], min(column[edge.start] + 1, len(nodes) - 1))
    found: dict[int, list[str]] = defaultdict(list)
    for key, place in column.items():
        found[place].append(key)
    return [found[place] for place in sorted(found)] or [[]]


def _places(columns: Sequence[Sequence[str]]) -> Mapping[str, Place]:
    tallest = max(len(column) for column in columns)
    return {
        key: Place(
            EDGE + across * (WIDE + APART),
            EDGE + down * (HIGH + BELOW) + (tallest - len(column)) * (HIGH + BELOW) // 2,
        )
        for across, column in enumerate(columns)
        for down, key in enumerate(column)
    }


def _box(node: Node, at: Place) -> SafeString:
    box = format_html(
        '<g class="node {}{}"><title>{}, {}</title><rect x="{}" y="{}" width="{}" height="{}" rx="8"/>'
        '<text class="title" x="{}" y="{}">{}</text><text x="{}" y="{}">{}</text></g>',
        node.kind, " focus" if node.is_focus else "", node.title, node.note, at.x, at.y, WIDE, HIGH,
        at.x + 12, at.y + 20, short(node.title, LETTERS), at.x + 12, at.y + 35, short(node.note, LETTERS + 4),
    )  # fmt: skip
    return format_html('<a href="{}">{}</a>', node.url, box) if node.url else box


def _arrow(edge: Edge, places: Mapping[str, Place], *, is_beside: bool) -> SafeString:
    start, end, aside = places[edge.start], places[edge.end], BESIDE if is_beside else 0
    x1, y1, x2, y2 = start.x + WIDE, start.y + HIGH // 2 + aside, end.x, end.y + HIGH // 2 + aside
    bend, low = (x1 + x2) // 2, 0
    if _passes_by(edge, places):
        low, y1 = max(y1, y2) + HIGH // 2 + AROUND, y1 + HIGH // 4
    return format_html(
        '<g class="edge {}"><title>{}</title><path d="M{} {}C{} {} {} {} {} {}"/>'
        '<path class="tip" d="M{} {}l-7 -4v8z"/><text x="{}" y="{}">{}</text></g>',
        edge.tone, edge.words, x1, y1, bend, low or y1, bend, low or y2, x2 - 6, y2, x2, y2,
        bend, low - AROUND // 2 if low else (y1 + y2) // 2 + (12 if aside else -6), short(edge.words, LOOSE),
    )  # fmt: skip


def _is_beside(edge: Edge, held: Collection[tuple[str, str]]) -> bool:
    """Say whether what was refused stands beside what holds between the same two boxes."""
    return edge.tone == REFUSED and (edge.start, edge.end) in held


def _passes_by(edge: Edge, places: Mapping[str, Place]) -> bool:
    """Say whether an arrow has columns between its ends, whose boxes it must go around."""
    return places[edge.end].x - places[edge.start].x > WIDE + APART


def short(text: str, letters: int) -> str:
    """Return as much of a text as fits; all of it stands in the title."""
    return text if len(text) <= letters else f"{text[: letters - 1].rstrip()}…"


class _Scale:
    """Where days and numbers stand in a chart."""

    WIDTH, HEIGHT, START, TOP, FOOT = 560, 150, 40, 8, 20

    def __init__(self, points: Sequence[tuple[str, int]], *, is_barred: bool = False) -> None:
        self.points = points
        self.highest = _rounded(max((value for _, value in points), default=0))
        room = self.WIDTH - self.START - 8
        self.step = room / max(len(points) - (not is_barred), 1)
        self.first = self.START + (self.step / 2 if is_barred else 0)

    def x(self, place: int) -> float:
        return self.first + place * self.step

    def y(self, value: float) -> float:
        room = self.HEIGHT - self.TOP - self.FOOT
        return self.TOP + room - room * value / self.highest

    def draw(self, drawn: SafeString, label: str, *, role: str = "img") -> SafeString:
        lines = format_html_join(
            "",
            '<path class="rule" d="M{} {}H{}"/><text x="{}" y="{}" text-anchor="end">{}</text>',
            (
                (self.START, f"{self.y(value):.1f}", self.WIDTH - 8, self.START - 6, f"{self.y(value) + 3:.1f}", value)
                for value in sorted({0, self.highest // 2, self.highest})
            ),
        )
        every = max(1, ceil(len(self.points) / 7))
        last = len(self.points) - 1
        days = format_html_join(
            "",
            '<text x="{}" y="{}" text-anchor="{}">{}</text>',
            (
                (f"{self.x(place):.1f}", self.HEIGHT - 4, "end" if place == last else "middle", day)
                for place, (day, _) in enumerate(self.points)
                if (last - place) % every == 0
            ),
        )
        return format_html(
            '<svg class="chart" viewBox="0 0 {} {}" role="{}" aria-label="{}">{}{}{}</svg>',
            self.WIDTH,
            self.HEIGHT,
            role,
            label,
            lines,
            drawn,
            days,
        )


def _rounded(highest: int) -> int:
    """Return a round and even number that nothing is higher than."""
    return next(each for each in _ROUND if each >= highest)
