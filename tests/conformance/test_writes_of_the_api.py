"""Whatever writes over the API, read from its URL map: it is done once for a key, as it was read, and foreseen.

A new address is covered as soon as it is in the map; one of which nobody says how it is decided fails until then.
"""

from datetime import timedelta

import pytest
from django.utils import timezone

from agents import admission
from agents.models import Approval, Client
from audit.events import Event
from audit.principals import Kind, Principal
from delegations.models import Delegation
from delegations.rules import Limits
from kit import context
from tests.attacks.test_every_address import ALL_SCOPES, WORDS
from tests.conformance.test_api import api_token
from tests.harness import addresses, filling
from tests.harness.footprint import leaves_only
from tests.harness.world import make
from tests.spec import spec
from tokens import narrowing
from trust.models import TrustedIssuer

NEW = "it makes something, or asks: there is nothing that anybody could have read"
ITS_OWN = "an agent gives back what it holds itself"
ONCE = "it can be done once, and whoever is second is told so"
NO_VERSION = "it has no version: it is there, or it is not"
WITHOUT_A_VERSION = {
    "POST me/views": NEW,
    "DELETE me/views/view_id": NO_VERSION,
    "POST settings/pause": ONCE,
    "PUT settings/logo": "the last one wins, and its name is its digest",
    "DELETE settings/logo": NO_VERSION,
    "POST views/view_id/share": ONCE,
    "POST views/view_id/unshare": ONCE,
    "POST delegations/bulk-end": "the number that is expected is the version",
    "POST delegations/bulk-export": NEW,
    "POST delegations/recheck": NEW,
    "DELETE delegations/delegation_id": ITS_OWN,
    "POST delegations/delegation_id/end": ONCE,
    "POST delegations/delegation_id/restore": ONCE,
    "POST delegations/delegation_id/ask-to-renew": "nothing of it changes",
    "POST exports": NEW,
    "POST agents/documents": "the digest of the document that was read is the version",
    "POST delegations/delegation_id/installations/installation_id/end": ONCE,
    "POST agents/bulk-pause": "the number that is expected is the version",
    "POST agents/bulk-resume": "the number that is expected is the version",
    "POST agents/bulk-owner": "the number that is expected is the version",
    "POST agents/bulk-confirm": "the number that is expected is the version",
    "POST agents/agent_id/confirm": ONCE,
    "POST agents/agent_id/handovers": NEW,
    "DELETE agents/agent_id/handovers/to_agent_id": NO_VERSION,
    "DELETE resources/resource_id/downstream/to_id": NO_VERSION,
    "DELETE delegations/delegation_id/installations/installation_id": ITS_OWN,
    "POST agents": NEW,
    "DELETE agents/agent_id/installations/installation_id": NO_VERSION,
    "POST agents/agent_id/clients": NEW,
    "POST approvals/bulk-approve": "each question is named with its version",
    "POST approvals/approval_id/ask": "nothing is decided by it",
    "POST approvals/approval_id/assign": "nothing is decided by it",
    "POST questions/approval_id/answer": "nothing is decided by it",
    "POST check": NEW,
    "POST jobs/job_id/stop": ONCE,
    "POST jobs/job_id/undo": ONCE,
    "POST registration-tokens": NEW,
    "DELETE registration-tokens/token_id": ONCE,
    "POST resources": NEW,
    "POST resources/resource_id/probe": NEW,
    "POST resources/resource_id/proposals": NEW,
    "POST resources/resource_id/restore-scope": ONCE,
    "POST resources/resource_id/introspector": NEW,
    "POST invitations": NEW,
    "DELETE invitations/invitation_id": ONCE,
    "POST keys/rotate": ONCE,
    "POST keys/key_id/compromise": ONCE,
    "POST webhooks": NEW,
    "DELETE webhooks/webhook_id": NO_VERSION,
    "POST webhooks/webhook_id/ping": NEW,
    "POST webhooks/webhook_id/deliveries/delivery_id/replay": ONCE,
    "POST trust/issuers": NEW,
    "POST trust/issuers/try": NEW,
    "POST trust/issuers/preview": NEW,
    "POST trust/issuers/issuer_id/fetch-keys": NEW,
    "POST trust/issuers/issuer_id/confirm-keys": ONCE,
    "PUT trust/issuers/issuer_id/sign-in": NO_VERSION,
    "DELETE trust/issuers/issuer_id/sign-in": NO_VERSION,
    "POST trust/issuers/issuer_id/links": NEW,
    "DELETE trust/issuers/issuer_id/links/link_id": NO_VERSION,
    "POST trust/audiences": NEW,
    "PUT trust/audiences/audience_id/names/client_id": NO_VERSION,
    "POST trust/audiences/audience_id/rules": NEW,
    "DELETE trust/audiences/audience_id/rules/rule_id": NO_VERSION,
}
WITH_A_VERSION = {
    "PATCH me/views/view_id": {"name": "Another"},
    "PATCH delegations/delegation_id": {"scopes": ["events:read"], "reason": "less"},
    "POST delegations/delegation_id/put-back": {},
    "PATCH agents/agent_id": {"name": "Another"},
    "DELETE agents/agent_id": {"reason": "over"},
    "POST agents/agent_id/pause": {"reason": "look"},
    "POST agents/agent_id/resume": {"reason": "fine"},
    "POST agents/agent_id/restore": {"reason": "fine"},
    "PATCH agents/agent_id/clients/client_id": {"client_name": "Another"},
    "POST agents/agent_id/clients/client_id/put-back": {},
    "DELETE agents/agent_id/clients/client_id": {},
    "PUT agents/agent_id/clients/client_id/grants": {"grant_types": []},
    "PATCH agents/agent_id/clients/client_id/switches": {"accepts_endpoint_audience": True},
    "PUT resources/resource_id/downstream/to_id": {"scopes": {"events:read": ["notes:read"]}},
    "POST agents/agent_id/clients/client_id/credentials": {"kind": "secret"},
    "DELETE agents/agent_id/clients/client_id/credentials/credential_id": {},
    "POST approvals/approval_id/approve": {"ceiling": None},
    "POST approvals/approval_id/deny": {"reason": "no"},
    "POST approvals/approval_id/undo": {},
    "PATCH resources/resource_id": {"name": "Another"},
    "POST resources/resource_id/retire": {"reason": "over"},
    "POST resources/resource_id/restore": {},
    "POST resources/resource_id/scopes": {"name": "events:more", "title": "See more"},
    "PATCH resources/resource_id/scopes/name": {"title": "See"},
    "DELETE resources/resource_id/scopes/name": {"reason": "over"},
    "PATCH members/member_id": {"role": "auditor"},
    "DELETE members/member_id": {"reason": "left"},
    "POST members/member_id/remove": {"reason": "left"},
    "PATCH settings": {"longest_delegation_days": 7},
    "PATCH webhooks/webhook_id": {"description": "Another"},
    "POST webhooks/webhook_id/rotate-secret": {},
    "PATCH trust/issuers/issuer_id": {"name": "Another"},
    "DELETE trust/issuers/issuer_id": {"reason": "over"},
    "POST trust/issuers/issuer_id/restore": {},
    "POST trust/issuers/issuer_id/confirm": {},
    "PATCH trust/audiences/audience_id": {"name": "Another"},
}
"""What is said beside a version that nobody has; everything else about it holds."""
IN_THE_BODY, IN_THE_QUERY = {"dry_run": True}, "?dry_run=true"
FORESEEN = {
    "POST agents/bulk-pause": ({**IN_THE_BODY, "filter": {}}, ""),
    "POST agents/bulk-resume": ({**IN_THE_BODY, "filter": {}}, ""),
    "POST agents/bulk-owner": ({**IN_THE_BODY, "filter": {}, "owner": "nobody"}, ""),
    "POST agents/bulk-confirm": ({**IN_THE_BODY, "filter": {}}, ""),
    "POST delegations/bulk-end": ({**IN_THE_BODY, "filter": {"q": "scout"}, "reason": "over"}, ""),
    "PATCH delegations/delegation_id": ({"scopes": ["events:read"]}, IN_THE_QUERY),
    "DELETE agents/agent_id": ({"reason": "over"}, IN_THE_QUERY),
    "POST agents/agent_id/pause": ({"reason": "look"}, IN_THE_QUERY),
    "POST agents/agent_id/resume": ({"reason": "fine"}, IN_THE_QUERY),
    "POST agents/agent_id/restore": ({"reason": "fine"}, IN_THE_QUERY),
    "DELETE agents/agent_id/clients/client_id": ({}, IN_THE_QUERY),
    "POST resources/resource_id/retire": ({**IN_THE_BODY, "reason": "over"}, ""),
    "POST resources/resource_id/restore": (IN_THE_BODY, ""),
    "POST resources/resource_id/restore-scope": ({**IN_THE_BODY, "name": "events:more"}, ""),
    "DELETE resources/resource_id/scopes/name": (IN_THE_BODY, ""),
    "DELETE members/member_id": ({**IN_THE_BODY, "reason": "left"}, ""),
    "POST members/member_id/remove": ({**IN_THE_BODY, "reason": "left"}, ""),
    "PATCH settings": ({"longest_delegation_days": 1}, IN_THE_QUERY),
    "POST keys/key_id/compromise": ({**IN_THE_BODY, "reason": "leaked"}, ""),
    "PATCH trust/issuers/issuer_id": ({**IN_THE_BODY, "is_enabled": False}, ""),
    "DELETE trust/issuers/issuer_id": ({}, IN_THE_QUERY),
    "PATCH trust/audiences/audience_id": ({**IN_THE_BODY, "is_enabled": False}, ""),
    "DELETE trust/audiences/audience_id/rules/rule_id": ({}, IN_THE_QUERY),
}
"""What reaches a number of people, or the agents that act for them: how it is foreseen."""


def name_of(method, address):
    route, places = address.route.removeprefix("api/v1/"), iter(address.places)
    parts = [next(places).rpartition("/")[2] if each.startswith("<") else each for each in route.split("/")]
    return f"{method} {'/'.join(parts)}"


WRITING = {
    name_of(method, address): (method, address)
    for address in addresses.api()
    for method in addresses.methods(address)
    if method != "GET"
}


@pytest.fixture(scope="module")
def stage(origin, http):
    """A tenant with an object of every kind, each as it must be to be decided, and a token of its admin."""
    world = make(origin, http)
    scout = world.public_client()
    world.grant(scout, scope="events:read events:write offline_access")
    with context.use(world.tenant):
        filling.of_trust_and_arrivals(world, scout.client)
        filling.of_addresses(world)
        agent = Client.objects.get(pk=addresses.ids_in(world)["clients/client_id"]).agent
    world.rewrite(agent, owner=world.people["ada"])
    token = api_token(world, world.public_client("Console app"), "ada", ALL_SCOPES)
    yield world, token
    world.close()


def send(stage, name, body, *, query="", ids=None, **headers):
    world, token = stage
    method, address = WRITING[name]
    own = {"resources/resource_id": world.calendar.pk}
    found = {**WORDS, **addresses.ids_in(world), **own, **(ids or {})}
    headers = {"Authorization": f"Bearer {token}", **headers}
    return world.http.request(method, world.url(address.filled(found)) + query, headers=headers, json=body)


def test_of_each_it_is_said_how_it_is_decided():
    assert WITH_A_VERSION.keys() & WITHOUT_A_VERSION.keys() == set()
    named = WITH_A_VERSION.keys() | WITHOUT_A_VERSION.keys()
    assert WRITING.keys() - named == set(), "say what stands for a version of it, or why nothing does"
    assert named - WRITING.keys() == set(), "no address has these any more"
    assert FORESEEN.keys() <= WRITING.keys()


@spec("Idempotency-Key", "2.1")
@pytest.mark.parametrize("name", WRITING)
def test_each_reads_the_key_of_a_request_before_it_does_anything(stage, name):
    world, _ = stage
    body = WITH_A_VERSION.get(name, {})
    with leaves_only(world):
        answer = send(stage, name, body, **{"Idempotency-Key": "x" * 256})
    assert (answer.status_code, "Idempotency-Key is 1 to 255" in answer.text) == (400, True), answer.text


def ready(world):
    """Return ids of objects that stand as a verb needs them."""
    with context.use(world.tenant):
        ada = world.people["ada"]
        by = Principal(Kind.USER, ada.pk, ada.name)
        wide = [each for each in Delegation.objects.filter(ended_at=None) if len(each.scopes) > 1]
        waiting = Approval.objects.filter(status=Approval.Status.WAITING).first()
        return {"ada": by, "wide": wide[0], "waiting": waiting, "client": Client.objects.filter(agent__isnull=False)}


@spec("RFC 9110", "13.1.1")
@pytest.mark.parametrize("name", WITH_A_VERSION)
def test_each_that_has_a_version_is_refused_to_whoever_read_another_one_with_who_was_first(stage, name):
    world, _ = stage
    found, ids, body = ready(world), {}, dict(WITH_A_VERSION[name])
    if "delegation_id" in name:
        ids["delegations/delegation_id"] = found["wide"].pk
    if name.endswith("/approve"):
        body["owner"] = world.people["ada"].pk
    if "members" in name:
        ids["members/member_id"] = world.people["bob"].pk
    if "downstream" in name:
        ids["downstream/to_id"] = world.notes.pk
    if "me/views" in name:
        with context.use(world.tenant):
            world.rewrite(world.people["bob"].views.get(), member=world.people["ada"])
    before = prepare(world, name, found, ids)
    try:
        with leaves_only(world):
            answer = send(stage, name, body, ids=ids, **{"If-Match": '"987654321"'})
    finally:
        before()
    is_decision = name.endswith(("/approve", "/deny"))
    expected = (409, "It was decided already") if is_decision else (412, "It was changed since you read it")
    assert (answer.status_code, answer.json()["title"]) == expected, answer.text


def prepare(world, name, found, ids):
    """Bring an object into the state in which a verb may be done; return what takes it back."""
    with context.use(world.tenant):
        if name.endswith("delegation_id/put-back"):
            limits = Limits(None, timezone.now() + timedelta(hours=1))
            narrowing.narrow_delegation(found["wide"], limits, by=found["ada"], reason="less")
            return lambda: None
        if "approvals" in name:
            ids["approvals/approval_id"] = found["waiting"].pk
        if name.endswith("approval_id/undo"):
            admission.deny(found["waiting"], by=world.people["ada"], reason="No.")

            def back():
                with context.use(world.tenant):
                    admission.undo(Approval.objects.get(pk=found["waiting"].pk), by=world.people["ada"])

            return back
        return changed(world, name)


def changed(world, name):
    """Pause, end or retire what is to be resumed or restored; return what takes that back."""
    one = addresses.ids_in(world)
    agent = Client.objects.get(agent=one["agents/agent_id"]).agent
    server, issuer = world.calendar, TrustedIssuer.objects.get(pk=one["issuers/issuer_id"])
    states = {
        "POST agents/agent_id/resume": (agent, {"status": "suspended"}, {"status": agent.status}),
        "POST agents/agent_id/restore": (
            agent,
            {"status": "retired", "retired_at": timezone.now()},
            {"status": agent.status, "retired_at": None},
        ),
        "POST trust/issuers/issuer_id/restore": (issuer, {"removed_at": timezone.now()}, {"removed_at": None}),
        "POST resources/resource_id/restore": (server, {"retired_at": timezone.now()}, {"retired_at": None}),
    }
    if name not in states:
        return lambda: None
    row, there, as_it_was = states[name]
    world.rewrite(row, **there)
    return lambda: world.rewrite(row, **as_it_was)


@spec("RFC 9110", "9.2.1")
@pytest.mark.parametrize("name", FORESEEN)
def test_what_reaches_people_says_first_how_many_and_changes_nothing(stage, name):
    world, _ = stage
    body, query = FORESEEN[name]
    ids = {"members/member_id": world.people["bob"].pk}
    if "delegation_id" in name:
        ids["delegations/delegation_id"] = ready(world)["wide"].pk
    with leaves_only(world):
        answer = send(stage, name, body, query=query, ids=ids)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert {"people", "delegations", "parts_narrowed", "tokens"} & told.keys(), told


@spec("RFC 9110", "9.2.1")
def test_a_shorter_limit_is_foreseen_as_it_then_is(world):
    world.grant(world.public_client(), duration="month")
    token = api_token(world, world.public_client("Console app"), "ada", ALL_SCOPES)

    def patch(query=""):
        place, headers = world.url(f"/api/v1/settings{query}"), {"Authorization": f"Bearer {token}"}
        return world.http.patch(place, headers=headers, json={"longest_delegation_days": 2})

    first = patch("?dry_run=true").json()
    assert first["dry_run"] is True
    assert patch().status_code == 200
    (entry,) = world.entries(Event.DELEGATIONS_SHORTENED)
    assert entry.detail["delegations"] == first["delegations"] >= 1
    assert patch("?dry_run=true").json()["delegations"] == 0
    assert patch("?dry_run=maybe").status_code == 400


@spec("Idempotency-Key", "2.2")
def test_what_was_removed_or_changed_under_a_key_is_answered_again_and_not_done_again(stage):
    world, token = stage
    headers = {"Authorization": f"Bearer {token}"}
    place = world.url("/api/v1/me/views")
    made = world.http.post(place, headers=headers, json={"list": "agents", "name": "Once", "query": "q=x"}).json()
    one = f"{place}/{made['id']}"
    renamed = {**headers, "Idempotency-Key": "rename"}
    first = world.http.patch(one, headers=renamed, json={"name": "Twice"})
    with leaves_only(world):
        again = world.http.patch(one, headers=renamed, json={"name": "Twice"})
    assert (again.json(), again.headers["idempotency-replayed"]) == (first.json(), "true")
    gone = {**headers, "Idempotency-Key": "remove"}
    assert world.http.delete(one, headers=gone).status_code == 204
    with leaves_only(world):
        answer = world.http.delete(one, headers=gone)
    assert (answer.status_code, answer.headers["idempotency-replayed"]) == (204, "true")
    assert world.http.delete(one, headers=headers).status_code == 404
