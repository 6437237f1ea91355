"""Saved lists: a person's own, saved from above a list, opened by the same filter, and the same over the API."""

from urllib.parse import parse_qs, urlsplit

import pytest

from agents import ranking
from audit.principals import SYSTEM
from console.admin import delegations
from console.me import saved_lists
from delegations import saved_views
from kit import context
from kit.orders import NEWEST
from tenants.errors import IdentifierTaken, Unusable
from tenants.models import SavedView
from tests.conformance.test_api import call
from tests.conformance.test_resources_api import asker
from tests.harness.crowd import at_once
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPES = "views:read views:write"
ASKED = "q=scout&state=over&order=ends"
PLAIN = "order=ends&q=scout&state=over"


def opened(world, name, path):
    browser = world.browser(name)
    assert browser.go(world.url(path)).status_code == 200
    return browser


def saved(world):
    with context.use(world.tenant):
        return list(SavedView.objects.order_by("pk"))


def chips(browser):
    """Return the saved lists above a list: their names and where they lead; and the one that is open."""
    page = browser.page.text
    part = page[page.index('id="saved"') : page.index('class="narrowing"')]
    links = [each.split("</a>")[0] for each in part.split('<a class="chip" href="')[1:]]
    found = {each.rpartition(">")[2]: each.partition('"')[0].replace("&amp;", "&") for each in links}
    return found, [each.rpartition(">")[2] for each in links if "aria-current" in each]


@spec("RFC 9110", "9.3.3")
@pytest.mark.parametrize(
    ("path", "query", "listing"),
    [
        ("/console/delegations", ASKED, "delegations"),
        ("/console/agents", "q=scout&no_owner=true", "agents"),
        ("/console/activity", "event=agent.*&refused=true", "events"),
    ],
)
def test_a_list_is_saved_as_it_stands_and_opened_again_from_above_it(world, path, query, listing):
    ada = opened(world, "ada", f"{path}?{query}&before=dlg_{'0' * 26}")
    assert ada.submit(ada.form("/me/views/save"), {"name": "Mine to watch"}).status_code == 200
    (view,) = saved(world)
    assert (view.member_id, view.listing, view.name) == (world.people["ada"].pk, listing, "Mine to watch")
    assert parse_qs(view.query) == parse_qs(query)
    assert parse_qs(urlsplit(str(ada.page.url)).query) == parse_qs(query)
    found, current = chips(ada)
    assert (parse_qs(found["Mine to watch"][1:]), current) == (parse_qs(query), ["Mine to watch"])
    assert "Save this list" not in ada.words()
    ada.go(world.url(path))
    assert chips(ada)[1] == []
    (entry,) = world.entries("member.view_saved")
    assert (entry.principal_id, entry.about_label, entry.detail) == (
        world.people["ada"].pk,
        "Mine to watch",
        {"list": listing},
    )


@spec("RFC 9110", "9.3.3")
def test_where_nothing_narrows_or_a_word_means_nothing_there_is_nothing_to_save(world):
    for query in ("", "?colour=red", "?ends_before=soon&colour=red", "?order=upwards"):
        assert "Save this list" not in opened(world, "ada", f"/console/delegations{query}").words()
    assert "Save this list" in opened(world, "ada", "/console/delegations?q=x").words()


@spec("RFC 9110", "9.3.3")
def test_a_saved_list_is_renamed_and_removed_and_a_flaw_loses_nothing(world):
    with context.use(world.tenant):
        for name in ("One", "Two"):
            saved_views.save(world.people["ada"], "agents", name, f"q={name}", by=SYSTEM)
    one, two = saved(world)
    ada = opened(world, "ada", "/me/views")
    assert "Agents: Search: One" in ada.words()
    late = ada.form(f"{one.pk}/rename")
    with leaves_only(world):
        assert ada.submit(ada.form(f"{one.pk}/rename"), {"name": "Two"}).status_code == 422
    assert "It is there already." in ada.words()
    assert dict(ada.form(f"{one.pk}/rename").fields)["name"] == "Two"
    assert ada.submit(ada.form(f"{one.pk}/rename"), {"name": "  Three  now "}).status_code == 200
    assert saved(world)[0].name == "Three now"
    with leaves_only(world):
        assert ada.submit(late, {"name": "Four"}).status_code == 422
    assert "Ada changed it at" in ada.words()
    remove = ada.form(f"{two.pk}/remove")
    assert ada.submit(remove).status_code == 200
    assert [each.pk for each in saved(world)] == [one.pk]
    with leaves_only(world):
        assert ada.submit(remove).status_code == 404
    events = [each.event for each in world.entries() if each.about_id in {one.pk, two.pk}]
    assert sorted(events)[:2] == ["member.view_changed", "member.view_removed"]


@spec("RFC 9110", "9.3.3")
def test_a_name_that_is_taken_is_said_with_what_was_typed(world):
    ada = opened(world, "ada", "/console/agents?q=one")
    form = ada.form("/me/views/save")
    ada.submit(form, {"name": "One"})
    with leaves_only(world):
        assert ada.submit(form, {"name": "One", "query": "q=other"}).status_code == 422
        again = ada.form("/me/views/save")
        assert {"name": "One", "list": "agents", "query": "q=other"}.items() <= dict(again.fields).items()
        for flaw in ({"name": " "}, {"list": "secrets"}, {"query": "colour=red"}, {"query": "q=" + "x" * 2001}):
            assert ada.submit(form, {"name": "Another", **flaw}).status_code == 422, flaw
    assert ada.submit(again, {"name": "Another"}).status_code == 200
    assert [each.name for each in saved(world)] == ["One", "Another"]


@spec("RFC 9110", "9.3.1")
def test_a_word_that_means_nothing_any_more_is_said_when_the_list_is_opened(world):
    with context.use(world.tenant):
        view = saved_views.save(world.people["ada"], "delegations", "Old", "q=x", by=SYSTEM)
    world.rewrite(view, query="colour=red&ends_before=soon")
    ada = opened(world, "ada", "/me/views")
    assert "“colour” narrows nothing here." in ada.words()
    ada.go(world.url(f"/console/delegations{chips(opened(world, 'ada', '/console/delegations'))[0]['Old']}"))
    assert "“colour” narrows nothing here." in ada.words()
    notes = asker(world, "ada", SCOPES)("GET", f"/me/views/{view.pk}").json()["notes"]
    assert notes[0] == "“colour” narrows nothing here."
    assert notes[1].startswith("ends_before: ")


@spec("RFC 9110", "9.3.1")
def test_nobody_sees_or_changes_what_somebody_else_saved(world):
    with context.use(world.tenant):
        view = saved_views.save(world.people["ada"], "agents", "Of Ada", "q=x", by=SYSTEM)
    world.rewrite(world.people["bob"], role="admin")
    bob, ask = opened(world, "bob", "/console/agents"), asker(world, "bob", SCOPES)
    assert "Of Ada" not in bob.page.text
    bob.go(world.url("/me/views"))
    assert "Of Ada" not in bob.page.text
    ada = opened(world, "ada", "/me/views")
    mine = [ada.form(f"{view.pk}/rename"), ada.form(f"{view.pk}/remove")]
    bob.go(world.url("/logout"))
    csrf = bob.form("/logout").fields
    with leaves_only(world):
        for form in mine:
            form.fields = csrf
            assert bob.submit(form, {"name": "x", "version": "1"}).status_code == 404
        assert ask("GET", "/me/views").json()["views"] == []
        for method, body in (("GET", None), ("PATCH", {"name": "x"}), ("DELETE", None)):
            assert ask(method, f"/me/views/{view.pk}", body).status_code == 404


@spec("RFC 9110", "9.3.3")
def test_over_the_api_it_is_the_same(world):
    ask = asker(world, "ada", SCOPES)
    made = ask("POST", "/me/views", {"list": "delegations", "name": "Soon", "query": f"{ASKED}&before=x"})
    assert made.status_code == 201, made.text
    view = made.json()
    assert (view["list"], view["name"], view["query"], view["notes"]) == ("delegations", "Soon", PLAIN, [])
    assert view["links"]["console"] == world.url(f"/console/delegations?{PLAIN}")
    assert chips(opened(world, "ada", "/console/delegations"))[0] == {"Soon": f"?{PLAIN}"}
    place = f"/me/views/{view['id']}"
    changed = ask("PATCH", place, {"name": "Later", "query": ""}, **{"If-Match": made.headers["etag"]})
    assert (changed.status_code, changed.json()["name"], changed.json()["query"]) == (200, "Later", "")
    with leaves_only(world):
        assert ask("PATCH", place, {"name": "x"}, **{"If-Match": made.headers["etag"]}).status_code == 412
        for flaw, status in (
            ({"name": ""}, 400),
            ({"list": "secrets"}, 400),
            ({"query": "colour=red"}, 422),
            ({"query": "ends_before=soon"}, 422),
            ({"query": "q=a&q=b"}, 422),
            ({"query": "order=upwards"}, 422),
            ({"name": "Later"}, 409),
        ):
            answer = ask("POST", "/me/views", {"list": "delegations", "name": "New", "query": "q=x", **flaw})
            assert answer.status_code == status, (flaw, answer.text)
    assert [each["id"] for each in ask("GET", "/me/views").json()["views"]] == [view["id"]]
    assert ask("DELETE", place).status_code == 204
    assert ask("DELETE", place).status_code == 404
    assert [each.event for each in world.entries() if each.about_id == view["id"]] == [
        "member.view_saved",
        "member.view_changed",
        "member.view_removed",
    ]


@spec("RFC 6750", "3.1")
def test_a_token_needs_the_scope_and_an_agents_own_saves_nothing(world):
    reader, writer = asker(world, "ada", "views:read"), asker(world, "ada", SCOPES)
    own = world.own_api_token(world.worker())
    said = {"list": "agents", "name": "x", "query": "q=x"}
    with leaves_only(world):
        assert call(world, own, "/me/views").status_code == 403
        assert reader("POST", "/me/views", said).status_code == 403
    assert reader("GET", "/me/views").status_code == 200
    assert writer("POST", "/me/views", said).status_code == 201


@spec("RFC 9110", "9.3.3")
def test_of_many_at_once_no_more_are_saved_than_there_may_be_and_a_name_is_taken_once(world):
    ada = world.people["ada"]
    with context.use(world.tenant):
        for number in range(saved_views.MOST - 2):
            saved_views.save(ada, "agents", f"List {number}", "q=x", by=SYSTEM)

    def one(number):
        try:
            return saved_views.save(ada, "agents", ("Same", "Other", f"List x{number}")[number % 3], "q=x", by=SYSTEM)
        except (Unusable, IdentifierTaken):
            return None

    made = [each for each in at_once(6, one, tenant=world.tenant) if each is not None]
    assert len(made) == 2
    assert len(saved(world)) == saved_views.MOST
    refused = asker(world, "ada", SCOPES)("POST", "/me/views", {"list": "events", "name": "One more"})
    assert (refused.status_code, "as many as there can be" in refused.json()["detail"]) == (422, True)
    bobs = asker(world, "bob", SCOPES)("POST", "/me/views", {"list": "agents", "name": "Same"})
    assert bobs.status_code == 201, "everybody has as many"


def test_every_list_that_can_be_saved_has_a_page_and_the_orders_that_the_page_has():
    of_delegations = [each.word for each in delegations.ORDERS]
    orders = {"agents": list(ranking.ORDERS), "delegations": of_delegations, "events": [NEWEST.word]}
    assert set(saved_views.LISTS) == set(saved_lists.PAGES) == set(orders)
    for name, known in saved_views.LISTS.items():
        assert list(known.orders) == orders[name]
