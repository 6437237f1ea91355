"""Invitations: a place is kept for an address, and whoever reads mail there takes it once, by pressing a button."""

import email
import re
from datetime import timedelta
from email import policy
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone

from kit import context
from tenants.invitation import Invitation
from tenants.models import User
from tests.conformance.test_resources_api import asker
from tests.harness import crowd
from tests.harness.footprint import leaves_only
from tests.harness.world import PASSWORD
from tests.spec import spec

SCOPES = "members:read members:write"


@pytest.fixture
def ada(world):
    return asker(world, "ada", SCOPES)


def link_to(address):
    """Return the link in the last letter to an address."""
    letters = [email.message_from_bytes(each, policy=policy.default) for path in _letters() for each in _parts(path)]
    (*_, last) = [letter.get_content() for letter in letters if letter["To"] == address]
    return re.search(r"https?://\S+/invitation/\S+", last)[0]


def _parts(path):
    """Return the letters of one file: two of one second may lie in the same."""
    return [each for each in path.read_bytes().split(b"-" * 79 + b"\n") if each.strip()]


def _letters():
    return sorted(Path(settings.EMAIL_FILE_PATH).iterdir(), key=lambda path: path.stat().st_mtime_ns)


def invite(world, ada, role="auditor", name="eve"):
    address = f"{name}@{world.tenant.slug}.example"
    made = ada("POST", "/invitations", {"email": address.title(), "role": role})
    assert made.status_code == 201, made.text
    return address, made.json()


@spec("RFC 9700", "2.1")
def test_somebody_new_takes_the_place_that_was_kept_and_signs_in(world, ada):
    address, made = invite(world, ada)
    assert (made["email"], made["role"], "secret" in made) == (address, "auditor", False)
    link, browser = link_to(address), world.browser()
    with leaves_only(world):
        assert "Ada invites" in browser.go(link).text
        browser.submit(browser.form(""), {"name": "Eve", "password": "short"})
        assert "too short" in browser.page.text
    browser.submit(browser.form(""), {"name": "Eve", "password": PASSWORD})
    browser.sign_in(address, PASSWORD)
    assert browser.go(world.url("/console/agents")).status_code == 200
    assert browser.go(link).status_code == 404
    (taken,) = ada("GET", "/invitations?open=false").json()["invitations"]
    assert taken["accepted_at"]
    assert ada("GET", f"/members?q={address}").json()["members"][0]["role"] == "auditor"
    assert world.entries("member.added")[-1].detail["invitation"] == made["id"]


@spec("RFC 9700", "2.1")
def test_somebody_who_is_known_elsewhere_keeps_their_password(world, elsewhere, ada):
    address = elsewhere.email("alice")
    made = ada("POST", "/invitations", {"email": address, "role": "member"})
    assert made.status_code == 201
    before = User.objects.get(email=address).password
    browser = world.browser()
    browser.go(link_to(address))
    browser.submit(browser.form(""), {"name": "Mallory", "password": "another password of hers"})
    user = User.objects.get(email=address)
    assert (user.password, user.name) == (before, "Alice")
    assert "/login" not in str(browser.sign_in(address, PASSWORD).url)


@spec("RFC 9700", "2.1")
@pytest.mark.parametrize("how", ["withdrawn", "invited again", "old"])
def test_an_invitation_that_is_over_opens_nothing(world, ada, how):
    address, made = invite(world, ada)
    link = link_to(address)
    if how == "withdrawn":
        assert ada("DELETE", f"/invitations/{made['id']}").status_code == 204
        assert ada("DELETE", f"/invitations/{made['id']}").status_code == 409
    elif how == "invited again":
        invite(world, ada)
    else:
        with context.use(world.tenant):
            Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with leaves_only(world):
        assert world.browser().go(link).status_code == 404
        assert world.browser().go(link + "x").status_code == 404


@spec("RFC 9700", "2.1")
def test_one_invitation_pressed_twice_at_once_makes_one_place(world, ada):
    address, _ = invite(world, ada)
    browsers = [world.browser(), world.browser()]
    for browser in browsers:
        browser.go(link_to(address))
    forms = [browser.form("") for browser in browsers]
    said = {"name": "Eve", "password": PASSWORD}
    codes = crowd.at_once(2, lambda each: browsers[each].submit(forms[each], said).status_code)
    assert sorted(codes) == [200, 404]
    assert len(ada("GET", f"/members?q={address}").json()["members"]) == 1


@spec("RFC 9457", "3")
@pytest.mark.parametrize(
    ("mine", "said", "status"),
    [
        ("admin", {"email": "nobody", "role": "member"}, 400),
        ("admin", {"email": "x@a.example", "role": "king"}, 400),
        ("admin", {"email": "alice", "role": "member"}, 409),
        ("security", {"email": "x@a.example", "role": "admin"}, 403),
        ("approver", {"email": "x@a.example", "role": "member"}, 403),
    ],
)
def test_who_may_invite_whom(world, ada, mine, said, status):
    world.rewrite(world.people["ada"], role=mine)
    if said["email"] == "alice":
        said = {**said, "email": world.email("alice")}
    with leaves_only(world):
        assert ada("POST", "/invitations", said).status_code == status
