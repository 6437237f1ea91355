"""An issuer is removed with what came through it, and restored within thirty days: what came through it stays ended."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone

from delegations.models import Delegation
from kit import context
from tests.conformance.test_bulk_end import do_it_all
from tests.conformance.test_resources_api import asker
from tests.harness import many
from tests.harness.domains import Foreign, trust_foreign
from tests.harness.footprint import leaves_only
from tests.spec import spec
from trust import directory
from trust.models import TrustedIssuer

SCOPES = "trust:read trust:write"
ISSUER = "https://idp.partner.example"


@pytest.fixture
def trusted(world):
    """An issuer on whose word one delegation of alice's stands."""
    made = trust_foreign(world, Foreign(ISSUER), name="Partner")
    world.grant(world.public_client())
    with context.use(world.tenant):
        Delegation.objects.update(issuer=made)
    world.rewrite(made, jwks={"keys": []}, keys_fetched_at=timezone.now(), key_source="metadata")
    return anew(world, made)


def anew(world, row):
    with context.use(world.tenant):
        return type(row).objects.get(pk=row.pk)


def is_believed(world):
    directory.forget_all()
    with context.use(world.tenant):
        return directory.issuer(ISSUER, TrustedIssuer.Purpose.ID_JAG) is not None


@spec("RFC 7523", "3")
def test_what_came_through_a_removed_issuer_ends_and_stays_ended_when_it_is_restored(world, trusted):
    ada = world.browser("ada")
    (held,) = world.delegations()
    ada.go(world.url(f"/console/trust/issuers/{trusted.pk}/remove"))
    assert "What ends" in ada.words()
    ada.submit(ada.form("/remove"), {"reason": "The contract is over."})
    assert str(ada.page.url).endswith("/console/trust")
    assert "Can be restored until" in ada.words()
    assert not is_believed(world)
    gone = anew(world, trusted)
    assert (gone.is_enabled, gone.jwks, gone.keys_fetched_at) == (False, {}, None)
    assert anew(world, held).ended_reason == "The contract is over."
    assert [each.reason for each in world.entries("trust.issuer_removed")] == ["The contract is over."]
    assert world.entries("job.started")[-1].detail["total"] == 1
    ada.submit(ada.form("/restore"))
    back = anew(world, trusted)
    assert (back.is_enabled, back.removed_at, back.keys_asked_at is not None) == (True, None, True)
    assert is_believed(world)
    assert anew(world, held).ended_at is not None
    assert len(world.entries("trust.issuer_restored")) == 1


@spec("RFC 9110", "9.3.5")
def test_the_api_removes_and_restores_alike_within_thirty_days_and_once(world, trusted):
    ask, path = asker(world, "ada", SCOPES), f"/trust/issuers/{trusted.pk}"
    with leaves_only(world):
        assert ask("DELETE", f"{path}?dry_run=true").json()["delegations"] == 1
        assert ask("POST", f"{path}/restore").status_code == 409
    answer = ask("DELETE", path, {"reason": "over"})
    assert (answer.status_code, answer.json()["is_enabled"]) == (200, False), answer.text
    assert answer.json()["job"].startswith("job_")
    assert answer.json()["restorable_until"] > answer.json()["removed_at"]
    assert ask("GET", "/trust/issuers").json()["issuers"] == []
    assert [each["id"] for each in ask("GET", "/trust/issuers?removed=true").json()["issuers"]] == [trusted.pk]
    with leaves_only(world):
        assert ask("DELETE", path).status_code == 422
        assert ask("PATCH", path, {"is_enabled": True}).status_code == 422
    world.rewrite(trusted, removed_at=timezone.now() - timedelta(days=31))
    with leaves_only(world):
        assert ask("POST", f"{path}/restore").status_code == 409
    world.rewrite(trusted, removed_at=timezone.now() - timedelta(days=29))
    said = {"issuer": ISSUER, "key_source": "metadata", "purposes": ["id_jag"]}
    newer = ask("POST", "/trust/issuers", said)
    assert newer.status_code == 201, "what was removed stands in nobody's way"
    with leaves_only(world):
        refused = ask("POST", f"{path}/restore")
    assert (refused.status_code, refused.json()["title"]) == (409, "It is there already")
    assert ask("DELETE", f"/trust/issuers/{newer.json()['id']}").json()["job"] is None
    with ThreadPoolExecutor(2) as both:
        answers = sorted(both.map(lambda _: ask("POST", f"{path}/restore").status_code, range(2)))
    assert (answers[0], answers[1] in {409, 412}) == (200, True), answers
    assert len(world.entries("trust.issuer_restored")) == 1


@spec("RFC 7523", "3")
@pytest.mark.parametrize("was", [True, False], ids=["on", "off"])
@pytest.mark.parametrize("place", ["page", "api"])
def test_a_restored_issuer_is_on_or_off_as_it_was_before_it_was_removed(world, trusted, place, was):
    ask, path = asker(world, "ada", SCOPES), f"/trust/issuers/{trusted.pk}"
    world.rewrite(trusted, is_enabled=was)
    ada = world.browser("ada")
    if place == "page":
        ada.go(world.url(f"/console{path}/remove"))
        ada.submit(ada.form("/remove"), {"reason": "over"})
        assert (f"{trusted.name} off" in ada.words()) is not was
        ada.go(world.url(f"/console{path}"))
        assert ("It was off before, and stays off when it is restored." in ada.words()) is not was
        ada.submit(ada.form("/restore"))
    else:
        assert ask("DELETE", path, {"reason": "over"}).json()["is_enabled"] is False
        assert ask("POST", f"{path}/restore").json()["is_enabled"] is was
    back = anew(world, trusted)
    assert (back.is_enabled, back.removed_at, back.jwks) == (was, None, {})
    # Nobody asks an issuer that is off for anything; its keys come when it is switched on.
    assert (back.keys_asked_at is not None, is_believed(world)) == (was, was)
    (gone,), (restored,) = world.entries("trust.issuer_removed"), world.entries("trust.issuer_restored")
    assert (gone.detail["was_enabled"], restored.detail["is_enabled"]) == (was, was)
    if not was:
        version = ask("GET", path).headers["etag"]
        assert ask("PATCH", path, {"is_enabled": True}, **{"If-Match": version}).status_code == 200
        assert is_believed(world)


UNTRUSTED = "Its issuer is not trusted any more. Restore the issuer first."
ENDS = "trust:read trust:write jobs:read jobs:run delegations:oversee delegations:revoke"


@spec("RFC 7523", "3")
def test_what_a_removed_issuer_took_along_is_given_back_by_nobody_before_it_is_restored(world, trusted):
    ask, ada = asker(world, "ada", ENDS), world.browser("ada")
    (held,) = [each for each in world.delegations() if each.issuer_id]
    job = ask("DELETE", f"/trust/issuers/{trusted.pk}", {"reason": "over"}).json()["job"]
    do_it_all(world)
    with leaves_only(world):
        of_all, of_one = ask("POST", f"/jobs/{job}/undo"), ask("POST", f"/delegations/{held.pk}/restore")
        ada.go(world.url(f"/console/jobs/{job}"))
        assert ada.submit(ada.form("/undo")).status_code == 409
        assert UNTRUSTED in ada.words()
        ada.go(world.url(f"/console/delegations/{held.pk}"))
        assert ada.submit(ada.form("/undo")).status_code == 409
        assert UNTRUSTED in ada.words()
    assert [(each.status_code, each.json()["detail"]) for each in (of_all, of_one)] == [(409, UNTRUSTED)] * 2
    assert ask("POST", f"/trust/issuers/{trusted.pk}/restore").status_code == 200
    assert ask("POST", f"/jobs/{job}/undo").status_code == 202
    do_it_all(world)
    assert [each.restored_from_id for each in world.delegations() if each.ended_at is None and each.issuer_id] == [
        held.pk
    ]


@spec("RFC 7523", "3")
def test_a_person_cannot_take_back_their_own_end_either_while_its_issuer_is_removed(world, trusted):
    alice = world.browser("alice")
    (held,) = world.delegations()
    alice.go(world.url("/me/agents"))
    alice.submit(alice.form(f"{held.pk}/end"))
    form = alice.form("/undo")
    world.rewrite(trusted, removed_at=timezone.now(), is_enabled=False)
    with leaves_only(world):
        assert alice.submit(form).status_code == 409
    assert "It came through an issuer that your organisation does not trust any more." in alice.words()
    world.rewrite(trusted, removed_at=None)
    assert alice.submit(form).status_code == 200
    assert [each.restored_from_id for each in world.delegations() if each.ended_at is None] == [held.pk]


@spec("RFC 7523", "3")
def test_of_many_that_ended_only_those_of_a_removed_issuer_stay_ended_and_the_report_says_why(world, trusted):
    agent, ask = many.delegations(world, 2), asker(world, "ada", ENDS)
    with context.use(world.tenant):
        through = Delegation.objects.filter(agent=agent).first()
        Delegation.objects.filter(pk=through.pk).update(issuer=trusted)
    said = {"filter": {"q": "Crowd"}, "reason": "over", "expect": 2}
    job = ask("POST", "/delegations/bulk-end", said).json()["id"]
    do_it_all(world)
    world.rewrite(trusted, removed_at=timezone.now(), is_enabled=False)
    restoring = ask("POST", f"/jobs/{job}/undo")
    assert restoring.status_code == 202
    do_it_all(world)
    with context.use(world.tenant):
        left = Delegation.objects.filter(agent=agent, ended_at=None)
        assert left.get().restored_from_id != through.pk
    report = ask("GET", f"/jobs/{restoring.json()['id']}/report").text
    assert report.count("its issuer is not trusted any more; restore the issuer first") == 1
