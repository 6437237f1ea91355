"""Idempotency-Key: the same request twice has one effect and one answer, also where both come at once."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from api.models import KeptAnswer
from api.tasks import forget_answers
from kit import context, sealing
from tests.conformance.test_resources_api import MAIL, asker
from tests.harness import crowd
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPES = "resources:read resources:write registration:read registration:write"


@pytest.fixture
def ada(world):
    return asker(world, "ada", SCOPES)


def key(name="one"):
    return {"Idempotency-Key": f'"{name}"'}


def kept(world):
    with context.use(world.tenant):
        return list(KeptAnswer.objects.all())


@spec("Idempotency-Key", "2.2")
def test_the_same_request_again_gets_the_same_answer_and_does_nothing(world, ada):
    first = ada("POST", "/resources", MAIL, **key())
    assert first.status_code == 201, first.text
    with leaves_only(world):
        again = ada("POST", "/resources", dict(reversed(MAIL.items())), **key())
    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["etag"] == first.headers["etag"]
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    assert ada("POST", "/resources", MAIL, **key("two")).status_code == 409


@spec("Idempotency-Key", "2.7")
@pytest.mark.parametrize("other", [("/resources", MAIL | {"name": "Post"}), ("/registration-tokens", {"name": "CI"})])
def test_a_key_that_stands_for_another_request_is_refused(world, ada, other):
    assert ada("POST", "/resources", MAIL, **key()).status_code == 201
    with leaves_only(world):
        refused = ada("POST", *other, **key())
    assert (refused.status_code, refused.headers["content-type"]) == (422, "application/problem+json")
    assert ada("POST", *other, **key("two")).status_code in {201, 409}


@spec("Idempotency-Key", "2.7")
def test_of_many_at_once_one_is_done_and_the_others_hear_of_it(world, ada):
    answers = crowd.at_once(4, lambda _: ada("POST", "/resources", MAIL, **key()))
    codes = [answer.status_code for answer in answers]
    assert codes.count(201) >= 1
    assert set(codes) <= {201, 409}
    assert all(each.headers["retry-after"] == "1" for each in answers if each.status_code == 409)
    assert len({each.json()["id"] for each in answers if each.status_code == 201}) == 1
    assert (
        sum(entry.detail["identifier"] == MAIL["identifier"] for entry in world.entries("resource_server.added")) == 1
    )
    assert ada("POST", "/resources", MAIL, **key()).status_code == 201


@spec("Idempotency-Key", "2.6")
def test_whoever_was_refused_corrects_the_request_under_the_same_key(world, ada):
    assert ada("POST", "/resources", MAIL | {"identifier": "x"}, **key()).status_code == 422
    assert kept(world) == []
    assert ada("POST", "/resources", MAIL, **key()).status_code == 201


@spec("Idempotency-Key", "2.1")
def test_a_key_is_of_one_person_through_one_app_in_one_tenant(world, elsewhere, ada):
    assert ada("POST", "/resources", MAIL, **key()).status_code == 201
    world.rewrite(world.people["bob"], role="admin")
    bob = asker(world, "bob", SCOPES)
    assert bob("POST", "/resources", MAIL, **key()).status_code == 409
    assert asker(elsewhere, "ada", SCOPES)("POST", "/resources", MAIL, **key()).status_code == 201


@spec("Idempotency-Key", "5")
def test_a_secret_that_is_shown_once_is_kept_sealed_and_the_key_as_a_digest(world, ada):
    first = ada("POST", "/registration-tokens", {"name": "CI"}, **key("never at rest"))
    again = ada("POST", "/registration-tokens", {"name": "CI"}, **key("never at rest"))
    assert again.json()["token"] == first.json()["token"]
    assert again.headers["cache-control"] == "no-store"
    (row,) = kept(world)
    assert first.json()["token"] not in f"{row.__dict__}"
    assert "never" not in f"{row.__dict__}"
    assert first.json()["token"].encode() in sealing.unseal(row.sealed, settings.SEALING_KEYS)


@spec("Idempotency-Key", "2.3")
def test_after_a_day_a_key_is_free_again_and_the_clock_forgets_it(world, ada):
    assert ada("POST", "/registration-tokens", {"name": "CI"}, **key()).status_code == 201
    (row,) = kept(world)
    world.rewrite(row, expires_at=timezone.now() - timedelta(seconds=1))
    assert ada("POST", "/registration-tokens", {"name": "Another"}, **key()).json()["name"] == "Another"
    (row,) = kept(world)
    world.rewrite(row, expires_at=timezone.now() - timedelta(seconds=1))
    assert forget_answers() >= 1
    assert kept(world) == []


@spec("Idempotency-Key", "2.7")
def test_a_key_whose_request_died_is_taken_over_and_one_in_flight_is_not(world, ada):
    assert ada("POST", "/registration-tokens", {"name": "CI"}, **key()).status_code == 201
    (row,) = kept(world)
    world.rewrite(row, status=None, sealed="")
    with leaves_only(world):
        waits = ada("POST", "/registration-tokens", {"name": "CI"}, **key())
    assert (waits.status_code, waits.headers["retry-after"]) == (409, "1")
    world.rewrite(row, taken_at=timezone.now() - timedelta(seconds=61))
    assert ada("POST", "/registration-tokens", {"name": "CI"}, **key()).status_code == 201


@spec("Idempotency-Key", "2.1")
@pytest.mark.parametrize("odd", ["", "x" * 256, "t\u00e4g".encode()])
def test_a_key_that_is_none_is_refused(world, ada, odd):
    with leaves_only(world):
        assert ada("POST", "/resources", MAIL, **{"Idempotency-Key": odd}).status_code == 400
