"""The list of people: when each came in and by what, how they came, and what is theirs; on the page as in the API."""

import csv
import io
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from django.utils import timezone

from agents.models import Agent, Approval
from audit.principals import SYSTEM
from kit import context
from tenants.models import Membership
from tests.conformance.test_invitations import invite, link_to
from tests.conformance.test_resources_api import asker
from tests.harness.world import PASSWORD
from tests.spec import spec
from tokens.across import people as foreign
from tokens.values import Arrival
from trust import actions as trust_actions
from trust.models import TrustedIssuer

SCOPES = "members:read members:write"
PAGE = "/console/members"


@pytest.fixture
def ada(world):
    return asker(world, "ada", SCOPES)


def listed(ada, query=""):
    answer = ada("GET", f"/members{query}")
    assert answer.status_code == 200, answer.text
    return {each["name"]: each for each in answer.json()["members"]}


def give_factor(world, name, kind):
    Authenticator.objects.create(user=world.people[name].user, type=kind, data={"name": "Key"})


def own_agent(world, name, **fields):
    with context.use(world.tenant):
        return Agent.objects.create(name="Scout", owner=world.people[name], **fields)


def came_in(world, name):
    browser = world.browser()
    browser.go(world.url("/login"))
    browser.sign_in(world.email(name), PASSWORD)


@spec("RFC 9700", "2.3")
def test_a_row_says_when_a_person_last_came_in_and_by_what(world, ada):
    came_in(world, "bob")
    give_factor(world, "bob", Authenticator.Type.TOTP)
    give_factor(world, "ada", Authenticator.Type.TOTP)
    give_factor(world, "ada", Authenticator.Type.WEBAUTHN)
    give_factor(world, "alice", Authenticator.Type.RECOVERY_CODES)
    found = listed(ada)
    assert {name: each["factor"] for name, each in found.items()} == {"Ada": "passkey", "Bob": "app", "Alice": "none"}
    (entry,) = [each for each in world.entries("login.ok") if each.about_id == world.people["bob"].pk]
    assert found["Bob"]["last_signed_in_at"] == entry.at.isoformat().replace("+00:00", "Z")
    assert found["Alice"]["last_signed_in_at"] is None


@spec("RFC 9700", "2.3")
def test_a_row_says_how_a_person_came_to_have_a_place(world, ada):
    address, _ = invite(world, ada)
    browser = world.browser()
    browser.go(link_to(address))
    browser.submit(browser.form(""), {"name": "Eve", "password": PASSWORD})
    with context.use(world.tenant):
        issuer = trust_actions.trust_issuer(
            "https://idp.example", by=SYSTEM, key_source="metadata", purposes=["sign_in"]
        )
        member = Membership(role=Membership.Role.MEMBER)
        new = TrustedIssuer.Mapping.NEW_MEMBER
        foreign.welcome(Arrival(issuer, "s-1", member, new, email=f"kim@{world.tenant.slug}.example", name="Kim"))
        trust_actions.link_subject(issuer, "s-2", world.people["bob"], by=SYSTEM, how="admin")
    found = {name: each["came_by"] for name, each in listed(ada).items()}
    assert found == {"Ada": "hand", "Alice": "hand", "Bob": "hand", "Eve": "invited", "Kim": "company"}
    assert listed(ada, "?came_by=invited").keys() == {"Eve"}
    assert listed(ada, "?came_by=company").keys() == {"Kim"}


@spec("RFC 9700", "2.3")
def test_a_row_says_which_agents_are_a_persons_and_what_waits_for_them(world, ada):
    own_agent(world, "bob")
    own_agent(world, "bob", status=Agent.Status.RETIRED)
    waiting = own_agent(world, "bob", status=Agent.Status.PENDING)
    with context.use(world.tenant):
        Approval.objects.create(kind=Approval.Kind.ADMISSION, agent=waiting)
    world.rewrite(world.people["alice"], role="approver")
    found = listed(ada)
    assert {name: each["agents_owned"] for name, each in found.items()} == {"Ada": 0, "Bob": 2, "Alice": 0}
    assert {name: each["approvals_open"] for name, each in found.items()} == {"Ada": 1, "Bob": None, "Alice": 1}


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("passkey=false", {"Ada", "Bob"}), ("passkey=true", {"Alice"}),
        ("unseen_since=90d", {"Alice"}), ("unseen_since=300d", set()),
        ("role=admin", {"Ada"}),
        ("owns_agents=true", {"Bob"}), ("owns_agents=false", {"Ada", "Alice"}),
    ],
)  # fmt: skip
def test_the_same_words_narrow_the_page_and_the_api(world, ada, query, names):
    give_factor(world, "alice", Authenticator.Type.WEBAUTHN)
    own_agent(world, "bob")
    for name in ("alice", "ada"):
        world.rewrite(world.people[name], created_at=timezone.now() - timedelta(days=200))
    came_in(world, "ada")
    browser = world.browser("ada")
    assert listed(ada, f"?{query}").keys() == names
    browser.go(world.url(f"{PAGE}?{query}"))
    shown = {name for name in ("Ada", "Alice", "Bob") if f"Role of {name}" in browser.words()}
    assert shown == names
    assert f"/api/v1/members?{query}" in browser.words()


@spec("RFC 9700", "2.3")
def test_a_word_that_narrows_nothing_is_said(world, ada):
    refused = ada("GET", "/members?color=red")
    assert (refused.status_code, "narrows nothing here" in refused.text) == (400, True)
    assert ada("GET", "/members?unseen_since=soon").status_code == 400
    browser = world.browser("ada")
    browser.go(world.url(f"{PAGE}?color=red"))
    assert "“color” narrows nothing here." in browser.words()
    browser.go(world.url(f"{PAGE}?unseen_since=soon"))
    assert "Nobody found." in browser.words()


@spec("RFC 9700", "2.3")
def test_the_list_is_sorted_by_name_and_by_the_last_sign_in(world):
    came_in(world, "bob")
    came_in(world, "ada")
    browser = world.browser("ada")
    for order, names in {"name": ["Ada", "Alice", "Bob"], "signed-in": ["Ada", "Bob", "Alice"]}.items():
        words = browser.go(world.url(f"{PAGE}?order={order}")) and browser.words()
        assert sorted(names, key=lambda name: words.index(f"Role of {name}")) == names


@spec("RFC 9700", "2.3")
def test_a_file_of_people_says_the_same(world, ada):
    own_agent(world, "bob")
    rows = list(csv.DictReader(io.StringIO(ada("GET", "/members/export/csv").text)))
    assert {row["name"]: (row["agents_owned"], row["factor"], row["came_by"]) for row in rows}["Bob"] == (
        "1", "none", "hand",
    )  # fmt: skip
