"""Looking at an issuer before it is trusted: what it says of itself, and what of that would be believed."""

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest
from django.utils import timezone

from kit import context
from tests.conformance.test_resources_api import asker
from tests.harness import footprint
from tests.harness.domains import Foreign
from tests.harness.hostile import json_answer
from tests.harness.issuers import DOWN, NOT_FOUND
from tests.harness.platforms import named
from tests.spec import spec
from trust.models import OutboundHost

ENCRYPTING = {"kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB", "kid": "seals"}


class Site:
    """An issuer that nobody here trusts, on a server of ours."""

    def __init__(self, world, server):
        self.world, self.server = world, server
        self.base = f"/{world.tenant.slug}/unknown"
        self.platform = named(server.url(self.base), "first")
        self.url, self.jwks_uri = self.platform.url, server.url(f"{self.base}/jwks")
        self.openid = f"{self.base}/.well-known/openid-configuration"
        self.oauth = f"/.well-known/oauth-authorization-server{self.base}"
        self.publish({"issuer": self.url, "jwks_uri": self.jwks_uri}, self.platform.jwks)

    def publish(self, document, jwks=None, *, at=None):
        self.server.answers.update({self.openid: NOT_FOUND, self.oauth: NOT_FOUND})
        answers = {at or self.openid: document, f"{self.base}/jwks": jwks or self.platform.jwks}
        for place, said in answers.items():
            self.server.answers[place] = json_answer(json.dumps(said).encode()) if isinstance(said, dict) else said


@pytest.fixture
def site(world, documents):
    return Site(world, documents)


@pytest.fixture
def ask(world):
    return asker(world, "ada", "trust:read trust:write")


@contextmanager
def writes_nothing(world):
    """Assert that the block changes no row but how often a host was asked, and tells nothing."""
    table = OutboundHost._meta.db_table
    before, told = [each for each in footprint.rows(world) if each[0] != table], footprint.events(world)
    yield
    assert [each for each in footprint.rows(world) if each[0] != table] == before
    assert footprint.events(world) == told


@spec("RFC 8414", "3.3")
def test_what_an_issuer_says_of_itself_is_shown_before_anything_is_written(world, site, ask):
    ada = world.browser("ada")
    words = {"issuer": site.url, "key_source": "metadata", "purposes": ["workload"]}
    ada.go(world.url("/console/trust/add-issuer"))
    with writes_nothing(world):
        page = ada.submit(_looking(world, ada), words)
        said = ask("POST", "/trust/issuers/preview", words).json()
    assert page.status_code == 200
    for fact in (site.url, site.jwks_uri, site.server.url(site.openid), ">first<", ">RS256<"):
        assert fact in page.text, fact
    assert "What would be believed It says which agents there are" in ada.words()
    assert said["keys"] == [{"kid": "first", "algorithm": "RS256", "counts": True}]
    assert (said["issuer"], said["says"], said["jwks_uri"], said["problem"]) == (
        site.url,
        site.url,
        site.jwks_uri,
        None,
    )
    assert (said["purposes"], said["resources"]) == (["workload"], {})
    (form,) = [each for each in ada.forms() if each.action.endswith("/add-issuer")]
    ada.submit(form)
    (told,) = world.entries("trust.issuer_trusted")
    assert told.detail == {"issuer": site.url, "purposes": ["workload"], "key_source": "metadata"}


@spec("RFC 8414", "3.1")
def test_the_second_place_of_a_document_is_looked_at_where_the_first_has_none(world, site, ask):
    site.publish({"issuer": site.url, "jwks_uri": site.jwks_uri}, at=site.oauth)
    said = ask("POST", "/trust/issuers/preview", {"issuer": site.url, "key_source": "metadata"}).json()
    assert (said["document"], said["problem"]) == (site.server.url(site.oauth), None)


@pytest.mark.parametrize(
    ("change", "problem", "words"),
    [
        (lambda site: site.publish(NOT_FOUND), "no_document", "Its document cannot be had"),
        (
            lambda site: site.publish({"issuer": f"{site.url}/", "jwks_uri": site.jwks_uri}),
            "another_issuer",
            "about another issuer",
        ),
        (lambda site: site.publish({"issuer": site.url}), "no_address", "does not say where its keys are"),
        (
            lambda site: site.publish({"issuer": site.url, "jwks_uri": site.jwks_uri}, DOWN),
            "no_keys",
            "Its keys cannot be had from there",
        ),
        (
            lambda site: site.publish({"issuer": site.url, "jwks_uri": site.world.origin}),
            "no_keys",
            "Its keys cannot be had from there",
        ),
        (
            lambda site: site.publish(
                {"issuer": site.url, "jwks_uri": site.jwks_uri}, {"keys": [{"kty": "oct", "k": "AAAA"}]}
            ),
            "bad_keys",
            "no set of public keys",
        ),
    ],
)
@spec("RFC 8414", "3.3")
def test_why_nothing_it_signs_would_count_is_said_and_written_nowhere(world, site, ask, change, problem, words):
    ada, asked = world.browser("ada"), {"issuer": site.url, "key_source": "metadata"}
    assert ask("POST", "/trust/issuers/preview", asked).json()["problem"] is None
    change(site)
    with writes_nothing(world):
        said = ask("POST", "/trust/issuers/preview", asked).json()
    assert (said["problem"], said["keys"]) == (problem, [])
    with context.use(world.tenant):
        OutboundHost.objects.update(not_before=timezone.now(), failures=0)
    ada.go(world.url("/console/trust/add-issuer"))
    ada.submit(_looking(world, ada), asked)
    assert words in ada.words()


@spec("RFC 7517", "5")
def test_keys_that_would_not_count_and_keys_that_are_passed_over_are_told_apart(world, site, ask):
    site.publish({"issuer": site.url, "jwks_uri": site.jwks_uri}, {"keys": [*site.platform.jwks["keys"], ENCRYPTING]})
    asked = {"issuer": site.url, "key_source": "metadata"}
    both = ask("POST", "/trust/issuers/preview", {**asked, "algorithms": ["ES256", "RS256"]}).json()
    assert (both["keys"][0]["counts"], both["passed_over"], both["problem"]) == (True, 1, None)
    one = ask("POST", "/trust/issuers/preview", {**asked, "algorithms": ["ES256"]}).json()
    assert (one["keys"][0]["counts"], one["passed_over"], one["problem"]) == (False, 1, "none_counts")


@spec("RFC 7517", "5")
def test_keys_that_are_pasted_or_at_an_address_are_looked_at_too_and_a_tenant_here_is_asked_in_process(
    world, elsewhere, site, ask
):
    pasted = {"issuer": "https://nobody.example", "key_source": "pasted", "jwks": Foreign().jwks}
    assert [each["kid"] for each in ask("POST", "/trust/issuers/preview", pasted).json()["keys"]] == ["f1"]
    at = {"issuer": site.url, "key_source": "jwks_uri", "jwks_uri": site.jwks_uri}
    said = ask("POST", "/trust/issuers/preview", at).json()
    assert ([each["kid"] for each in said["keys"]], said["document"]) == (["first"], "")
    ours = ask("POST", "/trust/issuers/preview", {"issuer": elsewhere.tenant.issuer, "key_source": "metadata"}).json()
    published = elsewhere.http.get(elsewhere.url("/jwks.json")).json()["keys"]
    assert {each["kid"] for each in ours["keys"]} == {each["kid"] for each in published}


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"issuer": "http://idp.example"}, 422), ({"issuer": "https://127.0.0.1/"}, 422), ({"algorithms": []}, 422)],
)
@spec("ID-JAG", "9.3")
def test_what_could_not_be_trusted_is_not_looked_at(world, site, ask, changes, status):
    asked = {"issuer": site.url, "key_source": "metadata"}
    assert ask("POST", "/trust/issuers/preview", asked).status_code == 200
    seen = len(site.server.seen)
    with writes_nothing(world):
        assert ask("POST", "/trust/issuers/preview", {**asked, **changes}).status_code == status
    assert len(site.server.seen) == seen
    assert ask("POST", "/trust/issuers", asked).status_code == 201
    assert ask("POST", "/trust/issuers/preview", asked).status_code == 409


@spec("RFC 9700", "2.3")
def test_who_may_not_trust_makes_nobody_ask(world, site):
    ada, asked = world.browser("ada"), {"issuer": site.url, "key_source": "metadata"}
    ada.go(world.url("/console/trust/add-issuer"))
    form = _looking(world, ada)
    world.rewrite(world.people["ada"], role="auditor")
    assert ada.submit(form, asked).status_code == 403
    assert asker(world, "bob", "trust:read trust:write")("POST", "/trust/issuers/preview", asked).status_code == 403
    assert site.openid not in site.server.seen
    world.rewrite(world.people["ada"], role="admin")
    assert asker(world, "ada", "trust:read")("POST", "/trust/issuers/preview", asked).status_code == 403
    assert asker(world, "ada", "trust:write")("POST", "/trust/issuers/preview", asked).status_code == 200


@spec("RFC 9700", "2.3")
def test_what_a_stranger_says_of_itself_stays_text(world, site):
    hostile = "<img src=x onerror=alert(1)>"
    site.publish({"issuer": hostile * 100, "jwks_uri": hostile})
    ada = world.browser("ada")
    ada.go(world.url("/console/trust/add-issuer"))
    page = ada.submit(_looking(world, ada), {"issuer": site.url, "key_source": "metadata"})
    assert "&lt;img src=x" in page.text
    assert "<img" not in page.text
    assert hostile * 30 not in page.text


def _looking(world, browser):
    """Return the form as its button for looking sends it."""
    return replace(browser.form("/add-issuer"), action=f"/t/{world.tenant.slug}/console/trust/add-issuer/look")
