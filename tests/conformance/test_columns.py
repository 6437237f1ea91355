"""Choosing columns: words of the address, which filters, orders, pages and saved lists keep; files have everything."""

import csv
import io
import re
from html import unescape

import pytest

from console.paging import SIZE
from delegations.saved_views import LISTS
from tests.harness import many
from tests.harness.world import make
from tests.spec import spec

PAGES = {
    "agents": ("/console/agents", {"status", "owner", "acting", "refused", "secret", "registered"}),
    "delegations": ("/console/delegations", {"agent", "resource", "ends", "used", "allowed"}),
    "members": ("/console/members", {"role", "signed-in", "factor", "agents", "came"}),
}


@pytest.fixture(scope="module")
def full(origin, http):
    """A tenant whose list of delegations has a second page; nothing here changes it."""
    world = make(origin, http)
    world.grant(world.public_client(), "alice")
    many.delegations(world, SIZE + 1)
    yield world
    world.close()


def table_of(page):
    """Return the table of the rows: its headings that can be left out, and how many cells a row has."""
    text = page.text.partition('id="rows"')[2].partition("</table>")[0]
    head, _, body = text.partition("</thead>")
    first = body.partition("</tr>")[0]
    return len(re.findall(r"<t[hd][ >]", head)), len(re.findall(r"<t[hd][ >]", first))


def ticked(page):
    return set(re.findall(r'name="columns" value="([a-z-]+)" checked', page.text))


@spec("RFC 3986", "3.4")
@pytest.mark.parametrize("which", PAGES)
def test_the_columns_that_an_address_names_are_shown_and_no_others(full, which):
    path, words = PAGES[which]
    ada = full.browser("ada")
    whole = ada.go(full.url(path))
    heads, cells = table_of(whole)
    assert heads == cells
    assert ticked(whole) == words
    for word in sorted(words):
        some = ada.go(full.url(f"{path}?columns={word}"))
        assert table_of(some) == (heads - len(words) + 1, cells - len(words) + 1), word
        assert ticked(some) == {word}
    two = sorted(words)[:2]
    some = ada.go(full.url(f"{path}?columns={two[0]}&columns={two[1]}"))
    assert table_of(some) == (heads - len(words) + 2, cells - len(words) + 2)


@spec("RFC 3986", "3.4")
@pytest.mark.parametrize("which", PAGES)
def test_a_column_that_is_not_there_is_said(full, which):
    path, words = PAGES[which]
    ada = full.browser("ada")
    page = ada.go(full.url(f"{path}?columns=colour&columns={min(words)}"))
    assert "There is no column “colour” here." in unescape(page.text)
    assert ticked(page) == {min(words)}
    assert ticked(ada.go(full.url(f"{path}?columns=colour"))) == words, "of none that is known all are shown"


@spec("RFC 3986", "3.4")
def test_a_list_without_a_choice_of_columns_says_that_the_word_means_nothing(full):
    page = full.browser("ada").go(full.url("/console/resources?columns=kind"))
    assert "“columns” narrows nothing here." in unescape(page.text)


@spec("RFC 3986", "3.4")
def test_a_filter_a_chip_an_order_and_the_next_page_keep_the_columns(full):
    ada = full.browser("ada")
    page = ada.go(full.url("/console/delegations?columns=ends&columns=agent&q=crowd"))
    places = [unescape(each) for each in re.findall(r'href="(\?[^"]+)"', page.text.partition('id="main"')[2])]
    chosen = [each for each in places if "columns=" in each]
    assert any("before=" in each for each in chosen), "the next page"
    assert any("order=" in each for each in chosen), "a heading"
    assert any("never_used=" in each for each in chosen), "a chip"
    assert all("columns=ends" in each and "columns=agent" in each for each in chosen)
    form = ada.forms()[[each.method for each in ada.forms()].index("get")]
    assert [value for name, value in form.fields if name == "columns"] == ["ends", "agent"], "the filter's form"
    mine = next(each for each in ada.forms() if "columns" in each.ticks)
    assert ("q", "crowd") in mine.fields, "the columns' own form keeps the filter"
    assert "columns" not in re.search(r"<code>GET ([^<]+)</code>", page.text)[1], "the API has everything"


@spec("RFC 4180", "2")
def test_a_file_holds_every_column_all_the_same(full):
    ada = full.browser("ada")
    page = ada.go(full.url("/console/agents?columns=owner"))
    link = unescape(re.search(r'href="([^"]*/export/csv\?[^"]*)"', page.text)[1])
    whole = ada.http.get(full.url("/console/agents/export/csv")).text
    some = ada.http.get(full.origin + link)
    assert some.status_code == 200
    assert [set(row) for row in csv.DictReader(io.StringIO(some.text))] == [
        set(row) for row in csv.DictReader(io.StringIO(whole))
    ]


@spec("RFC 3986", "3.4")
def test_a_saved_list_keeps_its_columns_and_one_that_is_none_is_not_saved(world):
    ada = world.browser("ada")
    world.public_client()
    ada.go(world.url("/console/agents?columns=owner&columns=status"))
    ada.submit(ada.form("/me/views/save"), {"name": "Whose they are"})
    page = ada.go(world.url("/console/agents"))
    (place,) = {unescape(each) for each in re.findall(r'href="(\?[^"]*columns=[^"]*)"', page.text)}
    assert ticked(ada.go(world.url(f"/console/agents{place}"))) == {"owner", "status"}
    assert set(LISTS["agents"].columns) == PAGES["agents"][1]
    assert set(LISTS["delegations"].columns) == PAGES["delegations"][1]
    flawed = ada.go(world.url("/console/agents?columns=colour"))
    assert 'action="' + f'/t/{world.tenant.slug}/me/views/save"' not in flawed.text
