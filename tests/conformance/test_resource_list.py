"""The list of resources: narrowed on the page as over the API, with what an end costs there and who last asked."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.principals import SYSTEM
from kit import context
from tenants import actions
from tenants.models import ResourceServer
from tests.conformance.test_resources_api import asker
from tests.harness.world import make
from tests.spec import spec
from tokens import askers

NAME = re.compile(r'<p><a href="[^"]+/console/resources/res_[^"]+">([^<]+)</a>')


@pytest.fixture(scope="module")
def several(origin, http):
    """Beside the world's own two and the API: one that asks and did, one that should and never did, one retired."""
    world, now = make(origin, http), timezone.now()
    world.grant(world.public_client(), scope="events:read")
    with context.use(world.tenant):
        add = actions.add_resource_server
        add("https://mail.example/mcp", "Mail", [], by=SYSTEM, kind="mcp", token_format="opaque")
        add("https://pay.example/a2a", "Pay", [], by=SYSTEM, kind="a2a", asks_each_time=True)
        add("https://old.example/", "Old", [], by=SYSTEM)
        ResourceServer.objects.filter(name="Mail").update(asked_at=now)
        ResourceServer.objects.filter(name="Pay").update(asked_at=now - timedelta(days=31))
        ResourceServer.objects.filter(name="Old").update(retired_at=now)
        ResourceServer.objects.filter(name="Pay").update(probed_at=now, probe_failed="stranger")
    yield world
    world.close()


def names(page):
    return NAME.findall(page.text)


def everything(world):
    with context.use(world.tenant):
        return set(ResourceServer.objects.values_list("name", flat=True))


NARROWED = [
    ("q=MAI", {"Mail"}),
    ("q=pay.example", {"Pay"}),
    ("kind=mcp", {"Mail"}),
    ("kind=a2a&q=mail", set()),
    ("checks=asks", {"Mail", "Pay"}),
    ("retired=true", {"Old"}),
    ("silent=true", {"Pay"}),
    ("checks=asks&silent=false", {"Mail"}),
    ("failed=true", {"Pay"}),
    ("idle=false&q=calendar", {"Calendar"}),
    ("idle=true&kind=api&retired=false", {"Notes"}),
]


@spec("RFC 9110", "15.3.1")
@pytest.mark.parametrize(("query", "left"), NARROWED)
def test_resources_are_narrowed_on_the_page_as_over_the_api(several, query, left):
    page = several.browser("ada").go(several.url(f"/console/resources?{query}"))
    assert set(names(page)) == left
    answer = asker(several, "ada")("GET", f"/resources?{query}").json()
    assert {each["name"] for each in answer["resources"]} == left


@spec("RFC 9110", "15.3.1")
@pytest.mark.parametrize("word", ["checks", "idle", "silent", "failed", "retired"])
def test_a_question_and_its_opposite_are_all_resources(several, word):
    values = ("asks", "itself") if word == "checks" else ("true", "false")
    ask = asker(several, "ada")
    found = [{each["name"] for each in ask("GET", f"/resources?{word}={v}").json()["resources"]} for v in values]
    assert not found[0] & found[1]
    assert found[0] | found[1] == everything(several)


@spec("RFC 9110", "15.5.1")
@pytest.mark.parametrize("query", ["colour=red", "kind=robot", "checks=never", "retired=perhaps", "q=%00"])
def test_what_narrows_no_resource_is_said_on_the_page_and_refused_over_the_api(several, query):
    page = several.browser("ada").go(several.url(f"/console/resources?{query}"))
    assert page.status_code == 200
    if query == "colour=red":
        assert "“colour” narrows nothing here." in page.text
    else:
        assert names(page) == []
    refused = asker(several, "ada")("GET", f"/resources?{query}")
    assert (refused.status_code, refused.headers["content-type"]) == (400, "application/problem+json")


@spec("RFC 9110", "15.3.1")
def test_resources_stand_in_the_order_that_the_address_names(several):
    ada = several.browser("ada")
    by_name = names(ada.go(several.url("/console/resources?order=name")))
    assert by_name == sorted(everything(several), key=str.lower)
    assert names(ada.go(several.url("/console/resources")))[:3] == ["Old", "Pay", "Mail"]
    assert names(ada.go(several.url("/console/resources?order=oldest")))[-1] == "Old"


@spec("RFC 7009", "2.2")
def test_a_row_says_when_an_end_holds_there_whom_it_lets_in_and_that_it_should_ask(several):
    page = several.browser("ada").go(several.url("/console/resources"))
    rows = {names_of: row for row in page.text.split("<tr>") for names_of in NAME.findall(row)}
    assert "within 5 minutes" in rows["Calendar"]
    assert "1 person, 1 agent" in rows["Calendar"]
    for name in ("Mail", "Pay"):
        assert "at once" in rows[name]
        assert "nobody" in rows[name]
    worry = "It should ask each time, and did not for 30 days"
    assert [name for name, row in rows.items() if worry in row] == ["Pay"]
    answer = {each["name"]: each for each in asker(several, "ada")("GET", "/resources").json()["resources"]}
    assert [answer[name]["revocation_lag"] for name in ("Calendar", "Mail", "Pay")] == [300, 0, 0]


@spec("RFC 7662", "2.1")
def test_a_resource_server_that_introspects_was_seen_and_a_client_that_does_was_not_it(world):
    token = world.grant(world.public_client(), scope="events:read")["access_token"]
    askers.forget_all()

    def seen():
        with context.use(world.tenant):
            return ResourceServer.objects.get(pk=world.calendar.pk).asked_at

    asker_of_it = world.introspector()
    worker = world.worker()
    assert world.introspect(worker, token) == {"active": False}
    assert seen() is None
    before = timezone.now()
    assert world.introspect(asker_of_it, token)["active"] is True
    assert before <= seen() <= timezone.now()
    with context.use(world.tenant):
        version = ResourceServer.objects.get(pk=world.calendar.pk).version
    assert version == world.calendar.version


@spec("RFC 8707", "2")
def test_what_kind_a_resource_is_is_said_and_changed(world):
    ada = asker(world, "ada")
    place = f"/resources/{world.calendar.pk}"
    assert ada("GET", place).json()["kind"] == "api"
    assert ada("PATCH", place, {"kind": "mcp"}).json()["kind"] == "mcp"
    assert world.entries("resource_server.changed")[-1].detail == {"before": ["kind: api"], "after": ["kind: mcp"]}
    assert ada("PATCH", place, {"kind": "robot"}).status_code == 400


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Mail", ("asks each time", "an end holds at once")),
        ("Calendar", ("by itself", "an end holds within", "does not need to")),
        ("Pay", ("asks each time", "It should ask each time, and did not for 30 days")),
    ],
)
def test_the_page_of_a_resource_says_how_it_checks_tokens_as_its_row_does(several, name, words):
    with context.use(several.tenant):
        resource = ResourceServer.objects.get(name=name).pk
    ada = several.browser("ada")
    ada.go(several.url(f"/console/resources/{resource}"))
    said = ada.words().partition("How it checks tokens")[2]
    assert all(each in said for each in words), said
