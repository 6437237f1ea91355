"""A tenant's colours: taken where they can be read, told from our own origin, and kept by browsers for good."""

import itertools
import re
from types import SimpleNamespace

import pytest

from kit import colours
from tenants import brand
from tests.conformance.test_resources_api import asker
from tests.conformance.test_settings_page import PLACE, save, saved
from tests.harness.footprint import leaves_only
from tests.spec import spec

BOTH = "settings:read settings:write"
_PAIRS = re.compile(r"--([\w-]+):light-dark\((#\w{6}),(#\w{6})\)")


@pytest.fixture
def ada(world):
    browser = world.browser("ada")
    browser.go(world.url(PLACE))
    return browser


def sheets(page):
    return re.findall(r'rel="stylesheet" href="([^"]*/colours/[^"]+)"', page.text)


@spec("RFC 9111", "5.2.2")
def test_the_pages_of_a_tenant_are_in_its_colour_before_and_after_sign_in(world, ada):
    assert sheets(ada.page) == []
    save(ada, "colours", accent="#7a1f5c")
    stranger = world.browser()
    (place,) = sheets(stranger.go(world.url("/login")))
    assert sheets(world.browser("alice").go(world.url("/me/agents"))) == [place]
    assert sheets(stranger.go(world.authorize_url(world.public_client("Scout"), "x" * 43))) == [place]
    answer = world.http.get(f"{world.origin}{place}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/css")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "set-cookie" not in answer.headers
    assert "--accent:light-dark(#7a1f5c," in answer.text


@spec("RFC 9111", "5.2.2")
def test_another_colour_has_another_address_and_the_old_one_is_gone(world, ada):
    save(ada, "colours", accent="#7a1f5c")
    (old,) = sheets(ada.page)
    save(ada, "colours", accent="#0b5d4e")
    (new,) = sheets(ada.page)
    assert old != new
    assert world.http.get(f"{world.origin}{new}").status_code == 200
    gone = world.http.get(f"{world.origin}{old}")
    assert (gone.status_code, gone.headers["cache-control"]) == (404, "no-store")
    save(ada, "colours", accent="")
    assert sheets(ada.page) == []


@spec("RFC 9110", "15.5.21")
@pytest.mark.parametrize(
    ("setting", "colour", "measured"), [("accent", "#f0c000", "1.62:1"), ("accent_dark", "#324db3", "2.01:1")]
)
def test_a_colour_that_nobody_could_read_is_refused_with_what_was_measured(world, ada, setting, colour, measured):
    words = f"{colour} reads at {measured} on {'light' if setting == 'accent' else 'dark'} pages; at least 4.5:1"
    ask = asker(world, "ada", BOTH)
    with leaves_only(world):
        page = save(ada, "colours", **{setting: colour})
        assert (page.status_code, words in page.text) == (422, True), re.findall(r"reads at [^<]+", page.text)
        told = ask("PATCH", "/settings", {setting: colour})
        assert (told.status_code, words in told.text) == (422, True)


@spec("RFC 9110", "15.5.21")
@pytest.mark.parametrize("text", ["red", "#fff", "#7A1F5C", "#7a1f5;", "#7a1f5", "url(x)"])
def test_only_six_digits_are_a_colour(world, text):
    assert asker(world, "ada", BOTH)("PATCH", "/settings", {"accent": text}).status_code == 422
    assert saved(world).accent == ""


@pytest.mark.once
def test_whatever_colour_is_taken_reads_wherever_it_stands():
    parts = ("00", "33", "55", "77", "99", "cc", "ff")
    taken = 0
    for colour in ("#" + "".join(each) for each in itertools.product(parts, repeat=3)):
        if brand.flaw(colour, brand.LIGHT):
            continue
        taken += 1
        found = _PAIRS.findall(brand.sheet(SimpleNamespace(accent=colour, accent_dark="")))
        pairs = {name: (light, dark) for name, light, dark in found}
        for at, ground in enumerate((brand.LIGHT, brand.DARK)):
            for other in (ground, pairs["accent-soft"][at]):
                assert colours.contrast(pairs["accent"][at], other) >= 4.5, (colour, other)
            for filled in ("accent-fill", "accent-fill-hover"):
                assert colours.contrast(pairs[filled][at], brand.WHITE) >= 4.5, (colour, filled)
        assert colours.contrast(pairs["accent-soft"][0], "#545b69") >= 4.5, "quiet words stand on it"
        assert colours.contrast(pairs["accent-soft"][1], "#a6acb9") >= 4.5, "quiet words stand on it"
    assert taken > 60


@pytest.mark.once
def test_contrast_is_what_wcag_says_it_is():
    assert colours.contrast("#000000", "#ffffff") == pytest.approx(21)
    assert colours.contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)
