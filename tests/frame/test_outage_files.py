"""What a proxy serves while nobody here answers: our own page in every language, as a file that asks for nothing."""

import io
import re
from base64 import b64encode
from hashlib import sha256

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test import RequestFactory

from kit import context
from remit import outages
from remit.outage_pages import STATUSES

pytestmark = pytest.mark.once
ANSWERS = {500: outages.broken, 502: outages.unavailable, 503: outages.unavailable, 504: outages.unavailable}
_SECTION = re.compile(r'<section lang="([a-z-]+)">(.*?)</section>', re.DOTALL)


def filed(status):
    """Return the file as an operator makes it, which asks no database."""
    out = io.StringIO()
    with connection.execute_wrapper(lambda *_: pytest.fail("it asks the database")):
        call_command("outage_page", str(status), stdout=out)
    return out.getvalue()


def sections(page):
    """Return what a page says, by language."""
    return {code: " ".join(words.split()) for code, words in _SECTION.findall(page)}


def answered(status, language):
    """Return our own page of the same, without the reference, which no file can know."""
    asks = RequestFactory().get("/t/acme/login", headers={"Accept": "text/html", "Accept-Language": language})
    with context.request("req_none"):
        return re.sub(r'<p class="quiet small">\S+ <code>req_none</code></p>', "", ANSWERS[status](asks).text)


@pytest.mark.parametrize("status", STATUSES)
def test_a_file_says_in_every_language_what_our_own_page_says_in_the_readers(status):
    said = sections(filed(status))
    assert said.keys() == {"en-gb", "de"}
    for language, words in said.items():
        assert sections(answered(status, language)) == {language: words}
    assert said["de"] != said["en-gb"]


def test_a_file_says_which_of_them_it_is():
    assert ">502</span>" in filed(502)
    assert "Something broke on our side" in filed(500)
    with pytest.raises(CommandError, match="invalid choice"):
        filed(404)


@pytest.mark.parametrize("status", STATUSES)
def test_a_file_needs_nothing_else_and_lets_nothing_in(status):
    page = filed(status)
    assert not re.findall(r"""(?:src|href)=["'](?!data:)|url\(|@import|<script""", page)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)[1].replace("&#x27;", "'")
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{digest}';" in policy
    assert "unsafe" not in policy


def test_a_page_leads_to_where_the_operators_say_how_it_goes(settings):
    assert "<a " not in filed(502)
    settings.STATUS_PAGE = "https://status.example.com/remit?a&b"
    link = '<a href="https://status.example.com/remit?a&amp;b" rel="noreferrer">'
    assert filed(502).count(link) == 2
    for answer in ANSWERS.values():
        assert answer(RequestFactory().get("/", headers={"Accept": "text/html"})).content.decode().count(link) == 1
