"""What a document may say besides: no redirects where nothing is redirected, somebody's signed word, its profiles."""

import secrets

import pytest
from django.utils import timezone

from agents import admission
from agents.models import Agent, Approval, Client
from audit.principals import SYSTEM
from kit import context
from kit.oauth import GrantType
from tenants import actions as tenant_actions
from tests.harness import device, domains
from tests.harness.domains import Foreign
from tests.harness.footprint import events
from tests.harness.keyholder import as_credentials, document
from tests.spec import spec

ID_JAG = "urn:ietf:params:oauth:grant-profile:id-jag"


@pytest.fixture
def path():
    return f"/agents/{secrets.token_hex(6)}.json"


@pytest.fixture
def publisher(world):
    foreign = Foreign()
    foreign.trusted = domains.trust_foreign(world, foreign, purposes=["software"], any_client=False)
    return foreign


def state(publisher, **claims):
    return publisher.sign({"iss": publisher.url, **claims}, typ="JWT")


def arrive(world, documents, path, **said):
    """Publish a document, and open the agent's request at alice's; return the page."""
    document(documents, path, **said)
    return world.ask(as_credentials(documents.url(path)), "alice")


def refused(world, browser):
    """Assert that a page says so, that the ledger tells of it once, and that nothing else is left."""
    assert browser.page.status_code == 400
    told = [event for event in events(world) if event.startswith(("client.", "agent.", "approval."))]
    assert told == ["client.refused"]
    with context.use(world.tenant):
        assert [each.objects.count() for each in (Client, Agent, Approval)] == [0, 0, 0]


def row(world):
    with context.use(world.tenant):
        return Client.objects.select_related("software_issuer").get(registration_source="cimd")


@spec("CIMD", "4.2")
def test_an_agent_that_nothing_is_redirected_to_needs_no_redirects(world, documents, path):
    document(documents, path, grant_types=[GrantType.DEVICE_CODE.value], redirect_uris=None, response_types=None)
    started = device.start(world, as_credentials(documents.url(path)))
    started.decide()
    assert started.poll().json()["scope"] == "events:read"
    assert world.ask(as_credentials(documents.url(path)), "alice").page.status_code == 400


@spec("CIMD", "4.2")
@pytest.mark.parametrize(
    "said",
    [
        {"grant_types": [GrantType.DEVICE_CODE.value], "redirect_uris": []},
        {"grant_types": [GrantType.DEVICE_CODE.value, "authorization_code"], "redirect_uris": None},
        {"grant_types": None, "redirect_uris": None},
        {"grant_types": [GrantType.TOKEN_EXCHANGE.value], "redirect_uris": None},
    ],
    ids=str,
)
def test_nothing_else_goes_without_them(world, documents, path, said):
    refused(world, arrive(world, documents, path, **said))


@spec("CIMD", "4.3")
def test_a_statement_in_a_document_wins_and_says_who_vouches_for_the_agent(world, documents, path, publisher):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, documents="admission")
    statement = state(publisher, client_name="Scout of the publisher")
    arrive(world, documents, path, client_name="Claude", software_statement=statement)
    assert (row(world).name, row(world).software_issuer) == ("Scout of the publisher", publisher.trusted)
    page = world.browser("ada")
    page.go(world.url("/console/approvals"))
    assert f"{publisher.trusted.name}, which you trust, vouches for it" in page.words()


@spec("CIMD", "4.3")
def test_the_word_of_somebody_whom_nobody_here_trusts_counts_for_nothing(world, elsewhere, documents, path, publisher):
    statement = state(publisher, client_name="Scout of the publisher")
    arrive(elsewhere, documents, path, software_statement=statement)
    assert (row(elsewhere).name, row(elsewhere).software_issuer) == ("Scout", None)


@spec("CIMD", "4.3")
@pytest.mark.parametrize("kind", ["forged", "spoilt", "of others", "bad words", "no jwt"])
def test_a_document_with_a_bad_statement_is_refused_whole(world, documents, path, publisher, kind):
    statement = {
        "forged": lambda: state(Foreign(publisher.url, domains.a_key("f2"))),
        "spoilt": lambda: state(publisher)[:-4] + "AAAA",
        "of others": lambda: state(publisher, aud="https://elsewhere.example"),
        "bad words": lambda: state(publisher, redirect_uris=["javascript:alert(1)"]),
        "no jwt": lambda: "x",
    }[kind]()
    refused(world, arrive(world, documents, path, software_statement=statement))
    (told,) = world.entries("client.refused")
    assert told.principal_id == documents.url(path)


@spec("CIMD", "8.4")
def test_an_agent_whose_voucher_fell_away_is_asked_about(world, documents, path, publisher):
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, documents="admission")
    arrive(world, documents, path, software_statement=state(publisher))
    with context.use(world.tenant):
        ada = world.people["ada"]
        admission.approve(Approval.objects.get(), by=ada, owner=ada, ceiling=None)
        Client.objects.filter(registration_source="cimd").update(cimd_expires_at=timezone.now())
    arrive(world, documents, path)
    with context.use(world.tenant):
        question = Approval.objects.get(status="waiting")
    assert (question.kind, question.changes) == ("change", [["vouched for by", publisher.trusted.name, ""]])


@spec("ID-JAG", "8")
@pytest.mark.parametrize("dropped", [GrantType.TOKEN_EXCHANGE, GrantType.JWT_BEARER, None])
def test_a_client_of_id_jags_lists_the_grants_that_bring_them(world, documents, path, dropped):
    both = [GrantType.TOKEN_EXCHANGE, GrantType.JWT_BEARER]
    grants = ["authorization_code", *(each.value for each in both if each != dropped)]
    page = arrive(world, documents, path, grant_types=grants, authorization_grant_profiles_supported=[ID_JAG])
    assert page.page.status_code == (400 if dropped else 200)
    if not dropped:
        assert row(world).grant_types == ["authorization_code"], "nobody gets these by asking"
