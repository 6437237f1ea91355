"""Trust on the pages: the same effect and the same entries as over the API, what stops said before it does."""

import json
import re

import pytest
from django.core.cache import cache

from agents.models import AssertionRule, NameElsewhere
from audit.models import Entry
from delegations.models import Delegation
from kit import context
from tests.conformance.test_page_and_api import OnPages, OverTheApi
from tests.conformance.test_resources_api import asker
from tests.harness import domains, many
from tests.harness.domains import Foreign
from tests.harness.footprint import leaves_only
from tests.harness.issuers import DOWN, Remote
from tests.spec import spec
from trust import providers
from trust.models import Audience, IdentityProvider, SubjectLink, TrustedIssuer, UsedGrant

ID = re.compile(r"\b(iss|aud|lnk|idp|rul|usr|cli|dcr)_[0-9A-Za-z_-]{20,}")
ELSEWHERE = "https://login.elsewhere.example"
THERE = "https://api.elsewhere.example/"


class Pages(OnPages):
    """Ada at a browser."""

    def trust(self, foreign):
        words = {
            "issuer": foreign.url,
            "key_source": "pasted",
            "jwks": json.dumps(foreign.jwks),
            "purposes": ["id_jag"],
        }
        self.press("/console/trust/add-issuer", "", **words)

    def change(self, issuer, words):
        ticks = [f"{place} {scope}" for place, scopes in words.pop("resources", {}).items() for scope in scopes]
        claims = {"required_claims": json.dumps(words.pop("required_claims"))} if "required_claims" in words else {}
        said = {name: "on" if value is True else value for name, value in words.items()}
        self.press(
            f"/console/trust/issuers/{issuer}", "/change", **said, **({"resources": ticks} if ticks else {}), **claims
        )

    def link(self, issuer, subject, person):
        self.press(f"/console/trust/issuers/{issuer}", "/links", subject=subject, email=self.world.email(person))

    def unlink(self, issuer, link):
        self.press(f"/console/trust/issuers/{issuer}", f"/{link}/unlink")

    def off(self, kind, pk, reason):
        self.press(f"/console/trust/{kind}/{pk}/off", "", reason=reason)

    def on(self, kind, pk):
        self.press(f"/console/trust/{kind}/{pk}", "/on")

    def sign_in(self, issuer):
        said = {"client_id": "remit", "client_secret": "hush", "groups_claim": "teams", "roles": "leads: approver"}
        self.press(f"/console/trust/issuers/{issuer}", "/sign-in", **said)

    def no_sign_in(self, issuer):
        self.press(f"/console/trust/issuers/{issuer}/sign-in/remove", "")

    def add_audience(self):
        self.press("/console/trust/add-audience", "", issuer=ELSEWHERE, resources=f"{THERE} read write")

    def change_audience(self, pk):
        self.press(f"/console/trust/audiences/{pk}", "/change", name="Elsewhere", shares_email="on")

    def name_client(self, pk, client):
        self.press(f"/console/trust/audiences/{pk}", "/names", client=client, client_id_there="ours")

    def let_across(self, pk, client):
        people = f"{self.world.email('alice')}\n{self.world.email('bob')}"
        said = {"client": client, "resource": THERE, "scopes": "read", "people": people, "groups": "sales"}
        self.press(f"/console/trust/audiences/{pk}", "/rules", **said)

    def take_back(self, pk, rule):
        self.press(f"/console/trust/audiences/{pk}/rules/{rule}/remove", "")


class Api(OverTheApi):
    """Ada through an app."""

    def __init__(self, world):
        self.world, self.ask = world, asker(world, "ada", "trust:read trust:write")

    def trust(self, foreign):
        words = {"issuer": foreign.url, "key_source": "pasted", "jwks": foreign.jwks, "purposes": ["id_jag"]}
        self.done("POST", "/trust/issuers", words)

    def change(self, issuer, words):
        self.done("PATCH", f"/trust/issuers/{issuer}", words)

    def link(self, issuer, subject, person):
        words = {"subject": subject, "member": self.world.people[person].pk}
        self.done("POST", f"/trust/issuers/{issuer}/links", words)

    def unlink(self, issuer, link):
        self.done("DELETE", f"/trust/issuers/{issuer}/links/{link}")

    def off(self, kind, pk, reason):
        self.done("PATCH", f"/trust/{kind}/{pk}", {"is_enabled": False, "reason": reason})

    def on(self, kind, pk):
        self.done("PATCH", f"/trust/{kind}/{pk}", {"is_enabled": True})

    def sign_in(self, issuer):
        said = {
            "client_id": "remit",
            "client_secret": "hush",
            "groups_claim": "teams",
            "roles": [["leads", "approver"]],
        }
        self.done("PUT", f"/trust/issuers/{issuer}/sign-in", said)

    def no_sign_in(self, issuer):
        self.done("DELETE", f"/trust/issuers/{issuer}/sign-in")

    def add_audience(self):
        self.done("POST", "/trust/audiences", {"issuer": ELSEWHERE, "resources": {THERE: ["read", "write"]}})

    def change_audience(self, pk):
        self.done("PATCH", f"/trust/audiences/{pk}", {"name": "Elsewhere", "shares_email": True})

    def name_client(self, pk, client):
        self.done("PUT", f"/trust/audiences/{pk}/names/{client}", {"client_id_there": "ours"})

    def let_across(self, pk, client):
        people = [self.world.people[name].pk for name in ("alice", "bob")]
        said = {"client": client, "resource": THERE, "scopes": ["read"], "members": people, "groups": ["sales"]}
        self.done("POST", f"/trust/audiences/{pk}/rules", said)

    def take_back(self, pk, rule):
        self.done("DELETE", f"/trust/audiences/{pk}/rules/{rule}")


def steps(world, hand):
    """Do one thing after another; give what stands there after each."""
    client = world.secret_client("Crossing").id
    yield hand.trust(Foreign())
    with context.use(world.tenant):
        issuer = TrustedIssuer.objects.get().pk
    opens = {"resources": {world.calendar.identifier: ["events:read", "events:write"]}, "any_client": True}
    yield hand.change(issuer, {**opens, "required_claims": {"tenant_id": 7}})
    yield hand.change(issuer, {"purposes": ["id_jag", "sign_in"], "mappings": ["email"], "email_domains": _list(hand)})
    yield hand.link(issuer, " f-alice", "alice")
    with context.use(world.tenant):
        link = SubjectLink.objects.get().pk
    yield hand.unlink(issuer, link)
    yield hand.sign_in(issuer)
    yield hand.no_sign_in(issuer)
    yield hand.off("issuers", issuer, "it was bought")
    yield hand.on("issuers", issuer)
    yield hand.add_audience()
    with context.use(world.tenant):
        audience = Audience.objects.get().pk
    yield hand.change_audience(audience)
    yield hand.name_client(audience, client)
    yield hand.let_across(audience, client)
    with context.use(world.tenant):
        rule = AssertionRule.objects.get().pk
    yield hand.take_back(audience, rule)
    yield hand.off("audiences", audience, "")
    yield hand.on("audiences", audience)


def _list(hand):
    return "a.example\nb.example" if isinstance(hand, Pages) else ["a.example", "b.example"]


def effect(world):
    """Return what stands in the tenant and what was told, without what is its alone."""
    apart = {"id", "tenant_id", "issuer_id", "audience_id", "client_id", "member_id", "created_at", "changed_at",
             "client_secret", "_state"}  # fmt: skip
    with context.use(world.tenant):
        rows = [
            {name: value for name, value in sorted(vars(each).items()) if name not in apart}
            for model in (TrustedIssuer, SubjectLink, IdentityProvider, Audience, NameElsewhere, AssertionRule)
            for each in model.objects.order_by("pk")
        ]
    told = [
        (each.event, each.principal_label, each.about_label, each.reason, each.detail)
        for each in world.entries()
        if each.event.startswith(("trust.", "client.", "assertion", "rule")) and each.principal_label == "Ada"
    ]
    said = json.dumps([rows, told], default=str, sort_keys=True).replace(world.tenant.slug, "t-one")
    return re.sub(r"usr_\w+", "usr_", ID.sub(r"\1_", said))


@spec("ID-JAG", "9.3")
def test_trust_is_said_on_the_pages_as_over_the_api_and_told_alike(world, elsewhere):
    pages, api = steps(world, Pages(world)), steps(elsewhere, Api(elsewhere))
    before = effect(world)
    for number, _ in enumerate(zip(pages, api, strict=True)):
        after = effect(world)
        assert after == effect(elsewhere), number
        assert after != before, number
        before = after
    assert "hush" not in before


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
