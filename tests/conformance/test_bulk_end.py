"""Ending many at once: refused from that moment on, accounted for behind it, and given back without waking a token."""

import csv
import io
from contextlib import suppress

import pytest
from django.conf import settings
from django.db import connection, connections, transaction

from audit import ledger
from delegations.filters import DelegationFilter
from delegations.models import Ancestry, Delegation
from kit import context, whole_sets
from notices import ending, jobs, selecting
from notices.models import Job, JobItem
from notices.tasks import work
from tests.conformance.test_api import api_token
from tests.harness import crowd, database, many
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPES = "jobs:read jobs:run"
UNKNOWN = 800


@pytest.fixture
def admin(world):
    """Return a call as ada, through an app that she lets do so."""
    token = api_token(world, world.public_client("Console app"), "ada", SCOPES)

    def ask(method, path, body=None):
        return world.http.request(
            method, world.url(f"/api/v1{path}"), headers={"Authorization": f"Bearer {token}"}, json=body
        )

    return ask


def end(admin, expect, words="Crowd", **changes):
    return admin(
        "POST", "/delegations/bulk-end", {"filter": {"q": words}, "reason": "over", "expect": expect} | changes
    )


def do_it_all(world):
    """Let the clock go on until nothing is left to do here."""
    with context.use(world.tenant):
        while jobs.work():
            pass


def live(world, agent):
    with context.use(world.tenant):
        return Delegation.objects.filter(agent=agent, ended_at=None).count()


def job_of(world, answer):
    with context.use(world.tenant):
        return Job.objects.get(pk=answer.json()["id"])


@pytest.fixture
def unknown(world, elsewhere):
    """A tenant of which PostgreSQL knows nothing, as it looked when there was another one alone: parts of ten heads."""
    many.delegations(elsewhere, 500)
    database.count_rows()
    many.delegations(world, UNKNOWN)
    with context.use(world.tenant):
        rows = list(Delegation.objects.order_by("pk"))
        Ancestry.objects.bulk_create(
            Ancestry(delegation=each, ancestor=rows[number % 10], distance=1)
            for number, each in enumerate(rows[10:])
        )  # fmt: skip
    return world


def _visited(node):
    """Return how many rows a plan read, in all its loops."""
    read = node["Actual Rows"] + sum(node.get(name, 0) for name in node if name.startswith("Rows Removed"))
    return node["Actual Loops"] * read + sum(_visited(each) for each in node.get("Plans", []))


@pytest.mark.postgresql
@pytest.mark.parametrize("words", [{}, {"q": "Crowd"}, {"who": "Person", "never_used": "true"}], ids=str)
def test_a_tenant_that_the_database_knows_nothing_of_is_gone_through_once_and_not_once_for_each_row(unknown, words):
    with context.use(unknown.tenant), transaction.atomic():
        job = Job.objects.create(kind=Job.Kind.END, asked_by=unknown.people["ada"])
        found = DelegationFilter(words, Delegation.objects.get_queryset()).qs
        text, values = selecting.freezing(job, found)
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {text}", values)
            assert "Nested Loop" in str(cursor.fetchall()), "nothing is shown where it was no danger"
        with whole_sets.joined(), connection.cursor() as cursor, suppress(_Undone), transaction.atomic():
            cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {text}", values)
            assert _visited(cursor.fetchone()[0][0]["Plan"]) < 40 * UNKNOWN
            raise _Undone
        assert selecting.freeze(job, found) == UNKNOWN
        with connection.cursor() as cursor:
            cursor.execute("SHOW enable_nestloop")
            assert cursor.fetchone() == ("on",)


class _Undone(Exception):
    pass


@spec("RFC 7009", "2")
def test_what_is_ended_at_once_is_refused_before_the_clock_did_anything(world, admin):
    scout = world.public_client("Crowd scout")
    granted = world.grant(scout)
    many.delegations(world, 3)
    assert admin("POST", "/delegations/bulk-end", {"filter": {"q": "Crowd"}, "dry_run": True}).json() == {
        "delegations": 4, "people": 4, "agents": 2, "resources": 1, "told": 4, "webhooks": 0,
        "revocation_lags": {world.calendar.identifier: world.tenant.access_token_seconds},
    }  # fmt: skip
    assert world.is_active(granted["access_token"])
    answer = end(admin, 4)
    assert (answer.status_code, answer.json()["state"], answer.json()["total"]) == (202, "running", 4)
    assert not world.is_active(granted["access_token"])
    assert world.refresh(scout, granted["refresh_token"]).json()["error"] == "invalid_grant"
    do_it_all(world)
    told = admin("GET", f"/jobs/{answer.json()['id']}").json()
    assert (told["state"], told["done"], told["failed"]) == ("done", 4, 0)


@spec("RFC 9700", "2.3")
def test_each_end_has_an_entry_with_its_receipt_and_the_work_has_two_of_its_own(world, admin):
    scout = world.public_client("Crowd scout")
    world.grant(scout)
    many.delegations(world, 2)
    answer = end(admin, 3)
    do_it_all(world)
    entries = world.entries("delegation.ended")
    assert len(entries) == 3
    assert {(entry.principal_id, entry.reason) for entry in entries} == {(world.people["ada"].pk, "over")}
    by_scout = next(entry for entry in entries if entry.through == scout.client.agent_id)
    assert by_scout.on_behalf_of == world.people["alice"].pk
    assert by_scout.detail["receipt"]["token_families_ended"] == 1
    assert by_scout.detail["receipt"]["tokens"][0]["tokens"] == 1
    assert "Crowd scout could" in by_scout.detail["sentence"]
    (started,), (finished,) = world.entries("job.started"), world.entries("job.finished")
    assert (started.about_id, started.detail["total"]) == (answer.json()["id"], 3)
    assert finished.detail == {"state": "done", "total": 3, "done": 3, "failed": 0}
    with context.use(world.tenant):
        while ledger.seal(world.tenant.pk, using=settings.OPERATOR_ALIAS):
            pass
        assert ledger.verify(world.tenant.pk, using=settings.OPERATOR_ALIAS).broken_at is None


@spec("RFC 9110", "13.1.1")
def test_a_number_that_does_not_match_ends_nothing_and_says_the_one_that_does(world, admin):
    agent = many.delegations(world, 3)
    with leaves_only(world):
        answer = end(admin, 2)
        assert (answer.status_code, answer.json()["matches"]) == (409, 3)
        assert end(admin, None).status_code == 400
        assert end(admin, 1, words="Nobody of this name").status_code == 409
        assert end(admin, 3, filter={"colour": "red"}).status_code == 400
        assert end(admin, 3, filter="everything").status_code == 400
    assert live(world, agent) == 3
    assert end(admin, 3).status_code == 202


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize(
    ("role", "reads", "runs"),
    [("security", 200, 202), ("auditor", 200, 403), ("approver", 200, 403), ("member", 403, 403)],
)
def test_only_who_may_end_for_everybody_ends_many(world, role, reads, runs):
    world.rewrite(world.people["bob"], role=role)
    token = api_token(world, world.public_client("Console app"), "bob", SCOPES)
    many.delegations(world, 1)
    headers = {"Authorization": f"Bearer {token}"}
    assert world.http.get(world.url("/api/v1/jobs"), headers=headers).status_code == reads
    body = {"filter": {"q": "Crowd worker"}, "expect": 1}
    answer = world.http.post(world.url("/api/v1/delegations/bulk-end"), headers=headers, json=body)
    assert answer.status_code == runs, answer.text


@spec("RFC 9700", "2.3")
def test_a_worker_that_dies_in_a_chunk_did_nothing_and_the_next_one_goes_on(world, admin, monkeypatch):
    agent = many.delegations(world, 7)
    monkeypatch.setattr(jobs, "CHUNK", 3)
    job = job_of(world, end(admin, 7))

    def dies(*args):
        ending.end(*args)
        raise KeyboardInterrupt

    with context.use(world.tenant):
        jobs._chunk(job, 3)
        with monkeypatch.context() as once:
            once.setitem(jobs._DOING, Job.Kind.END, dies)
            with pytest.raises(KeyboardInterrupt):
                jobs._chunk(job, 3)
        assert len(world.entries("delegation.ended")) == 3
    assert live(world, agent) == 0
    do_it_all(world)
    job = job_of(world, admin("GET", f"/jobs/{job.pk}"))
    assert (job.state, job.done) == ("done", 7)
    assert len(world.entries("delegation.ended")) == 7


@spec("RFC 9700", "2.3")
def test_workers_that_meet_write_each_end_down_once(world, admin, monkeypatch):
    many.delegations(world, 12)
    monkeypatch.setattr(jobs, "CHUNK", 2)
    job = job_of(world, end(admin, 12))
    crowd.at_once(4, lambda _: jobs.work(), tenant=world.tenant)
    do_it_all(world)
    ended = [entry.about_id for entry in world.entries("delegation.ended")]
    assert (len(ended), len(set(ended))) == (12, 12)
    assert len(world.entries("job.finished")) == 1
    assert job_of(world, admin("GET", f"/jobs/{job.pk}")).done == 12


@spec("RFC 9700", "2.3")
def test_one_that_cannot_be_written_down_keeps_nobody_waiting_and_is_named(world, admin, monkeypatch):
    many.delegations(world, 3)
    job = job_of(world, end(admin, 3))
    with context.use(world.tenant):
        bad = JobItem.objects.filter(job=job).order_by("pk")[1]

    def stumbles(job, items, by):
        if any(item.pk == bad.pk for item in items):
            raise ValueError("no")
        ending.end(job, items, by)

    monkeypatch.setitem(jobs._DOING, Job.Kind.END, stumbles)
    do_it_all(world)
    told = admin("GET", f"/jobs/{job.pk}").json()
    assert (told["state"], told["done"], told["failed"]) == ("done", 2, 1)
    report = list(csv.DictReader(io.StringIO(admin("GET", f"/jobs/{job.pk}/report").text)))
    assert [row["state"] for row in report] == ["Done", "Failed", "Done"]
    assert report[1]["delegation"] == bad.object_id


@spec("RFC 9700", "2.3")
def test_a_stop_gives_back_what_was_not_written_down_yet_and_wakes_no_token(world, admin, monkeypatch):
    scout = world.public_client("Crowd scout")
    granted = world.grant(scout)
    many.delegations(world, 3)
    monkeypatch.setattr(jobs, "CHUNK", 2)
    job = job_of(world, end(admin, 4))
    with context.use(world.tenant):
        jobs._chunk(job, 2)
    assert admin("POST", f"/jobs/{job.pk}/stop").json()["state"] == "stopping"
    assert admin("POST", f"/jobs/{job.pk}/stop").status_code == 409
    do_it_all(world)
    told = admin("GET", f"/jobs/{job.pk}").json()
    assert (told["state"], told["done"], told["total"]) == ("stopped", 2, 4)
    assert len(world.entries("delegation.ended")) == 4
    assert len(world.entries("delegation.restored")) == 2
    assert not world.is_active(granted["access_token"])


@spec("RFC 9700", "2.3")
def test_for_ten_minutes_all_is_given_back_once_and_by_the_same_person(world, admin):
    agent = many.delegations(world, 3)
    answer = end(admin, 3)
    undo = f"/jobs/{answer.json()['id']}/undo"
    with leaves_only(world):
        assert admin("POST", undo).status_code == 409  # It is not over yet.
    do_it_all(world)
    restoring = admin("POST", undo)
    assert (restoring.status_code, restoring.json()["kind"], restoring.json()["total"]) == (202, "restore", 3)
    assert admin("POST", undo).status_code == 409
    do_it_all(world)
    assert live(world, agent) == 3
    assert len(world.entries("delegation.restored")) == 3


@spec("RFC 9700", "2.3")
def test_after_ten_minutes_or_by_somebody_else_nothing_is_given_back(world, admin):
    many.delegations(world, 1)
    job = job_of(world, end(admin, 1))
    do_it_all(world)
    world.rewrite(job, asked_by=world.people["bob"])
    assert admin("POST", f"/jobs/{job.pk}/undo").status_code == 409
    world.rewrite(job, asked_by=world.people["ada"], created_at=job.created_at - ending.UNDO)
    assert admin("POST", f"/jobs/{job.pk}/undo").status_code == 409


@spec("RFC 9700", "2.3")
def test_what_somebody_else_ended_meanwhile_is_theirs(world, admin):
    agent = many.delegations(world, 2)
    job = job_of(world, end(admin, 2))
    with context.use(world.tenant):
        theirs = Delegation.objects.filter(agent=agent).first()
        Delegation.objects.filter(pk=theirs.pk).update(ended_by="usr_other")
    do_it_all(world)
    (note,) = [row.note for row in _items(world, job) if row.object_id == theirs.pk]
    assert note == ending.ENDED_BEFORE
    assert len(world.entries("delegation.ended")) == 1


def _items(world, job):
    with context.use(world.tenant):
        return list(JobItem.objects.filter(job=job))


@spec("RFC 9700", "2.3")
def test_the_queries_of_a_chunk_do_not_grow_with_it(world, admin, django_assert_max_num_queries):
    for number in (2, 40):
        many.delegations(world, number, name=f"Crowd {number}")
        job = job_of(world, end(admin, number, words=f"Crowd {number}"))
        with context.use(world.tenant), django_assert_max_num_queries(14, connection=connections["default"]):
            assert jobs._chunk(job, 500) == number


@spec("RFC 9700", "2.3")
def test_the_page_does_the_same_and_leaves_the_same_entry(world, admin):
    agent, other = many.delegations(world, 2), many.delegations(world, 2, name="Throng")
    end(admin, 2)
    ada = world.browser("ada")
    page = ada.go(world.url("/console/delegations/end?q=Throng"))
    assert "End 2 delegations" in page.text
    with leaves_only(world):
        refused = ada.submit(ada.form(""), {"reason": "over", "number": "7"})
    assert refused.status_code == 409
    assert "Another number matches" in refused.text
    assert 'value="over"' in refused.text
    page = ada.submit(ada.form(""), {"reason": "over", "number": "2"})
    assert "All of it is refused already" in page.text
    assert live(world, agent) == live(world, other) == 0
    one, two = ((each.principal_id, each.reason, each.detail) for each in world.entries("job.started"))
    assert one == two
    do_it_all(world)
    done = ada.go(str(page.url))
    assert "2 of 2 written down" in done.text
    assert "Give it all back" in done.text
    assert "hx-trigger" not in done.text


@spec("RFC 9700", "2.3")
def test_the_clock_goes_on_with_it_in_every_tenant(world, admin):
    many.delegations(world, 1)
    job = job_of(world, end(admin, 1))
    work()
    assert job_of(world, admin("GET", f"/jobs/{job.pk}")).state == "done"
    assert len(world.entries("job.finished")) == 1


@spec("RFC 9700", "2.3")
def test_work_of_another_tenant_is_not_there(world, elsewhere, admin):
    many.delegations(world, 1)
    job = job_of(world, end(admin, 1))
    other = api_token(elsewhere, elsewhere.public_client(), "ada", SCOPES)
    headers = {"Authorization": f"Bearer {other}"}
    for path in ("", "/report"):
        assert elsewhere.http.get(elsewhere.url(f"/api/v1/jobs/{job.pk}{path}"), headers=headers).status_code == 404
    for path in ("stop", "undo"):
        answer = elsewhere.http.post(elsewhere.url(f"/api/v1/jobs/{job.pk}/{path}"), headers=headers)
        assert answer.status_code == 404


@spec("RFC 9700", "2.3")
def test_rows_that_were_ticked_are_ended_and_no_others(world, admin):
    many.delegations(world, 4, name="Ticked")
    with context.use(world.tenant):
        ticked = [each.pk for each in Delegation.objects.filter(agent__name="Ticked").order_by("pk")]
    ada = world.browser("ada")
    page = ada.go(world.url(f"/console/delegations/end?q=Ticked&ids={ticked[0]}&ids={ticked[2]}&ids=all"))
    assert "End 2 delegations" in page.text
    ada.submit(ada.form(""), {"reason": "over"})
    (started,) = world.entries("job.started")
    assert (started.reason, started.detail["total"]) == ("over", 2)
    with context.use(world.tenant):
        assert Job.objects.get(pk=started.about_id).selection == {"ids": f"{ticked[0]} {ticked[2]}"}
        left = Delegation.objects.filter(agent__name="Ticked", ended_at=None).values_list("pk", flat=True)
        assert sorted(left) == [ticked[1], ticked[3]]


@spec("RFC 9700", "2.3")
def test_whoever_ticked_nothing_ends_nothing(world, admin):
    agent = many.delegations(world, 2, name="Unticked")
    ada = world.browser("ada")
    page = ada.go(world.url("/console/delegations/end?chosen=some"))
    assert "No row was chosen" in page.text
    with leaves_only(world):
        refused = ada.submit(ada.form(""), {"reason": "over"})
    assert refused.status_code == 409
    assert live(world, agent) == 2


@spec("RFC 9700", "2.3")
def test_more_than_a_few_are_counted_by_hand(world, admin):
    agent = many.delegations(world, 26, name="Throng of many")
    ada = world.browser("ada")
    ada.go(world.url("/console/delegations/end?q=Throng of many"))
    with leaves_only(world):
        assert ada.submit(ada.form(""), {"reason": "over"}).status_code == 422
    ada.submit(ada.form(""), {"reason": "over", "number": "26"})
    assert live(world, agent) == 0
