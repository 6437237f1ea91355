"""Saved lists that are shared: everybody of the tenant finds them, under the name of whose they are."""

import pytest

from audit.principals import SYSTEM
from delegations import saved_views
from kit import context
from tenants.errors import NotActive, Unusable
from tenants.models import SavedView
from tests.conformance.test_resources_api import asker
from tests.conformance.test_saved_views import chips, opened, saved
from tests.harness.crowd import at_once
from tests.harness.footprint import leaves_only
from tests.harness.world import make
from tests.spec import spec

SCOPES = "views:read views:write views:share"


def made(world, person="ada", name="Nobody answers", *, shared=False):
    """Save a list of agents for a person, and share it."""
    with context.use(world.tenant):
        view = saved_views.save(world.people[person], "agents", name, "no_owner=true", by=SYSTEM)
        return saved_views.share(view, by=SYSTEM) if shared else view


@spec("RFC 9110", "9.3.3")
def test_a_shared_list_stands_above_everybodys_list_with_the_name_of_whose_it_is(world):
    view = made(world)
    world.rewrite(world.people["bob"], role="auditor")
    bob = opened(world, "bob", "/console/agents")
    assert "Nobody answers" not in bob.page.text
    ada = opened(world, "ada", "/me/views")
    assert ada.submit(ada.form(f"{view.pk}/share")).status_code == 200
    assert "Everybody here finds it above the list, under your name." in ada.words()
    bob.go(world.url("/console/agents?no_owner=true"))
    assert "Nobody answers by Ada" in bob.words()
    assert 'href="?no_owner=true" aria-current="true"' in bob.page.text
    bob.go(world.url("/me/views"))
    assert "Shared by Ada · Agents: " in bob.words()
    ada.go(world.url("/console/agents"))
    assert chips(ada)[0] == {"Nobody answers": "?no_owner=true"}, "without a name: it is her own"
    (entry,) = world.entries("member.view_shared")
    assert (entry.principal_id, entry.about_id, entry.detail) == (
        world.people["ada"].pk,
        view.pk,
        {"list": "agents"},
    )


@spec("RFC 9110", "9.3.3")
@pytest.mark.parametrize(("role", "shares"), [("admin", True), ("security", True), ("approver", False)])
def test_only_whoever_may_shares_a_list_of_their_own(world, role, shares):
    world.rewrite(world.people["ada"], role=role)
    view = made(world)
    assert ("Share with everybody here" in opened(world, "ada", "/me/views").words()) is shares
    answer = asker(world, "ada", SCOPES)("POST", f"/views/{view.pk}/share")
    assert answer.status_code == (200 if shares else 403), answer.text
    assert (saved(world)[0].shared_at is not None) is shares


@spec("RFC 9110", "9.3.3")
def test_what_somebody_else_saved_is_not_shared_by_an_admin_either(world):
    view = made(world, "bob")
    mine = made(world, "ada")
    ask = asker(world, "ada", SCOPES)
    with leaves_only(world):
        assert ask("POST", f"/views/{view.pk}/share").status_code == 404
    assert ask("POST", f"/views/{mine.pk}/share").status_code == 200


@spec("RFC 9110", "9.3.3")
def test_the_one_who_shared_it_or_an_admin_ends_that_and_nobody_else(world):
    view = made(world, shared=True)
    bob, admin = asker(world, "bob", SCOPES), asker(world, "ada", SCOPES)
    world.rewrite(world.people["bob"], role="auditor")
    browser = opened(world, "bob", "/me/views")
    assert "End sharing" not in browser.words()
    with leaves_only(world):
        assert bob("POST", f"/views/{view.pk}/unshare").status_code == 403
    world.rewrite(world.people["bob"], role="admin")
    browser.go(world.url("/me/views"))
    assert browser.submit(browser.form(f"{view.pk}/unshare")).status_code == 200
    assert saved(world)[0].shared_at is None, "it is Ada's still"
    assert admin("POST", f"/views/{view.pk}/share").status_code == 200
    world.rewrite(world.people["ada"], role="auditor")
    assert admin("POST", f"/views/{view.pk}/unshare").status_code == 200, "what one shared one takes back, in any role"
    ends = {each.principal_id for each in world.entries("member.view_unshared")}
    assert ends == {world.people[name].pk for name in ("bob", "ada")}


@spec("RFC 9110", "9.3.3")
def test_who_may_not_share_any_more_changes_nothing_that_everybody_reads(world):
    view = made(world, shared=True)
    ask = asker(world, "ada", SCOPES)
    world.rewrite(world.people["ada"], role="auditor")
    with leaves_only(world):
        assert ask("PATCH", f"/me/views/{view.pk}", {"query": "q=other"}).status_code == 403
    world.rewrite(world.people["ada"], role="admin")
    assert ask("PATCH", f"/me/views/{view.pk}", {"query": "q=other"}).status_code == 200


@spec("RFC 9110", "9.3.1")
def test_whoever_opens_no_list_finds_none_that_is_shared(world):
    view = made(world, shared=True)
    world.rewrite(world.people["bob"], role="member")
    bob = asker(world, "bob", SCOPES)
    assert bob("GET", "/views").json()["views"] == []
    assert bob("POST", f"/views/{view.pk}/unshare").status_code == 404
    assert "Nobody answers" not in opened(world, "bob", "/me/views").words()
    world.rewrite(world.people["bob"], role="auditor")
    (found,) = bob("GET", "/views").json()["views"]
    assert (found["id"], found["shared_by"], found["query"]) == (view.pk, "Ada", "no_owner=true")


@spec("RFC 9110", "9.3.1")
def test_what_another_tenant_shares_is_not_there(world, origin, http):
    view = made(world, shared=True)
    other = make(origin, http)
    try:
        ask = asker(other, "ada", SCOPES)
        with leaves_only(world):
            for method, path in (
                ("POST", f"/views/{view.pk}/share"),
                ("POST", f"/views/{view.pk}/unshare"),
                ("GET", f"/me/views/{view.pk}"),
            ):
                assert ask(method, path).status_code == 404
        assert ask("GET", "/views").json()["views"] == []
        assert "Nobody answers" not in opened(other, "ada", "/console/agents").page.text
    finally:
        other.close()


@spec("RFC 6750", "3.1")
def test_a_token_that_saves_lists_shares_none(world):
    view, weaker = made(world), asker(world, "ada", "views:read views:write")
    with leaves_only(world):
        refused = weaker("POST", f"/views/{view.pk}/share")
    assert (refused.status_code, 'scope="views:share"' in refused.headers["www-authenticate"]) == (403, True)
    assert asker(world, "ada", SCOPES)("POST", f"/views/{view.pk}/share").status_code == 200


@spec("RFC 9110", "9.3.3")
def test_it_is_shared_once_and_taken_back_once(world):
    view = made(world)
    ask = asker(world, "ada", SCOPES)
    for verb in ("share", "unshare"):
        assert ask("POST", f"/views/{view.pk}/{verb}").status_code == 200
        with leaves_only(world):
            assert ask("POST", f"/views/{view.pk}/{verb}").status_code == 409


@spec("RFC 9110", "9.3.3")
def test_of_many_at_once_no_more_are_shared_than_there_may_be(world):
    for number in range(saved_views.MOST_SHARED - 1):
        made(world, "ada" if number % 2 else "bob", f"List {number}")
    with context.use(world.tenant):
        SavedView.objects.all().update(shared_at=world.tenant.created_at)
    late = [made(world, name="One"), made(world, name="Other")]

    def one(number):
        try:
            return saved_views.share(late[number % 2], by=SYSTEM)
        except (Unusable, NotActive):
            return None

    assert len([each for each in at_once(4, one, tenant=world.tenant) if each is not None]) == 1
    with context.use(world.tenant):
        assert SavedView.objects.filter(shared_at__isnull=False).count() == saved_views.MOST_SHARED
