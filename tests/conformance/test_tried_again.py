"""What could not be written down of an end of many is tried once more by the clock, and said in the report."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from kit import context
from notices import ending, jobs
from notices.models import Job, JobItem
from tests.conformance.test_bulk_end import admin, do_it_all, end, job_of, live
from tests.harness import crowd, many
from tests.spec import spec

__all__ = ["admin"]


@pytest.fixture
def stumbling(world, admin, monkeypatch):
    """Three ends, of which one cannot be written down until `repaired` is called; the job, and the row."""
    agent = many.delegations(world, 3)
    answer = end(admin, 3)
    with context.use(world.tenant):
        bad = JobItem.objects.filter(job=answer.json()["id"]).order_by("pk")[1]

    def stumbles(job, items, by):
        if any(item.pk == bad.pk for item in items):
            raise ValueError("no")
        ending.end(job, items, by)

    monkeypatch.setitem(jobs._DOING, Job.Kind.END, stumbles)
    monkeypatch.setitem(jobs._GIVING_BACK, Job.Kind.END, stumbles)
    do_it_all(world)
    return agent, job_of(world, answer), bad


def repaired(monkeypatch):
    monkeypatch.setitem(jobs._DOING, Job.Kind.END, ending.end)
    monkeypatch.setitem(jobs._GIVING_BACK, Job.Kind.END, ending.give_back)


def due(world, job):
    """Let the minutes pass."""
    with context.use(world.tenant):
        Job.objects.filter(pk=job.pk).update(retry_at=timezone.now())


def reported(admin, job):
    rows = csv.DictReader(io.StringIO(admin("GET", f"/jobs/{job.pk}/report").text))
    return [(row["state"], row["note"]) for row in rows]


@spec("RFC 9700", "2.3")
def test_what_failed_is_tried_once_more_minutes_later_and_the_report_says_so(world, admin, stumbling, monkeypatch):
    _, job, bad = stumbling
    told = admin("GET", f"/jobs/{job.pk}").json()
    assert (told["state"], told["done"], told["failed"]) == ("done", 2, 1)
    assert job.finished_at + timedelta(minutes=5) == job.retry_at
    at = f"{job.retry_at:%H:%M}"
    assert reported(admin, job) == [("Done", ""), ("Failed", f"tried again at {at} UTC"), ("Done", "")]
    page = world.browser("ada").go(world.url(f"/console/jobs/{job.pk}"))
    assert "It is tried once more at" in page.text
    repaired(monkeypatch)
    do_it_all(world)
    assert len(world.entries("delegation.ended")) == 2  # It is not due yet.
    due(world, job)
    do_it_all(world)
    told = admin("GET", f"/jobs/{job.pk}").json()
    assert (told["state"], told["done"], told["failed"], told["retry_at"]) == ("done", 3, 0, None)
    assert reported(admin, job) == [("Done", ""), ("Done", "tried twice"), ("Done", "")]
    assert sorted(entry.about_id for entry in world.entries("delegation.ended")).count(bad.object_id) == 1


@spec("RFC 9700", "2.3")
def test_what_fails_again_is_left_and_named(world, admin, stumbling):
    _, job, _ = stumbling
    due(world, job)
    do_it_all(world)
    told = admin("GET", f"/jobs/{job.pk}").json()
    assert (told["state"], told["failed"], told["retry_at"]) == ("done", 1, None)
    assert reported(admin, job)[1] == ("Failed", "tried twice")


@spec("RFC 9700", "2.3")
def test_clocks_that_meet_try_it_once(world, admin, stumbling, monkeypatch):
    _, job, _ = stumbling
    repaired(monkeypatch)
    due(world, job)
    crowd.at_once(4, lambda _: jobs.work(), tenant=world.tenant)
    do_it_all(world)
    assert len(world.entries("delegation.ended")) == 3
    assert len(world.entries("job.finished")) == 2
    assert admin("GET", f"/jobs/{job.pk}").json()["failed"] == 0


@spec("RFC 9700", "2.3")
def test_what_was_undone_meanwhile_is_written_down_and_given_back_too(world, admin, stumbling, monkeypatch):
    agent, job, _ = stumbling
    repaired(monkeypatch)
    assert admin("POST", f"/jobs/{job.pk}/undo").status_code == 202
    do_it_all(world)
    assert live(world, agent) == 2
    due(world, job)
    do_it_all(world)
    assert live(world, agent) == 3
    assert len(world.entries("delegation.ended")) == len(world.entries("delegation.restored")) == 3


def test_the_list_of_delegations_shows_what_is_at_work_until_it_is_over(world, admin):
    many.delegations(world, 3)
    job = job_of(world, end(admin, 3))
    ada, bob = world.browser("ada"), world.browser("bob")
    page = ada.go(world.url("/console/delegations"))
    assert "Ending 3 delegations" in ada.words()
    assert "0 / 3" in ada.words()
    assert f'hx-get="/t/{world.tenant.slug}/console/jobs/{job.pk}" hx-trigger="every 1s"' in page.text
    assert f'<a href="/t/{world.tenant.slug}/console/jobs/{job.pk}">' in page.text
    do_it_all(world)
    # What the panel asks each second stops to ask once it is over, and a list that is opened then shows none.
    polled = ada.go(world.url(f"/console/jobs/{job.pk}")).text
    assert ('id="job"' in polled, "hx-trigger" in polled) == (True, False)
    assert 'id="job"' not in ada.go(world.url("/console/delegations")).text
    assert bob.go(world.url("/console/delegations")).status_code == 403
