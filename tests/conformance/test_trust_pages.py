"""Trust on the pages: what stops is said before it does, and what strangers say harms no page."""

import re

import pytest
from django.core.cache import cache

from audit.models import Entry
from delegations.models import Delegation
from kit import context
from tests.conformance.test_resources_api import asker
from tests.harness import domains, many
from tests.harness.domains import Foreign
from tests.harness.footprint import leaves_only
from tests.harness.issuers import DOWN, Remote
from tests.spec import spec
from trust import providers
from trust.models import IdentityProvider, SubjectLink, TrustedIssuer, UsedGrant


@pytest.fixture
def believed(world):
    """A foreign issuer on whose word alice's agent holds a token; and a browser of ada's."""
    foreign, who = Foreign(), domains.presenter(world)
    world.issuer = domains.trust_foreign(world, foreign)
    world.held = domains.present(world, who, foreign.grant(world, who)).json()["access_token"]
    world.foreign, world.who = foreign, who
    return world.browser("ada")


@spec("ID-JAG", "9.3")
def test_what_stops_with_an_issuer_is_said_before_and_is_what_stops(world, believed):
    place = f"/console/trust/issuers/{world.issuer.pk}"
    foreseen = asker(world, "ada", "trust:read trust:write")
    with leaves_only(world):
        told = foreseen("PATCH", f"/trust/issuers/{world.issuer.pk}", {"is_enabled": False, "dry_run": True}).json()
        assert foreseen("PATCH", f"/trust/issuers/{world.issuer.pk}", {"dry_run": True}).status_code == 400
        assert believed.go(world.url(f"{place}/off")).status_code == 200
    assert (told["delegations"], told["people"], told["agents"], told["tokens"]) == (1, 1, 1, 1)
    assert "1 delegation 1 person : Alice 1 agent 1 token that is good now" in re.sub(
        r"(?<=\w):", " :", believed.words()
    )
    assert world.is_active(world.held)
    believed.submit(believed.form(""), {"reason": "they were bought"})
    assert not world.is_active(world.held)
    assert world.entries("trust.issuer_distrusted")[-1].reason == "they were bought"
    assert domains.present(world, world.who, world.foreign.grant(world, world.who)).status_code == 400
    believed.submit(believed.form("/on"))
    assert domains.present(world, world.who, world.foreign.grant(world, world.who)).status_code == 200


@spec("ID-JAG", "9.3")
def test_of_many_the_number_is_typed_and_one_that_moved_stops_nothing(world, believed):
    crowd = many.delegations(world, 26)
    with context.use(world.tenant):
        Delegation.objects.filter(agent=crowd).update(issuer=world.issuer)
    place = world.url(f"/console/trust/issuers/{world.issuer.pk}/off")
    believed.go(place)
    with leaves_only(world):
        page = believed.submit(believed.form(""), {"reason": "kept", "number": "26"})
    assert page.status_code == 422
    assert "Another number matches" in page.text
    assert 'value="kept"' in page.text
    believed.submit(believed.form(""), {"number": "27"})
    with context.use(world.tenant):
        assert not TrustedIssuer.objects.get().is_enabled


@spec("ID-JAG", "9.3")
def test_of_few_the_number_goes_along_unseen_and_one_that_moved_is_looked_at_again(world, believed):
    believed.go(world.url(f"/console/trust/issuers/{world.issuer.pk}/off"))
    with leaves_only(world):
        page = believed.submit(believed.form(""), {"reason": "kept", "number": "2"})
    assert page.status_code == 422
    assert "Another number matches now" in page.text
    assert 'value="kept"' in page.text
    believed.submit(believed.form(""))
    with context.use(world.tenant):
        assert not TrustedIssuer.objects.get().is_enabled


@spec("ID-JAG", "4.4.1")
def test_an_assertion_is_tried_on_the_page_kept_nowhere_and_as_good_as_before(world, believed):
    assertion = world.foreign.grant(world, world.who, jti="a-jti-of-a-trial")
    believed.go(world.url("/console/trust/try"))
    with context.use(world.tenant):
        used = UsedGrant.objects.count()
    with leaves_only(world):
        page = believed.submit(believed.form("/try"), {"assertion": assertion})
        assert (page.status_code, "It would be accepted" in page.text) == (200, True)
        assert page.headers["cache-control"] == "no-store"
        wrong = world.foreign.grant(world, world.who, aud="https://elsewhere.example")
        page = believed.submit(believed.form("/try"), {"assertion": wrong})
        assert "It would be refused" in page.text
        assert wrong in page.text, "what was typed stays"
        assert "It is for this organisation : no" in believed.words()
    with context.use(world.tenant):
        assert UsedGrant.objects.count() == used
        assert not any(assertion[:40] in str(entry.detail) + entry.reason for entry in Entry.objects.all())
    assert domains.present(world, world.who, assertion).status_code == 200


@pytest.mark.parametrize(
    ("fill", "said"),
    [
        ({"required_claims": "[" * 9000}, "nested too deeply"),
        ({"required_claims": '{"a": "\\u0000"}'}, "not a JSON object"),
        ({"required_claims": '{"a": '}, "Enter a valid JSON"),
        ({"jwks": '{"keys": [{"kty": "oct", "k": "AAAA"}]}'}, "not a public one"),
        ({"longest_seconds": "86400"}, "less than or equal to 3600"),
        ({"resources": ["https://elsewhere.example/ x"]}, "Select a valid choice"),
        ({"mappings": ["email"]}, "needs the domains"),
        ({"algorithms": []}, "At least one algorithm"),
        ({"name": "x" * 4000}, "at most 100"),
        ({"version": "0"}, "while you read"),
    ],
)
@spec("ID-JAG", "9.3")
def test_what_cannot_hold_is_refused_on_the_page_and_what_was_typed_stays(world, believed, fill, said):
    believed.go(world.url(f"/console/trust/issuers/{world.issuer.pk}"))
    with leaves_only(world):
        page = believed.submit(believed.form("/change"), {"email_domains": "", "clients": "kept-words", **fill})
    assert page.status_code == 422
    assert said in page.text, believed.words()
    assert "kept-words" in page.text


@spec("RFC 9700", "2.3")
def test_what_the_issuer_is_called_and_calls_its_people_stays_text(world):
    hostile = "<img src=x onerror=alert(1)>\u202egnp.exe"
    issuer = domains.trust_foreign(world, Foreign(), name=hostile[:100], purposes=["id_jag", "sign_in"])
    with context.use(world.tenant):
        SubjectLink.objects.update(subject=hostile * 4)
        providers.set_provider(issuer, by=domains.SYSTEM, client_id="remit", roles=[(hostile, "auditor")])
    ada = world.browser("ada")
    for path in ("", f"/issuers/{issuer.pk}", f"/issuers/{issuer.pk}/off", f"/issuers/{issuer.pk}/sign-in/remove"):
        page = ada.go(world.url(f"/console/trust{path}"))
        assert page.status_code == 200
        assert "<img" not in page.text
        assert "&lt;img src=x" in page.text


@spec("RFC 9700", "2.3")
def test_nobody_is_linked_who_is_not_here_and_a_secret_that_is_not_said_stays(world, believed):
    place = world.url(f"/console/trust/issuers/{world.issuer.pk}")
    believed.go(place)
    with leaves_only(world):
        (link,) = [form for form in believed.forms() if form.action.endswith("/links")]
        page = believed.submit(link, {"subject": "f-eve", "email": "eve@nowhere.example"})
        assert (page.status_code, "Nobody here has this mail address" in page.text) == (422, True)
        page = believed.submit(link, {"subject": "f-alice", "email": world.email("bob")})
        assert (page.status_code, "It is there already" in page.text) == (422, True)
    believed.submit(believed.form("/change"), {"purposes": ["id_jag", "sign_in"]})
    believed.submit(believed.form("/sign-in"), {"client_id": "remit", "client_secret": "hush"})
    assert "hush" not in believed.page.text
    believed.submit(believed.form("/sign-in"), {"client_id": "remit-2"})
    with leaves_only(world):
        page = believed.submit(believed.form("/sign-in"), {"client_id": "x", "roles": "leads: emperor"})
        assert (page.status_code, "Unknown role: emperor" in page.text) == (422, True)
    with context.use(world.tenant):
        provider = IdentityProvider.objects.get()
        assert (provider.client_id, providers.secret_of(provider)) == ("remit-2", "hush")
    believed.go(place)
    believed.submit(believed.form("/sign-in"), {"is_public": "on"})
    with context.use(world.tenant):
        assert providers.secret_of(IdentityProvider.objects.get()) == ""


@spec("RFC 9700", "2.3")
def test_an_auditor_looks_at_trust_and_changes_nothing_of_it(world, believed):
    place = f"/console/trust/issuers/{world.issuer.pk}"
    believed.go(world.url(place))
    form = believed.form("/change")
    world.rewrite(world.people["ada"], role="auditor")
    for path in ("/console/trust", place):
        assert believed.go(world.url(path)).status_code == 200
        assert [each.action for each in believed.forms() if "/trust" in each.action and each.fields[1:]] in ([], [
            f"/t/{world.tenant.slug}{place}/change"])  # fmt: skip
    with leaves_only(world):
        assert believed.submit(form, {"name": "Mine"}).status_code == 403
        for path in (f"{place}/off", "/console/trust/try", "/console/trust/add-issuer", "/console/trust/add-audience"):
            assert believed.go(world.url(path)).status_code == 403
    world.rewrite(world.people["ada"], role="developer")
    assert believed.go(world.url("/console/trust")).status_code == 403


@spec("RFC 7517", "5")
def test_keys_that_cannot_be_had_are_said_where_one_looks_and_fetched_where_one_asks(world, documents):
    remote = Remote(world, documents)
    place = world.url(f"/console/trust/issuers/{remote.runs.trusted.pk}")
    documents.answers[remote.place] = DOWN
    ada, ask = world.browser("ada"), asker(world, "ada", "trust:read trust:write")
    assert "not fetched yet" in ada.go(place).text
    page = ada.submit(ada.form("/fetch-keys"))
    assert (page.status_code, "could not be had just now" in page.text) == (409, True)
    assert "Its keys cannot be had" in page.text
    cache.clear()
    assert "1 issuer gives no keys" in ada.go(world.url("/console")).text
    assert "could not be had" in ada.go(world.url("/console/trust")).text
    remote.publish(remote.place, remote.platform.jwks)
    remote.age()
    assert ask("POST", f"/trust/issuers/{remote.runs.trusted.pk}/fetch-keys").json()["fetched"] is True
    page = ada.go(place)
    assert "cannot be had" not in page.text
    assert "first</code>" in page.text
    by_page, by_api = world.entries("trust.issuer_keys_asked")
    assert (by_page.principal_id, by_page.detail["fetched"]) == (by_api.principal_id, not by_api.detail["fetched"])
    assert ask("POST", f"/trust/issuers/{remote.runs.trusted.pk}/fetch-keys").json()["fetched"] is False
