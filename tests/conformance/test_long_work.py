"""Files and checks as long work: the list as it was when it was asked for, written once, whatever is killed."""

import csv
import io
import json
from urllib.parse import urlencode

import pytest
from django.db import connections
from django.utils import timezone

from agents.models import Agent, Approval
from delegations.models import Delegation
from kit import context
from notices import exporting, jobs, lists, streams
from notices.errors import TooLong
from notices.models import Job, JobPart
from tenants import clock
from tenants.models import Membership
from tests.conformance.test_api import api_token
from tests.conformance.test_bulk_end import do_it_all, job_of
from tests.harness import crowd, many
from tests.harness.footprint import leaves_only
from tests.spec import spec


def caller(world, who="ada", scope="jobs:read jobs:run"):
    token = api_token(world, world.public_client("Console app"), who, scope)

    def ask(method, path, body=None):
        headers = {"Authorization": f"Bearer {token}"}
        return world.http.request(method, world.url(f"/api/v1{path}"), headers=headers, json=body)

    return ask


@pytest.fixture
def admin(world):
    return caller(world)


def export(admin, form="csv", words="Crowd", **changes):
    return admin("POST", "/delegations/bulk-export", {"filter": {"q": words}, "form": form, **changes})


def file_of(admin, job_id):
    answer = admin("GET", f"/jobs/{job_id}/file")
    assert answer.status_code == 200, answer.text
    return answer


def rows(answer):
    return list(csv.DictReader(io.StringIO(answer.text)))


@spec("RFC 4180", "2")
def test_a_list_is_written_as_it_was_when_it_was_asked_for_in_either_form(world, admin):
    agent = many.delegations(world, 3, name="Crowd=1+1")
    with context.use(world.tenant):
        Agent.objects.filter(pk=agent.pk).update(name="=cmd|' /C calc'!A1")
    answers = [export(admin, form, filter={"agent": agent.pk}) for form in ("csv", "json")]
    assert [(each.status_code, each.json()["total"]) for each in answers] == [(202, 3), (202, 3)]
    many.delegations(world, 2)
    with context.use(world.tenant):
        first = Delegation.objects.filter(agent=agent).first()
        Delegation.objects.filter(pk=first.pk).update(ended_at=timezone.now())
    as_csv, as_json = (each.json()["id"] for each in answers)
    with leaves_only(world):
        assert admin("GET", f"/jobs/{as_csv}/file").status_code == 409, "it is not written yet"
    do_it_all(world)
    found, other = rows(file_of(admin, as_csv)), file_of(admin, as_json).json()
    assert [row["id"] for row in found] == [row["id"] for row in other]
    assert len({row["id"] for row in found}) == 3
    assert {row["agent_name"] for row in found} == {"'=cmd|' /C calc'!A1"}, "no spreadsheet takes it for a formula"
    assert {row["agent_name"] for row in other} == {"=cmd|' /C calc'!A1"}
    assert other[0]["scopes"] == ["events:read"]
    assert [each.detail["rows"] for each in world.entries("delegation.exported")] == [3, 3], "who took it stands there"


@spec("RFC 4180", "2")
def test_a_filter_that_matches_nothing_gives_an_empty_file_and_an_empty_filter_everything(world, admin):
    many.delegations(world, 2)
    nothing, everything = export(admin, "json", "Nobody of this name"), export(admin, "csv", "")
    do_it_all(world)
    assert file_of(admin, nothing.json()["id"]).json() == []
    assert len(rows(file_of(admin, everything.json()["id"]))) == len(world.delegations())
    with leaves_only(world):
        assert export(admin, filter={"colour": "red"}).status_code == 400
        assert export(admin, filter={"unused_since": "yesterday-ish"}).status_code == 400
        assert export(admin, form="xml").status_code == 400


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize("form", ["csv", "json"])
def test_whatever_dies_or_meets_another_each_row_is_written_once(world, admin, monkeypatch, form):
    many.delegations(world, 12)
    monkeypatch.setattr(jobs, "CHUNK", 2)
    job = job_of(world, export(admin, form))

    def dies(*args):
        exporting.write(*args)
        raise KeyboardInterrupt

    with context.use(world.tenant), monkeypatch.context() as once:
        jobs._chunk(job, 2)
        once.setitem(jobs._DOING, Job.Kind.EXPORT, dies)
        with pytest.raises(KeyboardInterrupt):
            jobs._chunk(job, 2)
        assert JobPart.objects.filter(job=job).count() == 1
    crowd.at_once(3, lambda _: jobs.work(), tenant=world.tenant)
    do_it_all(world)
    answer = file_of(admin, job.pk)
    found = rows(answer) if form == "csv" else answer.json()
    assert (len(found), len({row["id"] for row in found})) == (12, 12)


@spec("RFC 9700", "2.3")
def test_a_stop_leaves_what_is_written_and_nothing_is_ended_or_given_back(world, admin, monkeypatch):
    agent = many.delegations(world, 5)
    monkeypatch.setattr(jobs, "CHUNK", 2)
    job = job_of(world, export(admin, "json"))
    with context.use(world.tenant):
        jobs._chunk(job, 2)
    assert admin("POST", f"/jobs/{job.pk}/stop").json()["state"] == "stopping"
    do_it_all(world)
    told = admin("GET", f"/jobs/{job.pk}").json()
    assert (told["state"], told["done"], told["total"]) == ("stopped", 2, 5)
    assert len(file_of(admin, job.pk).json()) == 2
    assert admin("POST", f"/jobs/{job.pk}/undo").status_code == 409
    with context.use(world.tenant):
        assert Delegation.objects.live(timezone.now()).filter(agent=agent).count() == 5


@spec("RFC 9700", "2.3")
def test_a_file_goes_after_a_week_and_says_so(world, admin):
    many.delegations(world, 1)
    job = job_of(world, export(admin))
    do_it_all(world)
    with context.use(world.tenant):
        assert clock.forget(exporting.over(timezone.now() + exporting.KEPT * 0.9)) == 0
        assert clock.forget(exporting.over(timezone.now() + exporting.KEPT)) == 1
    refused = admin("GET", f"/jobs/{job.pk}/file")
    assert refused.status_code == 409
    assert world.entries("delegation.exported") == []


@spec("RFC 9700", "2.3")
def test_a_check_says_whom_narrower_rules_reach_and_changes_nothing(world, admin):
    scout = world.public_client("Crowd scout")
    world.grant(scout, scope="events:read events:write", tick=[f"{world.calendar.pk} events:write"])
    agent = many.delegations(world, 2)
    with context.use(world.tenant):
        ceiling = {world.calendar.identifier: ["events:read"]}
        Agent.objects.filter(pk=scout.client.agent_id).update(ceiling=ceiling)
        Agent.objects.filter(pk=agent.pk).update(people={"groups": ["finance"]}, longest_seconds=3600)
    before = [(each.pk, each.version, each.scopes) for each in world.delegations()]
    answer = admin("POST", "/delegations/recheck", {"filter": {"q": "Crowd"}})
    assert (answer.status_code, answer.json()["kind"], answer.json()["total"]) == (202, "recheck", 3)
    do_it_all(world)
    told = admin("GET", f"/jobs/{answer.json()['id']}").json()
    assert (told["state"], told["done"], told["noted"]) == ("done", 3, 3)
    report = {row["agent"]: row for row in rows(admin("GET", f"/jobs/{told['id']}/report"))}
    assert report["Crowd scout"]["note"] == "scopes above the agent's ceiling: events:write"
    of_crowd = "the agent was approved for other people; it lasts longer than the agent's approval allows"
    assert report["Crowd worker"]["note"] == of_crowd
    assert [(each.pk, each.version, each.scopes) for each in world.delegations()] == before


@spec("RFC 9700", "2.3")
def test_the_queries_of_a_chunk_do_not_grow_with_it(world, admin, django_assert_max_num_queries):
    for number in (2, 40):
        agent = many.delegations(world, number, name=f"Crowd {number}")
        with context.use(world.tenant):
            Agent.objects.filter(pk=agent.pk).update(ceiling={})
        listed = {"filter": {"agent": agent.pk}}
        made = [export(admin, **listed), admin("POST", "/delegations/recheck", listed)]
        for job in [job_of(world, each) for each in made]:
            with context.use(world.tenant), django_assert_max_num_queries(14, connection=connections["default"]):
                assert jobs._chunk(job, 500) == number


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize(("role", "runs"), [("auditor", 202), ("member", 403)])
def test_whoever_looks_after_agents_may_have_a_file_and_nobody_of_another_tenant(world, elsewhere, role, runs):
    world.rewrite(world.people["bob"], role=role)
    bob = caller(world, "bob")
    assert export(bob).status_code == runs
    assert bob("POST", "/delegations/recheck", {}).status_code == runs
    if runs == 202:
        with context.use(world.tenant):
            job = Job.objects.order_by("pk").first()
        do_it_all(world)
        assert bob("GET", f"/jobs/{job.pk}/file").status_code == 200
        assert caller(elsewhere)("GET", f"/jobs/{job.pk}/file").status_code == 404


@spec("RFC 9700", "2.3")
def test_the_page_begins_the_same_work_and_leads_to_its_file(world):
    many.delegations(world, 2)
    ada = world.browser("ada")
    ada.go(world.url("/console/delegations?q=Crowd"))
    page = ada.submit(ada.form("/console/delegations/start"), {"kind": "json"})
    assert "Write a file: 2" in page.text
    assert "The file" not in page.text
    do_it_all(world)
    page = ada.go(str(page.url))
    assert "The file (JSON)" in " ".join(page.text.split())
    job = str(page.url).rsplit("/", 1)[1]
    assert len(json.loads(ada.go(world.url(f"/console/jobs/{job}/file")).text)) == 2
    ada.go(world.url("/console/delegations?q=Crowd"))
    page = ada.submit(ada.form("/console/delegations/start"), {"kind": "recheck"})
    do_it_all(world)
    assert "0 stand above today&#x27;s rules" in ada.go(str(page.url)).text.replace("'", "&#x27;")
    ada.go(world.url("/console/delegations?unused_since=nonsense"))
    with leaves_only(world):
        page = ada.submit(ada.form("/console/delegations/start"), {"kind": "csv"})
    assert "Write a date" in page.text


# --- other lists

READS = "agents:read approvals:read events:read members:read resources:read"
LISTS = {
    "agents": ({"q": "Crowd"}, "name", {"Crowd worker"}),
    "approvals": ({"kind": "admission"}, "agent_name", {"Waits"}),
    "delegations": ({"q": "Crowd"}, "agent_name", {"Crowd worker"}),
    "events": ({"event": "job.*"}, "event", {"job.started"}),
    "members": ({"q": "Alice"}, "name", {"Alice"}),
    "resources": ({"q": "Calendar"}, "identifier", None),
}


@pytest.fixture
def reader(world):
    """A call as ada, through an app that may read what it has written into files."""
    many.delegations(world, 2)
    with context.use(world.tenant):
        Approval.objects.create(kind="admission", agent=Agent.objects.create(name="Waits", status="pending"))
    return caller(world, scope=f"jobs:read jobs:run {READS}")


def ask_for(reader, noun, words, form="csv"):
    return reader("POST", "/exports", {"list": noun, "filter": words, "form": form})


@spec("RFC 4180", "2")
@pytest.mark.parametrize("noun", LISTS)
def test_every_long_list_is_written_as_its_own_words_narrow_it(world, reader, noun):
    words, column, values = LISTS[noun]
    first = ask_for(reader, noun, {})
    answers = [ask_for(reader, noun, words, form) for form in ("csv", "json")]
    nothing = ask_for(reader, noun, {next(iter(words)): "nothing-of-this-name" if "q" in words else "lapse"})
    assert {each.status_code for each in (first, *answers)} == {202}, answers[0].text
    do_it_all(world)
    as_csv, as_json = (file_of(reader, each.json()["id"]) for each in answers)
    assert as_csv.headers["Content-Type"].startswith("text/csv")
    assert [row["id"] for row in rows(as_csv)][-1] == as_json.json()[-1]["id"]
    assert {row[column] for row in as_json.json()} == (values or {world.calendar.identifier})
    assert len(rows(file_of(reader, first.json()["id"]))) == first.json()["total"] >= answers[0].json()["total"]
    if nothing.status_code == 202:
        empty = file_of(reader, nothing.json()["id"])
        assert nothing.json()["total"] == 0
        assert empty.text.splitlines() == [",".join(lists.REGISTRY[noun].columns)]


@spec("RFC 6750", "3.1")
@pytest.mark.parametrize("noun", [noun for noun in LISTS if noun != "delegations"])
def test_a_list_is_written_for_whoever_may_read_it_and_for_nobody_else(world, reader, admin, noun):
    job = job_of(world, ask_for(reader, noun, {}))
    do_it_all(world)
    with leaves_only(world):
        assert ask_for(admin, noun, {}).status_code == 403, "its token may run work and read no such list"
        assert admin("GET", f"/jobs/{job.pk}/file").status_code == 403
        assert ask_for(reader, noun, {"colour": "red"}).status_code == 400
        assert ask_for(reader, "secrets", {}).status_code == 400
        assert ask_for(reader, noun, {}, "xml").status_code == 400
    world.rewrite(world.people["ada"], role="developer")
    with leaves_only(world):
        assert ask_for(reader, noun, {}).status_code == 403
    world.rewrite(world.people["ada"], role="auditor")
    assert ask_for(reader, noun, {}).status_code == 202


@spec("RFC 9700", "2.3")
def test_a_list_that_is_too_long_for_a_file_is_refused_and_one_that_is_just_so_long_is_not(world, monkeypatch):
    monkeypatch.setattr(exporting, "MOST", len(world.people) - 1)
    ada = world.people["ada"]
    with context.use(world.tenant):
        how = {"selection": {}, "member": ada, "by": jobs.asker(Job(asked_by=ada)), "noun": "members"}
        with leaves_only(world), pytest.raises(TooLong):
            exporting.ask(Membership.objects.all(), "csv", **how)
        assert exporting.ask(Membership.objects.exclude(pk=ada.pk), "csv", **how).total == exporting.MOST


@spec("RFC 4180", "2")
@pytest.mark.parametrize("noun", streams.STREAMED)
def test_a_list_is_had_at_once_as_a_file_over_the_api_and_on_its_page(world, reader, admin, noun):
    words, column, values = LISTS[noun]
    asked = f"?{urlencode(words)}"
    as_csv, as_json = (reader("GET", f"/{noun}/export/{form}{asked}") for form in ("csv", "json"))
    assert (as_csv.status_code, as_csv.headers["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert {row[column] for row in as_json.json()} == (values or {world.calendar.identifier})
    assert [row["id"] for row in rows(as_csv)] == [row["id"] for row in as_json.json()]
    browser = world.browser("ada")
    on_page = browser.go(world.url(f"/console/{noun}/export/csv{asked}"))
    assert on_page.text == as_csv.text
    told = [entry.detail["list"] for entry in world.entries("list.exported")]
    assert told == [noun] * 3
    with leaves_only(world):
        assert reader("GET", f"/{noun}/export/xml").status_code == 404
        assert reader("GET", f"/{noun}/export/csv?colour=red").status_code == 400
        assert admin("GET", f"/{noun}/export/csv").status_code == 403
        assert browser.go(world.url(f"/console/{noun}/export/xml")).status_code == 404
        assert world.browser("bob").go(world.url(f"/console/{noun}/export/csv")).status_code in {403, 404}


@spec("RFC 4180", "2")
def test_a_list_that_matches_nothing_is_a_header_and_one_of_many_batches_is_whole(world, reader, monkeypatch):
    empty = reader("GET", "/agents/export/csv?q=nobody-of-this-name")
    assert empty.text.splitlines() == [",".join(lists.REGISTRY["agents"].columns)]
    assert reader("GET", "/agents/export/json?q=nobody-of-this-name").json() == []
    monkeypatch.setattr(streams, "BATCH", 2)
    which = lists.REGISTRY["members"]
    with context.use(world.tenant):
        every = Membership.objects.count()
    with context.use(world.tenant):
        found = which.dressed()
    written = b"".join(streams.pieces(world.tenant, which, found, "json"))
    ids = [row["id"] for row in json.loads(written)]
    assert len(ids) == len(set(ids)) == every > 4
