"""The lists of trust: all of them a page at a time, narrowed on the page as over the API, and as a file."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.utils import timezone

from console.paging import SIZE
from kit import context
from tests.conformance.test_resources_api import asker
from tests.harness.footprint import leaves_only
from tests.harness.world import make
from tests.spec import spec
from trust.models import Audience, TrustedIssuer

NAME = re.compile(r'<th scope="row"><p><a href="[^"]+"><bdi>([^<]+)</bdi>')
MANY = 2 * SIZE + 3


@pytest.fixture(scope="module")
def crowded(origin, http):
    """A tenant that trusts more issuers and knows more servers than two pages hold; nothing here changes them."""
    world = make(origin, http)
    with context.use(world.tenant):
        for kind, more in ((TrustedIssuer, {"purposes": ["id_jag"]}), (Audience, {})):
            rows = [
                kind(
                    issuer=f"https://n{at}.example",
                    name=f"Number {at:03}",
                    resources={"https://a.example/": ["r"]},
                    **more,
                )
                for at in range(MANY)
            ]
            kind.objects.bulk_create(rows)
    yield world
    world.close()


@pytest.fixture(scope="module")
def few(origin, http):
    """One who signs people in and is off, a platform that gives no keys, one whose name is a formula."""
    world, now = make(origin, http), timezone.now()
    with context.use(world.tenant):
        issuers = (
            TrustedIssuer(issuer="https://login.example", name="Login", purposes=["sign_in"], is_enabled=False),
            TrustedIssuer(issuer="https://runs.example", name="Runs", purposes=["workload"], keys_asked_at=now),
            TrustedIssuer(issuer="https://sheet.example", name="=1+1", purposes=["id_jag"],
                          keys_fetched_at=now, keys_asked_at=now),
        )  # fmt: skip
        for each in issuers:
            each.save(force_insert=True)
        Audience.objects.create(
            issuer="https://there.example", name="There", resources={"https://r.example/": ["w", "r"]}
        )
        Audience.objects.create(issuer="https://gone.example", name="Gone", is_enabled=False)
    yield world
    world.close()


def names(page):
    return NAME.findall(page.text.replace("&#x27;", "'"))


@spec("RFC 9110", "15.3.1")
@pytest.mark.parametrize("path", ["/console/trust", "/console/trust/audiences"])
def test_every_one_of_many_stands_on_one_page_in_the_order_of_its_name(crowded, path):
    ada, pages = crowded.browser("ada"), []
    page = ada.go(crowded.url(path))
    while True:
        pages.append(names(page))
        following = re.search(r'<a[^>]* href="(\?[^"]*before=[^"]*)"', page.text)
        if following is None:
            break
        page = ada.go(crowded.url(path + following[1].replace("&amp;", "&")))
    assert [len(each) for each in pages] == [SIZE, SIZE, 3]
    assert [name for each in pages for name in each] == [f"Number {at:03}" for at in range(MANY)]
    newest = names(ada.go(crowded.url(f"{path}?order=newest")))
    assert newest[0] == f"Number {MANY - 1:03}"
    beyond = ada.go(crowded.url(f"{path}?order=newest&before=aud_{'0' * 26}"))
    assert "Nothing stands here any more" in beyond.text


NARROWED = [
    ("/trust", "", {"Login", "Runs", "=1+1"}),
    ("/trust", "q=LOGIN", {"Login"}),
    ("/trust", "q=runs.example", {"Runs"}),
    ("/trust", "q=%25", set()),
    ("/trust", "purpose=sign_in", {"Login"}),
    ("/trust", "purpose=id_jag", {"=1+1"}),
    ("/trust", "enabled=false", {"Login"}),
    ("/trust", "enabled=true&purpose=sign_in", set()),
    ("/trust", "silent=true", {"Runs"}),
    ("/trust", "silent=false", {"Login", "=1+1"}),
    ("/trust/audiences", "", {"There", "Gone"}),
    ("/trust/audiences", "q=there", {"There"}),
    ("/trust/audiences", "enabled=false", {"Gone"}),
]


@spec("RFC 9110", "15.3.1")
@pytest.mark.parametrize(("path", "query", "left"), NARROWED)
def test_a_list_of_trust_is_narrowed_on_the_page_as_over_the_api(few, path, query, left):
    page = few.browser("ada").go(few.url(f"/console{path}?{query}"))
    assert set(names(page)) == left
    there = "/trust/issuers" if path == "/trust" else path
    answer = asker(few, "ada", "trust:read")("GET", f"{there}?{query}").json()
    assert {each["name"] for each in answer[there.rpartition("/")[2]]} == left


@spec("RFC 9110", "15.5.1")
@pytest.mark.parametrize("query", ["colour=red", "purpose=everything", "enabled=perhaps", "q=%00"])
@pytest.mark.parametrize("path", ["/console/trust", "/console/trust/audiences"])
def test_what_narrows_nothing_is_said_and_shows_nothing_else(few, path, query):
    page = few.browser("ada").go(few.url(f"{path}?{query}"))
    assert page.status_code == 200
    if query == "colour=red" or ("purpose" in query and "audiences" in path):
        assert "narrows nothing here" in page.text
    else:
        assert names(page) == []


@spec("RFC 4180", "2")
def test_a_list_of_trust_is_had_as_a_file_as_it_is_narrowed_and_that_is_told(few):
    ada = few.browser("ada")
    found = ada.go(few.url("/console/trust/export/csv?silent=false"))
    assert found.headers["content-disposition"] == f'attachment; filename="issuers-{few.tenant.slug}.csv"'
    rows = list(csv.DictReader(io.StringIO(found.text)))
    assert [(each["name"], each["purposes"]) for each in rows] == [("'=1+1", "id_jag"), ("Login", "sign_in")]
    assert (told := few.entries("list.exported")[-1]).detail == {
        "list": "issuers", "filter": "silent=false", "form": "csv", "rows": 2,
    }  # fmt: skip
    assert told.principal_label == "Ada"
    (server,) = ada.go(few.url("/console/trust/audiences/export/json?enabled=true")).json()
    assert (server["name"], server["scopes"]) == ("There", ["https://r.example/:r", "https://r.example/:w"])


@spec("RFC 9110", "15.5.4")
def test_a_file_of_trust_is_for_whoever_may_read_trust_and_of_two_kinds(few):
    ada, eve = few.browser("ada"), few.browser("alice")
    with leaves_only(few):
        assert ada.go(few.url("/console/trust/export/xml")).status_code == 404
        assert eve.go(few.url("/console/trust/export/csv")).status_code == 403
        assert eve.go(few.url("/console/trust/audiences")).status_code == 403


@spec("RFC 9110", "15.3.1")
def test_nothing_at_all_and_nothing_found_are_said_apart(world, few):
    empty = world.browser("ada").go(world.url("/console/trust"))
    assert "Nobody else's word counts here." in empty.text
    found = few.browser("ada").go(few.url("/console/trust?q=nobody"))
    assert "No issuer found." in found.text
    assert "word counts here." not in found.text


@spec("RFC 9110", "15.3.1")
def test_an_issuer_that_gives_no_keys_is_looked_at_from_the_overview(world):
    long_ago = timezone.now() - timedelta(days=3)
    with context.use(world.tenant):
        TrustedIssuer.objects.create(issuer="https://quiet.example", name="Quiet", keys_asked_at=long_ago)
        TrustedIssuer.objects.create(issuer="https://new.example", name="New")
    ada = world.browser("ada")
    ada.go(world.url("/console"))
    (place,) = re.findall(r'href="([^"]+silent=true)"', ada.page.text)
    assert names(ada.go(world.origin + place if place.startswith("/") else place)) == ["Quiet"]


@spec("RFC 9110", "15.3.1")
@pytest.mark.parametrize("query", ["", "?q=log&enabled=false&order=newest", "?silent=true&purpose="])
def test_a_list_says_the_request_that_gives_the_same(few, query):
    page = few.browser("ada").go(few.url(f"/console/trust{query}"))
    asked = re.search(r"GET \S+/api/v1(/trust/issuers[^<]*)</code>", page.text)[1].replace("&amp;", "&")
    answer = asker(few, "ada", "trust:read")("GET", asked)
    assert answer.status_code == 200, asked
    assert {each["name"] for each in answer.json()["issuers"]} == set(names(page))
