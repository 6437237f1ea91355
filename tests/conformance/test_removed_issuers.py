"""An issuer is removed with what came through it, and restored within thirty days: what came through it stays ended."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.utils import timezone

from delegations.models import Delegation
from kit import context
from tests.conformance.test_resources_api import asker
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
