"""What a person and a developer read when an agent's request cannot be answered: case by case, and who may mend it."""

import re
from datetime import timedelta
from html import escape, unescape

import pytest
from django.utils import timezone

from agents.models import Approval
from audit.principals import SYSTEM
from kit import context
from tests.harness import company
from tests.harness.browser import answer
from tests.harness.footprint import leaves_only
from tests.harness.hostile import json_answer, status
from tests.harness.world import REDIRECT, pkce
from tests.spec import spec
from tokens.models import AuthorizationRequest
from trust import actions as trust_actions


class Case:
    """An agent whose people stand before a page; each case spoils one thing of it."""

    def __init__(self, world, documents):
        self.world, self.documents = world, documents
        self.scout = world.public_client(redirect_uris=["https://scout.example/back"])
        self.agent = self.scout.client.agent
        self.sent = {"redirect_uri": "https://scout.example/back"}
        self.place = ""

    def state(self, **fields):
        self.world.rewrite(self.agent, **fields)

    def deny(self):
        self.state(status="denied")
        with context.use(self.world.tenant):
            Approval.objects.create(
                kind="admission", agent=self.agent, status="denied", reason="Nobody needs it", asked={},
                decided_at=timezone.now(),
            )  # fmt: skip

    def unreachable(self):
        path = f"/gone/{self.world.tenant.slug}.json"
        self.documents.answers[path] = status("503 Service Unavailable")
        self.sent["client_id"] = self.documents.url(path)

    def not_good(self):
        path = f"/others/{self.world.tenant.slug}.json"
        self.documents.answers[path] = json_answer(b'{"client_id": "https://other.example/"}')
        self.sent["client_id"] = self.documents.url(path)

    def switch_off(self):
        """Send people to a company sign-in that does not count any more."""
        provider = company.let_sign_in_at(self.world, "https://accounts.initech.example", "remit")
        with context.use(self.world.tenant):
            trust_actions.change_issuer(provider.issuer, by=SYSTEM, is_enabled=False)
        self.place = self.world.url(f"/login/company?at={provider.pk}")

    def page(self, person, **headers):
        browser = self.world.browser(person)
        browser.http.headers.update({"Accept-Language": "en", **headers})
        browser.go(self.place or self.world.authorize_url(self.scout, pkce()[1], **self.sent))
        return browser


# What is spoiled; the title for people; what stands there for the developer; where whoever may can mend it.
CASES = {
    "unknown client": (
        lambda case: case.sent.update(client_id="dcr_nobody"),
        "The agent that sent you here is not known",
        ["invalid_client", "dcr_nobody"],
        "/console/agents/add",
    ),
    "client switched off": (
        lambda case: case.world.rewrite(case.scout.client, status="suspended"),
        "The agent that sent you here is not known",
        ["invalid_client"],
        "/clients/cli_",
    ),
    "redirect mismatch": (
        lambda case: case.sent.update(redirect_uri="https://scout.example/back/"),
        "The agent sent you here with a return address we do not know",
        ["invalid_redirect_uri", "https://scout.example/back/", "Registered https://scout.example/back", "Difference"],
        "/clients/cli_",
    ),
    "document unreachable": (
        Case.unreachable,
        "We could not read what the agent says of itself",
        ["invalid_client", "Document", "Result We could not fetch the document.", "What we noted "],
        "/console/agents/add/document",
    ),
    "document not good": (
        Case.not_good,
        "We could not read what the agent says of itself",
        ["invalid_client", "Result We fetched the document, and it is not good.", "is another URL"],
        "/console/agents/add/document",
    ),
    "agent paused": (
        lambda case: case.state(status="suspended"),
        "Scout is paused",
        ["agent_paused", "agt_"],
        "/resume",
    ),
    "agent denied": (Case.deny, "Scout was not approved", ["agent_denied", "Nobody needs it"], "/console/agents/agt_"),
    "for others": (
        lambda case: case.state(people={"members": [], "groups": []}),
        "Scout is not for you",
        ["agent_for_others"],
        "/console/agents/agt_",
    ),
    "a parameter twice": (
        lambda case: case.sent.update(state=["a", "b"]),
        "The agent sent you here with a request we cannot read",
        ["invalid_request", "What we noted"],
        "",
    ),
    "issuer not trusted": (
        Case.switch_off,
        "That company sign-in is not used here any more",
        ["issuer_not_trusted", "Issuer https://accounts.initech.example"],
        "/console/trust/issuers/",
    ),
}  # fmt: skip


@spec("RFC 6749", "4.1.2.1")
@pytest.mark.parametrize("name", CASES)
def test_what_may_not_be_redirected_is_a_page_for_people_then_developers_then_whoever_may_mend_it(
    world, documents, name
):
    spoil, title, said, fix = CASES[name]
    case = Case(world, documents)
    spoil(case)
    for person in ("alice", "ada"):
        browser = case.page(person)
        words, page = browser.words(), browser.page
        assert page.status_code == 400, words
        assert title in words
        assert re.search("Nothing was shared|Nobody was signed in", words.partition("For the developer")[0])
        for each in [*said, page.headers["x-request-id"]]:
            assert each in words.partition("For the developer")[2], (each, words)
        link = page.text.partition("For the developer")[2].partition('class="button"')[2]
        assert (fix in link if fix else not link) if person == "ada" else not link, link


def sentences(page):
    """Return what a page says piece by piece, but what is quoted: code, and what says that it is in English."""
    said = page.text.partition('tabindex="-1">')[2]
    said = re.sub(r'<code>.*?</code>|<dd lang="en">.*?</dd>', "", said, flags=re.DOTALL)
    return [" ".join(unescape(piece).split()) for piece in re.split(r"<[^>]+>", said) if piece.strip()]


@pytest.mark.parametrize("name", CASES)
def test_in_german_it_is_all_german_but_what_is_quoted(world, documents, name):
    case = Case(world, documents)
    CASES[name][0](case)
    english, german = (sentences(case.page("ada", **{"Accept-Language": code}).page) for code in ("en", "de"))
    assert len(english) == len(german)
    alike = {a for a, b in zip(english, german, strict=True) if a == b}
    assert alike <= {"!", "Client", "Agent", "Issuer", "Problem", "Nobody needs it"}, alike


@spec("RFC 9457", "3")
@pytest.mark.parametrize("name", CASES)
def test_a_program_is_told_the_same_as_a_problem_under_the_same_code(world, documents, name):
    spoil, title, (code, *_), _ = CASES[name]
    case = Case(world, documents)
    spoil(case)
    page = case.page("ada", Accept="application/json").page
    told = page.json()
    assert (page.status_code, page.headers["content-type"]) == (400, "application/problem+json")
    assert (told["title"], told["code"], told["status"]) == (title, code, 400)
    assert told["instance"] == f"urn:remit:request:{page.headers['x-request-id']}"
    if name == "redirect mismatch":
        assert (told["sent"], told["registered"]) == (["https://scout.example/back/"], ["https://scout.example/back"])
        assert told["difference"] == ["a slash at the end."]


def test_whoever_is_not_signed_in_goes_back_to_where_they_may(world, documents):
    case = Case(world, documents)
    case.switch_off()
    for person, is_shown in (("", True), ("ada", False)):
        assert ('class="button" href="' + f'/t/{world.tenant.slug}/login"' in case.page(person).page.text) is is_shown


def test_of_a_company_sign_in_that_does_not_answer_is_said_what_when_and_where_to_try_again(world, documents):
    place = documents.url("/nobody")
    provider = company.let_sign_in_at(world, place, "remit")
    browser = world.browser()
    for language, title in (
        ("en", "Your company's server does not answer"),
        ("de", "Der Server Ihrer Firma antwortet"),
    ):
        browser.http.headers["Accept-Language"] = language
        page = browser.go(world.url(f"/login/company?at={provider.pk}&next=/t/{world.tenant.slug}/me/agents"))
        assert page.status_code == 502
        for each in (title, place, page.headers["x-request-id"], "UTC"):
            assert each in browser.words(), (each, browser.words())
        assert re.search('<dd lang="en">[^<]+</dd>', page.text)
        assert f"/login/company?at={provider.pk}&amp;next=" in page.text


@spec("RFC 6749", "4.1.2.1")
def test_a_request_that_is_over_says_why_such_a_one_is_over(world):
    browser = world.ask(world.public_client(), "alice")
    form = browser.form("/authorize")
    with context.use(world.tenant):
        AuthorizationRequest.objects.update(expires=timezone.now() - timedelta(minutes=1))
    with leaves_only(world):
        page = browser.submit(form, {"decision": "allow"})
    assert page.status_code == 400
    for each in ("This request is over", "expired_request", "A request is good for minutes, once"):
        assert each in browser.words()


# --- what is redirected

REDIRECTED = {
    "PKCE missing": ({"code_challenge": None}, "invalid_request", "code_challenge"),
    "resource missing": ({"resource": None}, "invalid_target", "in the parameter resource"),
    "resource unknown": ({"resource": "https://nobody.example/"}, "invalid_target", "in the parameter resource"),
    "scope unknown": ({"scope": "events:burn"}, "invalid_scope", "Name scopes that the resource has"),
    "another response": ({"response_type": "token"}, "unsupported_response_type", "response_type=code"),
    "nobody asked": ({"prompt": "none"}, "consent_required", "without prompt=none"),
}


@spec("RFC 6749", "4.1.2.1")
@pytest.mark.parametrize("name", REDIRECTED)
def test_what_is_redirected_says_where_its_code_is_explained_and_to_whom_this_very_request(world, name):
    changes, code, todo = REDIRECTED[name]
    got = answer(world.ask(world.public_client(), "alice", challenge=pkce()[1], redirect_uri=REDIRECT, **changes).page)
    assert got["error"] == code
    place, _, request = got["error_uri"].partition("?request=")
    assert place == world.url(f"/errors/{code}")
    for person in ("", "alice", "ada"):
        browser = world.browser(person)
        with leaves_only(world):
            page = browser.go(got["error_uri"])
        words = browser.words()
        assert page.status_code == 200
        for each in (code, todo, request, got["error_description"]):
            assert each in words, (each, words)
        assert ("See what was noted of it" in words) == (person == "ada")
        browser.http.headers["Accept-Language"] = "de"
        assert f'<dd lang="en">{escape(got["error_description"])}</dd>' in browser.go(got["error_uri"]).text
        assert {got["error_description"], "Said to the agent"}.isdisjoint(sentences(browser.page))
        browser.http.headers["Accept-Language"] = "en"
    browser.go(world.url(f"/console/activity?request={request}"))
    assert "Why?" in browser.words()


@spec("RFC 6749", "4.1.2.1")
def test_a_page_of_a_code_tells_nothing_that_a_stranger_wrote(world):
    browser = world.browser()
    assert browser.go(world.url("/errors/invalid_scope?request=<b>call+us</b>")).status_code == 200
    assert "call us" not in browser.page.text
    assert browser.go(world.url("/errors/nothing")).status_code == 404
