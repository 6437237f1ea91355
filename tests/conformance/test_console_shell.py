"""What stands around every page of the console: sections, where one is, and the way to another tenant."""

import re

import pytest
from django.core.cache import cache

from audit.principals import SYSTEM
from delegations.models import Delegation
from kit import context
from tenants import actions as tenant_actions
from tests.spec import spec
from tokens import figures

pytestmark = pytest.mark.once  # What is judged here is judged before any database is asked, or by its page alone.

LINK = re.compile(
    r'<a href="([^"]+)"(?: aria-current="(\w+)")?><svg[^>]*><use[^>]*/></svg>\s*([^<]+)(?:<b>(\d+)</b>)?</a>'
)


def sections(page, world):
    """Return what the navigation links, by where that leads: (whether it is here, its name, what it counts)."""
    links = LINK.findall(page.text[page.text.index('id="sections"') :])
    prefix = f"/t/{world.tenant.slug}/console"
    return {url.removeprefix(prefix): tuple(rest) for url, *rest in links if url.startswith(prefix)}


def test_the_navigation_says_where_one_is_and_links_only_pages_that_answer(world):
    ada = world.browser("ada")
    found = sections(ada.go(world.url("/console/agents")), world)
    assert found["/agents"] == ("page", "Agents", "")
    assert found["/delegations"] == ("", "Delegations", "")
    for path in found:
        page = ada.go(world.url(f"/console{path}"))
        assert page.status_code == 200
        assert [url for url, (current, *_) in sections(page, world).items() if current] == [path]


@pytest.mark.parametrize(("path", "section"), [("/jobs", "/delegations"), ("/delegations/end", "/delegations")])
def test_a_page_that_is_no_section_belongs_to_one_and_never_to_the_overview(world, path, section):
    page = world.browser("ada").go(world.url(f"/console{path}"))
    here = {url: current for url, (current, *_) in sections(page, world).items() if current}
    assert here == {section: "true"}


def test_the_navigation_counts_what_waits_for_a_decision(world):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    ada = world.browser("ada")
    assert sections(ada.go(world.url("/console/agents")), world)["/approvals"] == ("", "Approvals", "")
    world.public_client("Newcomer")
    page = ada.go(world.url("/console/agents"))
    assert sections(page, world)["/approvals"] == ("", "Approvals", "1")
    assert "1 waits" in ada.words()


def places(page):
    """Return the tenants of the menu, by where they lead: what stands beside each."""
    if 'aria-label="Your organisations"' not in page.text:
        return {}
    menu = page.text[page.text.index('aria-label="Your organisations"') :]
    links = re.findall(r'<a href="([^"]+)"[^>]*>(.*?)</a>', menu[: menu.index("</ul>")], re.DOTALL)
    return {url: " ".join(re.sub(r"<[^>]+>", " ", words).split()) for url, words in links}


@pytest.fixture
def both(world, elsewhere):
    """Ada of the one tenant, with a place in the other, where somebody waits for a decision."""
    elsewhere.tenant = tenant_actions.change_policy(elsewhere.tenant, by=SYSTEM, registration="admission")
    elsewhere.public_client("Newcomer")
    with context.use(elsewhere.tenant):
        return tenant_actions.add_member(world.people["ada"].user, "approver", by=SYSTEM)


@spec("RFC 9700", "2.1")
def test_whoever_has_a_place_in_two_tenants_finds_the_way_to_the_other(world, elsewhere, both):
    found = places(world.browser("ada").go(world.url("/console/agents")))
    assert set(found) == {world.url("/console"), elsewhere.url("/console")}
    words = found[elsewhere.url("/console")]
    assert words.endswith("Approver 1 wait for a decision")
    assert found[world.url("/console")].endswith("Admin")


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("lost", ["place", "tenant", "nothing but the role"])
def test_a_place_that_is_closed_is_not_offered(world, elsewhere, both, lost):
    ada = world.browser("ada")
    if lost == "place":
        elsewhere.rewrite(both, status="suspended")
    elif lost == "tenant":
        tenant_actions.suspend_tenant(elsewhere.tenant, by=SYSTEM, reason="over")
    else:
        elsewhere.rewrite(both, role="member")
    found = places(ada.go(world.url("/console/agents")))
    if lost != "nothing but the role":
        assert found == {}
        return
    # Who may not look there is not told what waits there.
    assert found[elsewhere.url("/me/agents")].endswith("Member")


@spec("RFC 9700", "2.1")
def test_others_are_not_told_where_a_person_has_places(world, elsewhere, both):
    world.rewrite(world.people["bob"], role="admin")
    assert places(world.browser("bob").go(world.url("/console/agents"))) == {}
    assert world.tenant.name not in elsewhere.browser("ada").go(elsewhere.url("/console/agents")).text


def test_a_list_that_is_exchanged_in_place_sends_whoever_was_signed_out_to_sign_in(world):
    nobody = world.browser()
    there = world.url("/console/agents?q=x")
    answer = nobody.http.get(there, headers={"HX-Request": "true", "Referer": there})
    assert answer.status_code == 200
    assert answer.headers["HX-Redirect"].endswith(
        f"/t/{world.tenant.slug}/login?next=%2Ft%2F{world.tenant.slug}%2Fconsole%2Fagents%3Fq%3Dx"
    )
    assert answer.text == ""


@pytest.mark.parametrize(("role", "status"), [("developer", 403), ("auditor", 200)])
def test_whoever_may_not_look_reads_which_role_they_have_and_who_gives_another(world, role, status):
    world.rewrite(world.people["bob"], role=role)
    bob = world.browser("bob")
    assert bob.go(world.url("/console")).status_code == status
    lacks = f"Your role here is {role.title()}, which does not include it."
    roles = "It takes one of these roles: Auditor, Approver, Security, Admin."
    assert (f"{lacks} {roles} Who can change that: Ada." in bob.words()) == (status == 403)


def test_a_page_that_a_role_does_not_open_is_refused_among_those_that_it_does(world):
    world.rewrite(world.people["bob"], role="developer")
    bob = world.browser("bob")
    refused = bob.go(world.url("/console/members"))
    assert (refused.status_code, refused.headers["Cache-Control"]) == (403, "no-store")
    assert set(sections(refused, world)) == {"/resources"}
    assert bob.go(world.url("/console/resources")).status_code == 200
    alice = world.browser("alice")
    refused = alice.go(world.url("/console/members"))
    assert (refused.status_code, 'id="sections"' in refused.text) == (403, False)
    assert "It takes one of these roles: Auditor, Approver, Security, Admin." in alice.words()


NEEDED = {
    "/console/agents": ("Add an agent", "Security"),
    "/console/delegations": ("End all of these", "Security"),
    "/console/resources": ("Add a resource", "Developer"),
    "/console/trust": ("Trust an issuer", "Security"),
    "/console/members": ("Invite", "Security"),
    "/console/keys": ("Rotate or end a key", "Security"),
    "/console/webhooks": ("Add a webhook", "Security"),
    "/console/approvals": ("Approve or deny", "Approver"),
}


@pytest.mark.parametrize("path", NEEDED)
def test_a_button_that_a_role_cannot_press_is_switched_off_and_says_what_it_needs(world, path):
    label, role = NEEDED[path]
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    world.public_client("Newcomer")
    off = re.compile(rf"<button[^>]* disabled>{label}</button> <span[^>]*>Needs {role}; ask Ada\.")
    world.rewrite(world.people["bob"], role="auditor")
    assert off.search(world.browser("bob").go(world.url(path)).text)
    ada = world.browser("ada")
    assert ada.go(world.url(path)).status_code == 200
    assert "Needs " not in ada.words()


def test_whoever_cannot_stop_an_agent_reads_on_its_page_what_that_needs(world):
    who = world.public_client("Scout")
    world.grant(who)
    world.rewrite(world.people["bob"], role="auditor")
    page = world.url(f"/console/agents/{world.delegations()[0].agent_id}")
    bob, ada = world.browser("bob"), world.browser("ada")
    bob.go(page), ada.go(page)
    assert "Pause or end Needs Security; ask Ada." in bob.words()
    assert "Needs Security" not in ada.words()


def test_an_address_that_is_not_here_offers_the_persons_other_tenants(world, elsewhere, both):
    ada = world.browser("ada")
    assert ada.go(world.url("/console/nothing")).status_code == 404
    assert f'href="{elsewhere.url("/console")}"' in ada.page.text
    assert world.browser("alice").go(world.url("/nothing")).text.count("You also have a place at") == 0


def test_a_new_tenant_reads_what_to_begin_with_and_an_old_one_what_wants_somebody(world):
    ada = world.browser("ada")
    ada.go(world.url("/console"))
    assert "To begin with" in ada.words()
    assert "Nothing wants you today." in ada.words()
    cache.clear()
    agent = world.public_client("Scout")
    world.grant(agent)
    with context.use(world.tenant):
        Delegation.objects.update(expires_at=None)
    counted = figures_of(world)
    assert (counted.live, counted.made_today, counted.ends_soon, counted.no_end, counted.ownerless) == (1, 1, 0, 1, 1)
    assert [number for _, number in counted.live_by_day] == [0] * 13 + [1]
    assert world.redeem(agent, "no code", "no verifier").status_code == 400
    cache.clear()
    assert figures_of(world).refused_today == 1


def figures_of(world):
    with context.use(world.tenant):
        return figures.figures(world.tenant)


def pressed(page):
    return re.search(r'value="(\w*)" aria-pressed="true"', page.text)[1]


@pytest.mark.parametrize("path", ["/console/agents", "/me/agents"])
def test_whoever_chooses_a_look_keeps_it_in_this_browser_and_comes_back_to_the_page(world, path):
    ada = world.browser("ada")
    page = ada.go(world.url(f"{path}?q=x"))
    assert (pressed(page), "data-look" in page.text) == ("", False)
    page = ada.submit(ada.form("/look"), {"look": "dark"})
    assert (page.url.path, page.url.query) == (f"/t/{world.tenant.slug}{path}", b"q=x")
    assert (pressed(page), 'data-look="dark"' in page.text) == ("dark", True)
    assert 'data-look="dark"' in ada.go(world.url("/me/security")).text
    assert "data-look" not in ada.submit(ada.form("/look"), {"look": ""}).text


@pytest.mark.parametrize(
    "back",
    ["https://evil.example/", "//evil.example/", "/t/other/console", "javascript:alert(1)", "", "/\\evil.example"],
)
def test_a_look_leads_nowhere_else(world, back):
    ada = world.browser("ada")
    ada.go(world.url("/console/agents"))
    page = ada.submit(ada.form("/look"), {"look": "light", "back": back})
    assert page.url.path.startswith(f"/t/{world.tenant.slug}/")
    assert page.url.host == "localhost"


def test_a_cookie_that_somebody_made_up_changes_no_page(world):
    ada = world.browser("ada")
    ada.http.cookies.set("look", '"><script>')
    page = ada.go(world.url("/console/agents"))
    assert "data-look" not in page.text
    assert pressed(page) == ""


def test_each_page_of_the_console_says_what_depends_on_the_tenant(world, both):
    ada = world.browser("ada")
    assert 'class="where' not in ada.go(world.url("/console/agents")).text
    ada.go(world.url("/console/settings"))
    ada.submit(ada.form("/change"), {"environment": "production"})
    page = ada.go(world.url("/console/agents"))
    assert 'class="console production"' in page.text
    assert "Production" in places(page)[world.url("/console")]
