"""The console: who may look, in which order things stand, and that names are only text."""

import re
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.test import Client as InProcess

from agents.models import Agent
from console.paging import SIZE
from kit import context
from tenants.models import Tenant, User
from tests.harness.footprint import leaves_only
from tests.harness.inside import counted
from tests.spec import spec
from tokens import caches

LISTS = ("/console/agents", "/console/delegations")
OURS = {f"/static/ui/{name}.js" for name in ("htmx-4.0.1.min", "copy", "dialogs", "choosing")}


def make_agents(world, number):
    """Make agents, and return their names in the order of the list: newest first."""
    with context.use(world.tenant):
        for place in range(number):
            Agent.objects.create(name=f"Agent {place:03}")
        return list(Agent.objects.order_by("-pk").values_list("name", flat=True))


@pytest.fixture
def ada(world):
    return world.browser("ada")


def names(browser):
    """Return the agents that the open list shows, in its order."""
    return re.findall(r">(Agent \d+)</a>", browser.page.text)


def scripts(page):
    """Return where the scripts of a page come from; one that stands in the page itself is no address."""
    return {re.sub(r'^ src="([^"]*)" defer>$', r"\1", tag) for tag in re.findall(r"<script([^>]*>)", page.text)}


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    ("role", "status"),
    [("admin", 200), ("security", 200), ("approver", 200), ("auditor", 200), ("developer", 403), ("member", 403)],
)
def test_the_console_is_for_those_who_look_after_the_tenant(world, path, role, status):
    world.rewrite(world.people["bob"], role=role)
    page = world.browser("bob").go(world.url(path))
    assert page.status_code == status
    assert ("You may not see this page" in page.text) == (status == 403)


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("path", LISTS)
def test_whoever_loses_the_role_loses_the_console_at_once(world, ada, path):
    assert ada.go(world.url(path)).status_code == 200
    world.rewrite(world.people["ada"], role="member")
    assert ada.go(world.url(path)).status_code == 403


@spec("RFC 9700", "2.1")
def test_the_lists_name_agents_and_who_lets_them_do_what(world, ada):
    world.grant(world.public_client(client_uri="https://scout.example"))
    ada.go(world.url("/console/agents"))
    assert (
        "Scout scout.example Active Nobody vouches for who runs it. no owner 1 person 1 resource used just now"
        in ada.words()
    )
    ada.go(world.url("/console/delegations"))
    assert (
        f"Alice {world.email('alice')} Scout scout.example 1 place (Scout, Alice) Calendar Read your calendar in 7 days"
        in ada.words()
    )


@spec("RFC 9700", "2.1")
def test_pages_follow_each_other_by_id_newest_first(world, ada):
    expected = make_agents(world, 2 * SIZE + 5)
    found = []
    ada.go(world.url("/console/agents"))
    assert "50 of 105" in ada.words()
    for size in (SIZE, SIZE, 5):
        assert len(names(ada)) == size
        found += names(ada)
        ada.go(world.url("/console/agents") + link(ada, "next" if size == SIZE else "prev"))
    assert found == expected
    assert names(ada) == expected[SIZE : 2 * SIZE]
    assert link(ada, "prev")


def link(browser, rel):
    """Return the address of the pager's link, or "" where there is none."""
    part, _, _ = browser.page.text.partition(f'" rel="{rel}"')
    return part.rpartition('href="')[2].replace("&amp;", "&") if f'rel="{rel}"' in browser.page.text else ""


@spec("RFC 9110", "15.5.1")
@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "query",
    ["before=%00", "after=%00", "before='", "after=%ff", "q=%00", "status=' OR 1=1", "status=nothing", "order=password",
     "owner__user__password=x", "before=" + "x" * 2000, "after=agt_zzzzzzzzzzzzzzzzzzzzzzzzzz", "page=-1"],
)  # fmt: skip
def test_odd_questions_to_a_list_break_nothing(world, ada, path, query):
    make_agents(world, 1)
    with leaves_only(world):
        page = ada.go(f"{world.url(path)}?{query}")
    assert page.status_code == 200


@spec("RFC 9700", "2.1")
def test_a_filter_narrows_a_list_and_stays_while_one_pages(world, ada):
    make_agents(world, SIZE + 2)
    with context.use(world.tenant):
        Agent.objects.filter(name="Agent 000").update(status="suspended", name="Sleeper")
    ada.go(world.url("/console/agents?q=sleep"))
    assert "1 of 1" in ada.words()
    ada.go(world.url("/console/agents?status=suspended"))
    assert "Sleeper" in ada.words()
    assert names(ada) == []
    ada.go(world.url("/console/agents?q=agent"))
    ada.go(world.url("/console/agents") + link(ada, "next"))
    assert len(names(ada)) == 1
    assert "q=agent" in str(ada.page.url)


@spec("RFC 6749", "10.13")
def test_hostile_names_are_text_on_every_page(world):
    name = "</title><script>alert(1)</script>"
    Tenant.objects.filter(pk=world.tenant.pk).update(name=f"{name}\u202e")
    User.objects.filter(pk=world.people["alice"].user_id).update(name=f"{name}\u202e")
    world.grant(world.public_client(name, client_uri="https://evil.example/'onload=x"))
    for person, paths in (("alice", ("/me/agents", "/logout")), ("ada", LISTS)):
        browser = world.browser(person)
        for path in paths:
            page = browser.go(world.url(path))
            assert page.status_code == 200
            assert scripts(page) <= OURS
            assert "&lt;script&gt;alert(1)" in page.text


@spec("RFC 6749", "10.13")
def test_what_was_searched_for_is_text_on_the_page(world, ada):
    page = ada.go(f"{world.url('/console/agents')}?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    assert scripts(page) == OURS
    assert "&lt;script&gt;" in page.text


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize(
    ("path", "person"), [("/console/agents", "ada"), ("/console/delegations", "ada"), ("/me/agents", "alice")]
)
def test_a_list_of_four_costs_as_many_queries_as_a_list_of_two(world, path, person):
    name = f"{settings.SESSION_COOKIE_NAME}-{world.tenant.slug}"
    inside = InProcess(SERVER_NAME=urlsplit(world.origin).hostname)
    inside.cookies[name] = world.browser(person).http.cookies[name]
    costs = []
    for _ in range(2):
        for _ in range(2):
            world.grant(world.public_client())
        caches.forget_all()
        with counted() as statements:
            assert inside.get(f"/t/{world.tenant.slug}{path}").status_code == 200
        costs.append(len(statements))
    assert costs[0] == costs[1] <= 12
