"""People's places over REST: roles, removal, and an admin who stays; nobody raises themselves."""

import pytest

from kit import context
from tenants.models import Membership, User
from tests.conformance.test_resources_api import asker
from tests.harness import crowd
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPES = "members:read members:write"


@pytest.fixture
def ada(world):
    return asker(world, "ada", SCOPES)


def role_of(world, name):
    with context.use(world.tenant):
        return Membership.objects.get(pk=world.people[name].pk).role


@spec("RFC 9700", "2.3")
def test_a_role_is_given_and_counts_at_once(world, ada):
    bob = f"/members/{world.people['bob'].pk}"
    read = ada("GET", bob)
    given = ada("PATCH", bob, {"role": "auditor"}, **{"If-Match": read.headers["etag"]})
    assert (given.status_code, given.json()["role"]) == (200, "auditor")
    assert world.browser("bob").go(world.url("/console/agents")).status_code == 200
    with leaves_only(world):
        late = ada("PATCH", bob, {"role": "admin"}, **{"If-Match": read.headers["etag"]})
    assert (late.status_code, late.json()["changed_by"]) == (412, world.people["ada"].pk)
    (entry,) = world.entries("member.role_changed")
    assert (entry.about_id, entry.detail) == (world.people["bob"].pk, {"before": "member", "after": "auditor"})


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize(
    ("mine", "whose", "before", "role", "status"),
    [
        ("admin", "bob", "member", "admin", 200),
        ("admin", "bob", "member", "king", 400),
        ("admin", "ada", "admin", "member", 409),
        ("security", "bob", "member", "approver", 200),
        ("security", "bob", "member", "admin", 403),
        ("security", "bob", "admin", "member", 403),
        ("security", "ada", "security", "admin", 403),
        ("security", "ada", "security", "auditor", 200),
        ("approver", "bob", "member", "developer", 403),
        ("auditor", "ada", "auditor", "admin", 403),
    ],
)
def test_who_may_give_which_role(world, ada, mine, whose, before, role, status):
    world.rewrite(world.people["ada"], role=mine)
    world.rewrite(world.people[whose], role=before)
    path = f"/members/{world.people[whose].pk}"
    if status == 200:
        assert ada("PATCH", path, {"role": role}).status_code == 200
        assert role_of(world, whose) == role
        return
    with leaves_only(world):
        refused = ada("PATCH", path, {"role": role})
    assert (refused.status_code, refused.headers["content-type"]) == (status, "application/problem+json")


@spec("RFC 9700", "2.3")
def test_two_admins_who_lower_each_other_at_once_leave_one(world, ada):
    world.rewrite(world.people["bob"], role="admin")
    bob = asker(world, "bob", SCOPES)
    paths = {"ada": f"/members/{world.people['ada'].pk}", "bob": f"/members/{world.people['bob'].pk}"}
    lower = [(ada, paths["bob"]), (bob, paths["ada"])]
    codes = crowd.at_once(2, lambda each: lower[each][0]("PATCH", lower[each][1], {"role": "member"}).status_code)
    assert sorted(codes)[0] == 200
    assert sorted(codes)[1] in {403, 409}
    assert sorted([role_of(world, "ada"), role_of(world, "bob")]) == ["admin", "member"]


@spec("RFC 7009", "2.1")
def test_whoever_is_removed_has_nothing_acting_for_them_and_no_page(world, ada):
    scout = world.public_client()
    tokens = world.grant(scout, "bob")
    path = f"/members/{world.people['bob'].pk}/remove"
    with leaves_only(world):
        told = ada("POST", path, {"dry_run": True})
    assert told.json() == {"delegations": 1, "agents": 1, "agents_handed_over": 0, "agents_owned": 0}
    assert ada("POST", path, {"reason": "left"}).json() == told.json()
    assert not world.is_active(tokens["access_token"])
    browser = world.browser()
    browser.go(world.url("/login"))
    assert "/login" in str(browser.sign_in(world.email("bob"), "a long and quiet password").url)
    with leaves_only(world):
        assert ada("POST", path).status_code == 409
    assert [entry.reason for entry in world.entries("member.suspended")] == ["left"]
    assert len(world.entries("delegation.ended")) == 1


@spec("RFC 9700", "2.3")
def test_the_last_admin_is_not_removed_and_no_admin_by_somebody_below(world, ada):
    with leaves_only(world):
        assert ada("POST", f"/members/{world.people['ada'].pk}/remove").status_code == 409
    world.rewrite(world.people["bob"], role="security")
    bob = asker(world, "bob", SCOPES)
    with leaves_only(world):
        assert bob("POST", f"/members/{world.people['ada'].pk}/remove").status_code == 403


@spec("RFC 9700", "2.3")
def test_people_are_listed_by_what_is_known_of_them(world, ada):
    found = ada("GET", "/members?role=member").json()["members"]
    assert [each["name"] for each in found] == ["Bob", "Alice"]
    assert [each["email"] for each in ada("GET", "/members?q=ali").json()["members"]] == [world.email("alice")]
    with context.use(world.tenant):
        assert User.objects.filter(email=world.email("alice")).count() == 1
