"""What people do to a delegation on a page they do over the API: seen, taken along, ended, and taken back alike."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.events import Event
from delegations.models import Delegation
from kit import context, jose
from notices.models import Job
from tests.conformance.test_api import api_token, call
from tests.conformance.test_resources_api import asker
from tests.harness import many
from tests.harness.footprint import leaves_only
from tests.spec import spec
from tokens import keys
from tokens.records import TYP

SCOPES = "delegations:oversee delegations:revoke"
ALICE, BOB = "alice", "bob"


@pytest.fixture
def scout(world):
    return world.public_client()


@pytest.fixture
def twins(world, scout):
    """What alice and bob each let the same agent do: one for the page, one for its endpoint."""
    for person in (ALICE, BOB):
        world.grant(scout, person, scope="events:read offline_access")
    return [held(world, scout, person) for person in (ALICE, BOB)]


def held(world, scout, person):
    with context.use(world.tenant):
        return Delegation.objects.filter(subject=world.people[person].pk, agent=scout.client.agent_id).latest("pk")


def anew(world, delegation):
    with context.use(world.tenant):
        return Delegation.objects.get(pk=delegation.pk)


def story(world, delegation):
    """Return what the ledger says of one, without what differs between two people."""
    told = [entry for entry in world.entries() if entry.about_id == delegation.pk]
    hidden = {"delegation": "…", "ended_at": "…", "time_to_zero": "…", "tokens": "…"}
    return [
        (
            entry.event,
            entry.principal_kind,
            entry.reason,
            entry.through,
            entry.on_behalf_of == delegation.subject,
            sorted(entry.detail),
            {**entry.detail.get("receipt", {}), **hidden},
        )
        for entry in told
        if entry.event != Event.DELEGATION_ALLOWED
    ]


# --- page and API alike


@spec("RFC 7009", "2")
def test_an_admin_ends_and_takes_back_on_the_page_and_over_the_api_alike(world, scout, twins):
    by_page, by_api = twins
    ada, ask = world.browser("ada"), asker(world, "ada", SCOPES)
    ada.go(world.url(f"/console/delegations/{by_page.pk}"))
    ada.submit(ada.form("/end"), {"reason": "the project is over"})
    done = ask("POST", f"/delegations/{by_api.pk}/end", {"reason": "the project is over"})
    assert done.status_code == 200, done.text
    ended = [anew(world, each) for each in twins]
    for each in ended:
        assert (each.ended_by, each.ended_reason) == (world.people["ada"].pk, "the project is over")
    assert story(world, by_page) == story(world, by_api) != []
    told = done.json()
    assert (told["delegation"], told["delegations_ended"], told["token_families_ended"]) == (by_api.pk, 1, 1)
    assert told["links"]["console"] == world.url(f"/console/delegations/{by_api.pk}")
    assert told["summary"].startswith("Scout could")
    ada.submit(ada.form("/undo"))
    back = ask("POST", f"/delegations/{by_api.pk}/restore")
    assert back.status_code == 201, back.text
    made = [held(world, scout, person) for person in (ALICE, BOB)]
    assert [each.restored_from_id for each in made] == [by_page.pk, by_api.pk]
    assert [each.scopes for each in made] == [["events:read"]] * 2
    assert story(world, made[0]) == story(world, made[1]) != []
    assert (back.json()["id"], back.headers["location"]) == (
        made[1].pk,
        world.url(f"/api/v1/delegations/{made[1].pk}"),
    )


@spec("RFC 7009", "2")
def test_people_end_their_own_on_their_page_and_over_the_api_alike(world, twins):
    by_page, by_api = twins
    alice, bob = world.browser(ALICE), asker(world, BOB, SCOPES)
    alice.go(world.url("/me/agents"))
    alice.submit(alice.form(f"{by_page.pk}/end"))
    assert bob("POST", f"/delegations/{by_api.pk}/end", {}).status_code == 200
    assert [anew(world, each).ended_reason for each in twins] == ["ended by the person"] * 2
    assert story(world, by_page) == story(world, by_api) != []
    alice.submit(alice.form(f"{by_page.pk}/undo"))
    assert bob("POST", f"/delegations/{by_api.pk}/restore").status_code == 201
    with context.use(world.tenant):
        assert Delegation.objects.filter(restored_from__in=[each.pk for each in twins]).count() == 2


@spec("RFC 9700", "2.3")
def test_the_file_of_the_list_is_the_same_from_the_page_and_from_the_api(world, twins):
    ask, ada = asker(world, "ada", SCOPES), world.browser("ada")
    for form in ("csv", "json"):
        page = ada.http.get(world.url(f"/console/delegations/export/{form}?agent=Scout&state=active"))
        file = ask("GET", f"/delegations/export.{form}?agent=Scout&state=active")
        assert (file.status_code, file.content) == (200, page.content), form
        assert file.headers["content-disposition"] == page.headers["content-disposition"]
        of_page, of_api = world.entries(Event.DELEGATIONS_EXPORTED)[-2:]
        assert of_page.detail == of_api.detail == {"filter": "agent=Scout&state=active", "form": form, "rows": 2}
        assert of_page.principal_id == of_api.principal_id == world.people["ada"].pk
    rows = list(csv.DictReader(io.StringIO(ask("GET", "/delegations/export.csv?agent=Scout").text)))
    assert {row["id"] for row in rows} == {each.pk for each in twins}


@spec("RFC 7515", "5.2")
def test_the_signed_record_is_that_of_the_page_and_for_the_person_too(world, twins):
    mine, others = twins
    page = world.browser("ada").http.get(world.url(f"/console/delegations/{mine.pk}/record")).json()
    alice = asker(world, ALICE, SCOPES)
    for ask in (alice, asker(world, "ada", SCOPES)):
        found = ask("GET", f"/delegations/{mine.pk}/receipt").json()
        assert found["record"] == {**page["record"], "iat": found["record"]["iat"]}
        with context.use(world.tenant):
            wanted = jose.Expected(typ=TYP, issuer=world.tenant.issuer, audience=None)
            assert dict(jose.signed(found["jws"], keys.keyset().public, wanted)) == found["record"]
        assert found["links"] == {
            "console": world.url(f"/console/delegations/{mine.pk}"),
            "mine": world.url("/me/agents"),
        }
    assert alice("GET", f"/delegations/{others.pk}/receipt").status_code == 404


# --- who sees and does what


@spec("RFC 9700", "2.3")
def test_people_see_their_own_and_those_who_look_after_the_tenant_see_everybody_s(world, twins):
    own, others = twins
    alice, ada = asker(world, ALICE, SCOPES), asker(world, "ada", SCOPES)
    for ask, seen in ((alice, {own.pk}), (ada, {own.pk, others.pk})):
        page = ask("GET", "/delegations?agent=Scout").json()["delegations"]
        assert {each["id"] for each in page} == seen
    (first,) = alice("GET", "/delegations?agent=Scout").json()["delegations"]
    one = alice("GET", f"/delegations/{own.pk}")
    assert (one.json(), one.headers["etag"]) == (first, f'"{own.version}"')
    assert first["summary"] == first["sentence"]
    assert first["summary"].startswith("Scout may")
    assert (first["person"], first["agent_name"], first["origin"], first["uses"]) == ("Alice", "Scout", "consent", 1)
    assert first["links"]["console"] == world.url(f"/console/delegations/{own.pk}")
    assert alice("GET", f"/delegations/{own.pk}/lineage").json()["subject"] == world.people[ALICE].pk
    for path in ("", "/lineage", "/receipt"):
        assert alice("GET", f"/delegations/{others.pk}{path}").status_code == 404
        assert ada("GET", f"/delegations/{others.pk}{path}").status_code == 200


@spec("RFC 9110", "9.3.1")
def test_the_list_is_narrowed_by_the_words_of_the_page_and_read_a_page_at_a_time(world, twins):
    ask = asker(world, "ada", SCOPES)
    bob = world.people[BOB]
    (only,) = ask("GET", f"/delegations?agent=Scout&who={bob.pk}").json()["delegations"]
    assert only["subject"] == bob.pk
    ask("POST", f"/delegations/{twins[0].pk}/end", {"reason": "over"})
    for state, wanted in (("active", {twins[1].pk}), ("over", {twins[0].pk}), ("any", {each.pk for each in twins})):
        found = ask("GET", f"/delegations?agent=Scout&state={state}").json()["delegations"]
        assert {each["id"] for each in found} == wanted, state
    assert ask("GET", "/delegations?colour=red").status_code == 400
    assert ask("GET", "/delegations?state=odd").status_code == 400
    first = ask("GET", "/delegations?agent=Scout&state=any&limit=1").json()
    second = ask("GET", f"/delegations?agent=Scout&state=any&limit=1&cursor={first['next']}").json()
    assert [page["delegations"][0]["id"] for page in (first, second)] == [twins[1].pk, twins[0].pk]
    assert second["next"] is None


@spec("RFC 6750", "3.1")
def test_an_agent_with_the_old_scope_sees_what_it_holds_and_no_more_than_before(world, scout, twins):
    own = api_token(world, scout, ALICE, "delegations:read")
    found = call(world, own, "/delegations").json()["delegations"]
    assert {each["subject"] for each in found} == {world.people[ALICE].pk}
    assert set(found[0]) == {"id", "subject", "resource", "scopes", "expires_at", "created_at", "sentence"}
    assert call(world, own, "/delegations?agent=Scout").status_code == 400
    with leaves_only(world):
        assert call(world, own, f"/delegations/{twins[1].pk}").status_code == 404
        for path in ("end", "restore"):
            assert call(world, own, f"/delegations/{twins[0].pk}/{path}", "POST").status_code == 403
        for path in (f"/delegations/{twins[0].pk}/receipt", "/delegations/export.csv"):
            assert call(world, own, path).status_code == 403


@spec("RFC 6750", "3.1")
def test_an_agent_s_own_token_reaches_none_of_it_whatever_scope_it_has(world, twins):
    own = world.own_api_token(world.worker(), SCOPES)
    with leaves_only(world):
        for method, path in (
            ("GET", ""),
            ("GET", f"/{twins[0].pk}"),
            ("GET", f"/{twins[0].pk}/lineage"),
            ("GET", f"/{twins[0].pk}/receipt"),
            ("GET", "/export.csv"),
            ("POST", f"/{twins[0].pk}/end"),
            ("POST", f"/{twins[0].pk}/restore"),
        ):
            assert call(world, own, f"/delegations{path}", method).status_code == 403, path


@spec("RFC 9700", "2.3")
def test_nobody_ends_what_is_another_s_without_a_role_and_a_reason(world, twins):
    path, why = f"/delegations/{twins[0].pk}/end", {"reason": "because"}
    ada, bob = (asker(world, name, SCOPES) for name in ("ada", BOB))
    looks = asker(world, "ada", "delegations:oversee")
    with leaves_only(world):
        assert bob("POST", path, why).status_code == 404
        assert looks("POST", path, why).status_code == 403
        assert ada("POST", path, {"reason": "  "}).status_code == 400
    world.rewrite(world.people[BOB], role="auditor")
    with leaves_only(world):
        assert bob("POST", path, why).status_code == 404
    assert bob("GET", f"/delegations/{twins[0].pk}").status_code == 200
    assert ada("POST", path, why).status_code == 200
    with leaves_only(world):
        assert ada("POST", path, why).status_code == 409
    world.rewrite(world.people[BOB], role="member")
    with leaves_only(world):
        assert bob("GET", "/delegations/export.csv").status_code == 403


@spec("RFC 9700", "2.3")
def test_an_end_is_taken_back_by_whoever_made_it_once_and_within_ten_minutes(world, twins):
    path = f"/delegations/{twins[0].pk}"
    ada, alice = (asker(world, name, SCOPES) for name in ("ada", ALICE))
    with leaves_only(world):
        assert ada("POST", f"{path}/restore").status_code == 409
    ada("POST", f"{path}/end", {"reason": "over"})
    with leaves_only(world):
        refused = alice("POST", f"{path}/restore")
    assert (refused.status_code, refused.json()["title"]) == (409, "It is too late to undo that")
    assert refused.json()["changed_by"] == world.people["ada"].pk
    ended_at = anew(world, twins[0]).ended_at
    world.rewrite(twins[0], ended_at=timezone.now() - timedelta(minutes=11))
    with leaves_only(world):
        assert ada("POST", f"{path}/restore").status_code == 409
    world.rewrite(twins[0], ended_at=ended_at)
    assert ada("POST", f"{path}/restore").status_code == 201
    with leaves_only(world):
        assert ada("POST", f"{path}/restore").status_code == 409


# --- many, by their ids


@spec("RFC 9110", "13.1.1")
def test_many_are_ended_by_their_ids_and_none_of_them_where_one_is_not_there(world):
    agent = many.delegations(world, 4)
    with context.use(world.tenant):
        ids = list(Delegation.objects.filter(agent=agent).order_by("pk").values_list("pk", flat=True))
    ask = asker(world, "ada", "jobs:read jobs:run")
    nobody = f"dlg_{'0' * 26}"
    with leaves_only(world):
        told = ask("POST", "/delegations/bulk-end", {"ids": ids[:2], "dry_run": True}).json()
        assert told["delegations"] == 2
        missing = ask("POST", "/delegations/bulk-end", {"ids": [*ids[:2], nobody]})
        assert (missing.status_code, missing.json()["matches"]) == (409, 2)
        for odd in ({}, {"ids": []}, {"ids": "all"}, {"ids": ids, "filter": {}}, {"ids": ids, "expect": 3}):
            assert ask("POST", "/delegations/bulk-end", odd).status_code in {400, 409}, odd
    done = ask("POST", "/delegations/bulk-end", {"ids": [*ids[:2], ids[0]], "reason": "over"})
    assert (done.status_code, done.json()["total"]) == (202, 2)
    with context.use(world.tenant):
        assert set(Delegation.objects.filter(agent=agent, ended_at=None).values_list("pk", flat=True)) == set(ids[2:])
        assert Job.objects.get(pk=done.json()["id"]).selection == {"ids": " ".join(ids[:2])}
    assert (done.json()["reason"], done.json()["summary"]) == ("over", "End access: 0 of 2")
    assert done.json()["links"] == {"console": world.url(f"/console/jobs/{done.json()['id']}")}
