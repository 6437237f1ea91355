"""Each row of a list says itself in one sentence, and where a person finds the same."""

import pytest

from audit.principals import SYSTEM
from kit import context
from kit.languages import reading
from tenants import actions as tenant_actions
from tests.conformance.test_resources_api import asker
from tests.harness.inside import counted
from tests.spec import spec
from tokens import summaries
from trust import actions as trust_actions

SCOPES = "agents:read approvals:read members:read resources:read trust:read keys:read events:read delegations:read"


@pytest.fixture
def ask(world):
    """Ada's app, in a tenant with one of each."""
    found = asker(world, "ada", SCOPES)
    with context.use(world.tenant):
        trust_actions.trust_issuer(
            "https://idp.example", by=SYSTEM, name="Initech", key_source="metadata", purposes=["sign_in", "id_jag"]
        )
        trust_actions.add_audience("https://far.example", by=SYSTEM, name="Far", resources={"https://x.example": ["a"]})
    world.grant(world.secret_client("Scout"))
    world.tenant = tenant_actions.change_policy(world.tenant, by=SYSTEM, registration="admission")
    world.public_client("Newcomer")
    return found


ROWS = [
    ("/approvals?status=waiting", "approvals", "Newcomer wants to act here", "/console/approvals"),
    ("/agents?q=Scout", "agents", "Scout: Active; nobody answers for it.", "/console/agents/"),
    ("/members?role=admin", "members", "Ada is here as Admin.", "/console/members?q=ada"),
    ("/resources?q=Calendar", "resources", "Calendar checks tokens by itself.", "/console/resources/"),
    ("/trust/issuers", "issuers", "Initech is believed about agents of people and sign-in.", "/console/trust/issuers/"),
    ("/trust/audiences", "audiences", "Far takes our word for 1 resource.", "/console/trust/audiences/"),
    ("/events?event=agent.registered", "events", None, "/console/activity/events/"),
]


@spec("RFC 9110", "15.3.1")
@pytest.mark.parametrize(("path", "name", "summary", "page"), ROWS)
def test_a_row_says_itself_in_a_sentence_and_where_its_page_is(world, ask, path, name, summary, page):
    row = ask("GET", path).json()[name][0]
    expected = summary or f"{row['principal_label']} registered."
    assert row["summary"] == expected
    console = row["links"]["console"]
    assert console.startswith(world.url(page))
    assert world.browser("ada").go(console).status_code == 200


@spec("RFC 9110", "15.3.1")
def test_each_key_says_what_it_does(world, ask):
    keys = ask("GET", "/keys").json()["keys"]
    said = {each["status"]: each["summary"] for each in keys if each["algorithm"] == "ES256"}
    assert said["active"].startswith("ES256 key ")
    assert said["active"].endswith(" signs.")
    assert {each["links"]["console"] for each in keys} == {world.url("/console/keys")}


@spec("RFC 9110", "12.5.4")
def test_the_api_says_it_in_english_whoever_asks_and_pages_and_mail_in_their_readers_language(world, ask):
    row = ask("GET", "/members?role=admin", **{"Accept-Language": "de"}).json()["members"][0]
    assert row["summary"] == "Ada is here as Admin."
    with reading("de"):
        assert summaries.member(world.people["ada"]) == "Ada ist hier mit der Rolle Admin."


def test_an_entry_names_for_whom_and_through_which_agent_and_all_of_a_page_cost_one_query(world, ask):
    entries = world.entries()
    with context.use(world.tenant):
        summaries.entries(entries)
        with counted() as statements:
            said = summaries.entries(entries)
    issued = next(each for each in entries if each.event == "token.issued" and each.on_behalf_of)
    assert said[issued.pk].startswith("Scout got a token") or said[issued.pk].startswith("Console app got a token")
    assert said[issued.pk].endswith(".")
    assert (len(said), len(statements)) == (len(entries), 1)
