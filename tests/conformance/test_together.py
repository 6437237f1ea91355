"""Several questions decided at once where they are alike and of low risk; one given to somebody who may decide it."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from agents.models import Approval
from audit import ledger
from kit import context
from notices import actions as notices
from notices.models import Notice
from tests.conformance.test_approvals_narrowed import put
from tests.conformance.test_resources_api import asker
from tests.conformance.test_step_up import age
from tests.harness import authenticator_app as app
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPES = "approvals:read approvals:decide"
READ = ["events:read"]


@pytest.fixture
def queue(world):
    """Three that ask for the same and of whom an admin knows; one that writes; one that asks for something else."""
    for name in ("One", "Two", "Three"):
        put(world, name, kind="admission", scopes=READ, source="manual")
    put(world, "Writer", kind="admission", scopes=["events:write"], source="manual")
    put(world, "Other", kind="admission", scopes=["contacts:read"], source="manual")
    put(world, "Stranger", kind="admission", scopes=READ, source="dcr")
    return world


def found(world, *names):
    with context.use(world.tenant):
        rows = {each.agent.name: each for each in Approval.objects.select_related("agent")}
    return [rows[name] for name in names]


def read(*approvals):
    return [{"id": each.pk, "version": each.version} for each in approvals]


def together(world, ask, *names, **said):
    return ask("POST", "/approvals/bulk-approve", {"approvals": read(*found(world, *names)), **said})


@spec("RFC 9700", "2.3")
def test_what_is_alike_is_approved_together_on_the_page_each_with_an_entry_of_its_own(queue):
    ada = queue.browser("ada")
    page = ada.go(queue.url("/console/approvals"))
    assert page.text.count("2 more ask for the same.") == 3
    one, two, three = found(queue, "One", "Two", "Three")
    query = "&".join(f"ids={each.pk}" for each in (one, two, three))
    ada.go(queue.url(f"/console/approvals/together?{query}"))
    assert "Each gets at most Calendar Read your calendar" in ada.words()
    form = ada.form("/together")
    ticked = {"read": [f"{one.pk} {one.version}", f"{two.pk} {two.version}"], "owner": queue.people["bob"].pk}
    with leaves_only(queue):
        assert ada.submit(form, {**ticked, "owner": ""}).status_code == 422
    assert "Choose who answers" in ada.words()
    ada.submit(form, ticked)
    assert "2 agents are approved." in ada.words()
    one, two, three = found(queue, "One", "Two", "Three")
    assert [each.status for each in (one, two, three)] == ["approved", "approved", "waiting"]
    assert {each.agent.status for each in (one, two)} == {"active"}
    assert one.ceiling == one.agent.ceiling == {queue.calendar.identifier: READ}
    entries = queue.entries("approval.given")
    assert {each.about_id for each in entries} == {one.pk, two.pk}
    assert {each.detail["owner"] for each in entries} == {queue.people["bob"].pk}


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("One", "Other"), "They do not ask for the same."),
        (("One", "Writer"), "Writer is to be decided on its own. It asks to change things."),
        (("One", "Stranger"), "Stranger is to be decided on its own. It came here less than a week ago."),
    ],
)
def test_what_differs_or_is_worth_a_second_look_is_decided_on_its_own_here_as_there(queue, names, why):
    ask, ada = asker(queue, "ada", SCOPES), queue.browser("ada")
    with leaves_only(queue):
        refused = together(queue, ask, *names, owner=queue.people["ada"].pk)
        foreseen = together(queue, ask, *names, dry_run=True).json()
        query = "&".join(f"ids={each.pk}" for each in found(queue, *names))
        ada.go(queue.url(f"/console/approvals/together?{query}"))
    assert (refused.status_code, why in refused.json()["detail"]) == (422, True), refused.text
    assert (foreseen["possible"], why in foreseen["why_not"]) == (False, True)
    assert why in ada.words()


def in_a_month():
    return f"{timezone.now() + timedelta(days=30):%Y-%m-%d}"


@spec("RFC 9700", "2.3")
def test_what_is_approved_together_is_approved_narrower_alike_on_the_page_and_over_the_api(queue):
    ask, ada = asker(queue, "ada", SCOPES), queue.browser("ada")
    alice, bob, day = queue.people["alice"].pk, queue.people["bob"].pk, in_a_month()
    one, two, three = found(queue, "One", "Two", "Three")
    ada.go(queue.url(f"/console/approvals/together?ids={one.pk}&ids={two.pk}"))
    narrower = {"people": queue.email("alice"), "longest": "3600", "until": day}
    assert ada.submit(ada.form("/together"), {"owner": bob, **narrower}).status_code == 200
    assert "2 agents are approved." in ada.words()
    kept = found(queue, "One")[0].agent
    until = kept.approved_until.isoformat()
    limits = {"people": {"members": [alice]}, "longest": 3600, "until": until}
    with leaves_only(queue):
        foreseen = together(queue, ask, "Three", owner=bob, dry_run=True, **limits).json()
    assert foreseen["possible"] is True
    assert together(queue, ask, "Three", owner=bob, **limits).json()["done"] == [three.pk]
    for each in found(queue, "One", "Two", "Three"):
        people = {"members": [alice], "groups": []}
        assert (each.people, each.longest_seconds, each.until) == (people, 3600, kept.approved_until)
        agent = each.agent
        assert (agent.people, agent.longest_seconds, agent.approved_until) == (people, 3600, kept.approved_until)
        assert (each.ceiling, agent.ceiling) == ({queue.calendar.identifier: READ},) * 2
    entries = queue.entries("approval.given")
    assert {each.about_id for each in entries} == {one.pk, two.pk, three.pk}
    told = {"members": [alice], "groups": [], "longest_seconds": 3600, "until": until, "owner": bob}
    assert all(told.items() <= each.detail.items() for each in entries)


@spec("RFC 9700", "2.3")
@pytest.mark.parametrize(
    ("typed", "said", "name", "why"),
    [
        ({"longest": "60"}, {"longest": 60}, "longest", "A delegation lasts from 5 minutes"),
        ({"until": "2020-01-01"}, {"until": "2020-01-01T00:00:00Z"}, "until", "An approval ends in the future"),
        ({"people": "group:none"}, {"people": {"groups": ["none"]}}, "people", "Nobody is in this group: none."),
        ({"people": "gone@a.example"}, {"people": {"members": ["gone@a.example"]}}, "people", "gone@a.example"),
    ],
)
def test_limits_that_cannot_hold_are_said_at_their_field_and_nothing_of_it_is_decided(queue, typed, said, name, why):
    ask, ada = asker(queue, "ada", SCOPES), queue.browser("ada")
    bob = queue.people["bob"].pk
    query = "&".join(f"ids={each.pk}" for each in found(queue, "One", "Two"))
    ada.go(queue.url(f"/console/approvals/together?{query}"))
    with leaves_only(queue):
        page = ada.submit(ada.form("/together"), {"owner": bob, **typed})
        refused = together(queue, ask, "One", "Two", owner=bob, **said)
        foreseen = together(queue, ask, "One", "Two", owner=bob, dry_run=True, **said).json()
    assert (page.status_code, why in ada.words()) == (422, True)
    assert refused.status_code == 422
    assert why in refused.json()["errors"][name][0]
    assert (foreseen["possible"], why in foreseen["why_not"]) == (False, True)
    assert together(queue, ask, "One", "Two", owner=bob).status_code == 200


@spec("RFC 9700", "2.3")
def test_for_whom_and_how_long_stays_where_known_agents_ask_for_more_together(queue):
    put(queue, "Known", kind="scopes", scopes=READ, source="manual", status="active")
    ask, ada, bob = asker(queue, "ada", SCOPES), queue.browser("ada"), queue.people["bob"].pk
    page = ada.go(queue.url(f"/console/approvals/together?ids={found(queue, 'Known')[0].pk}"))
    assert "Approve narrower" not in page.text
    with leaves_only(queue):
        refused = together(queue, ask, "Known", owner=bob, longest=3600)
    assert (refused.status_code, "For whom and how long stays as it was" in refused.text) == (422, True)
    assert together(queue, ask, "Known", owner=bob).json()["done"]


@spec("RFC 9110", "13.1.1")
def test_the_version_of_each_decides_who_was_first_and_a_key_does_it_once(queue):
    ask = asker(queue, "ada", SCOPES)
    one, two, three = found(queue, "One", "Two", "Three")
    body = {"approvals": read(one, two, three), "owner": queue.people["ada"].pk}
    with leaves_only(queue):
        foreseen = ask("POST", "/approvals/bulk-approve", {**body, "dry_run": True}).json()
    assert (foreseen["possible"], foreseen["people"]) == (True, 0)
    assert foreseen["done"] == foreseen["without_owner"] == sorted([one.pk, two.pk, three.pk])
    queue.rewrite(two, version=two.version + 1)
    assert ask("POST", f"/approvals/{three.pk}/deny", {"reason": "no"}).status_code == 200
    answer = ask("POST", "/approvals/bulk-approve", body, **{"Idempotency-Key": "together"})
    assert answer.json() == {"done": [one.pk], "passed_over": sorted([two.pk, three.pk])}, answer.text
    with leaves_only(queue):
        assert ask("POST", "/approvals/bulk-approve", body, **{"Idempotency-Key": "together"}).json() == answer.json()
        assert ask("POST", "/approvals/bulk-approve", body).status_code == 422
        for odd in ({"approvals": []}, {"approvals": [{"id": "apr_none", "version": 1}]}, {**body, "owner": "nobody"}):
            assert ask("POST", "/approvals/bulk-approve", odd).status_code == 400, odd
    assert [each.status for each in found(queue, "One", "Two", "Three")] == ["approved", "waiting", "denied"]


@spec("RFC 9470", "3")
def test_who_has_a_factor_proves_it_again_before_several_are_approved(queue):
    ada = queue.browser("ada")
    app.add(queue, ada)
    one, two = found(queue, "One", "Two")
    ada.go(queue.url(f"/console/approvals/together?ids={one.pk}&ids={two.pk}"))
    form = ada.form("/together")
    age(queue, ada)
    with leaves_only(queue):
        ada.submit(form)
    assert "/login/again" in str(ada.page.url)
    assert "together%3Fids" in str(ada.page.url)


@spec("RFC 9700", "2.3")
def test_a_question_is_given_to_somebody_who_may_decide_and_is_told_of_it(queue):
    ask, ada = asker(queue, "ada", SCOPES), queue.browser("ada")
    queue.rewrite(queue.people["bob"], role="approver")
    one, two = found(queue, "One", "Two")
    bob = queue.people["bob"].pk
    ada.go(queue.url("/console/approvals"))
    ada.submit(ada.form(f"{one.pk}/assign"), {"to": bob})
    answer = ask("POST", f"/approvals/{two.pk}/assign", {"to": bob})
    assert (answer.status_code, answer.json()["assigned_to"]) == (200, bob)
    with leaves_only(queue):
        assert ask("POST", f"/approvals/{two.pk}/assign", {"to": bob}).status_code == 200
        assert ask("POST", f"/approvals/{two.pk}/assign", {"to": queue.people["alice"].pk}).status_code == 422
        assert ask("POST", f"/approvals/{two.pk}/assign", {"to": "usr_nobody"}).status_code == 400
        assert ada.submit(ada.form(f"{two.pk}/assign"), {"to": queue.people["alice"].pk}).status_code == 422
    by_page, by_api = queue.entries("approval.assigned")
    assert (by_page.about_id, by_api.about_id) == (one.pk, two.pk)
    assert by_page.detail == by_api.detail == {"to": bob, "before": ""}
    mine = queue.browser("bob").go(queue.url(f"/console/approvals?assigned_to={bob}")).text
    assert {name for name in ("One", "Two", "Three") if f'-name">{name}<' in mine} == {"One", "Two"}
    listed = ask("GET", f"/approvals?assigned_to={bob}").json()["approvals"]
    assert {each["agent_name"] for each in listed} == {"One", "Two"}
    ledger.seal(queue.tenant.pk, using=settings.OPERATOR_ALIAS)
    with context.use(queue.tenant):
        notices.read_ledger(timezone.now())
        told = list(Notice.objects.filter(kind="approval-assigned").values_list("recipient", flat=True))
    assert told == [bob, bob]
    assert found(queue, "One")[0].version == one.version, "what is asked stays as it was read"
    assert ask("POST", f"/approvals/{two.pk}/assign", {"to": None}).json()["assigned_to"] is None
    assert ask("POST", f"/approvals/{one.pk}/deny", {"reason": "no"}).status_code == 200
    with leaves_only(queue):
        assert ask("POST", f"/approvals/{one.pk}/assign", {"to": None}).status_code == 409
