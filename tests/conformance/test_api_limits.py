"""How often the API may be asked: whoever asks more is told when to ask again, and nobody else notices."""

from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
import yaml
from django.core.cache import cache
from django.test import Client as Caller
from django.test import override_settings

from api import limits
from tests.conformance.test_api import api_token
from tests.harness import inside, server
from tests.harness.footprint import leaves_only
from tests.spec import spec

SCOPES = "self:read webhooks:read webhooks:write"
HOOK = {"url": "https://hooks.example.com/x", "events": ["agent.*"]}


def at(monkeypatch, moment):
    monkeypatch.setattr(limits, "time", SimpleNamespace(time=lambda: moment))


@pytest.fixture(autouse=True)
def _the_middle_of_a_minute(monkeypatch):
    """Nothing of this module is at the end of one minute and the beginning of the next."""
    cache.clear()
    at(monkeypatch, 1_800_000_018.5)


@pytest.fixture
def app(world):
    return world.public_client("An app")


@pytest.fixture
def ada(world, app):
    return api_token(world, app, "ada", SCOPES)


def ask(world, token, path="/webhooks", body=None):
    caller = Caller(SERVER_NAME=urlsplit(world.origin).hostname)
    place, headers = f"/t/{world.tenant.slug}/api/v1{path}", {"Authorization": f"Bearer {token}"}
    if body is not None:
        return caller.post(place, body, content_type="application/json", headers=headers)
    return caller.get(place, headers=headers)


@spec("RFC 6585", "4")
def test_at_the_limit_it_answers_and_one_more_is_told_when_to_ask_again(world, ada):
    with override_settings(API_REQUESTS_PER_MINUTE=3):
        assert [ask(world, ada).status_code for _ in range(3)] == [200] * 3
        refused = ask(world, ada)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "42"
    assert refused.headers["Content-Type"] == "application/problem+json"
    said = refused.json()
    assert (said["status"], said["title"]) == (429, "Too many requests")
    assert said["detail"] == "Ask again in 42 seconds."
    assert said["type"].endswith("/errors/too-many-requests")


@spec("RFC 6585", "4")
def test_in_the_next_minute_it_answers_again(world, ada, monkeypatch):
    with override_settings(API_REQUESTS_PER_MINUTE=1):
        assert [ask(world, ada).status_code for _ in range(2)] == [200, 429]
        at(monkeypatch, 1_800_000_060.0)
        assert [ask(world, ada).status_code for _ in range(2)] == [200, 429]


@spec("RFC 6585", "4")
def test_a_request_that_is_refused_writes_nothing(world, ada):
    with override_settings(API_REQUESTS_PER_MINUTE=1):
        assert ask(world, ada, body=HOOK).status_code == 201
        with leaves_only(world):
            assert ask(world, ada, body=HOOK).status_code == 429
    with override_settings(API_REQUESTS_PER_MINUTE=3):
        assert ask(world, ada, body=HOOK).status_code == 201


@spec("RFC 6585", "4")
def test_another_person_another_client_and_another_tenant_do_not_notice_and_a_fresh_token_does_not_help(
    world, elsewhere, app, ada
):
    other = world.public_client("Another app")
    fresh, bobs, through = (
        api_token(world, client, name, "self:read webhooks:read")
        for client, name in ((app, "ada"), (app, "bob"), (other, "ada"))
    )
    there = api_token(elsewhere, elsewhere.public_client("An app"), "ada", SCOPES)
    with override_settings(API_REQUESTS_PER_MINUTE=1):
        assert [ask(world, ada).status_code for _ in range(2)] == [200, 429]
        assert ask(world, fresh).status_code == 429
        assert ask(world, bobs, "/self").status_code == 200
        assert ask(world, through).status_code == 200
        assert ask(elsewhere, there).status_code == 200


@spec("RFC 6585", "4")
def test_a_tenant_has_a_limit_of_its_own_and_whoever_is_over_theirs_does_not_use_it_up(world, elsewhere, app, ada):
    bobs = api_token(world, app, "bob", "self:read")
    there = api_token(elsewhere, elsewhere.public_client("An app"), "ada", SCOPES)
    with override_settings(API_REQUESTS_PER_MINUTE=1, TENANT_API_REQUESTS_PER_MINUTE=2):
        assert [ask(world, ada).status_code for _ in range(5)] == [200, 429, 429, 429, 429]
        assert ask(world, bobs, "/self").status_code == 200
        third = api_token(world, world.public_client("Another app"), "bob", "self:read")
        assert ask(world, third, "/self").status_code == 429
        assert ask(elsewhere, there).status_code == 200


@spec("RFC 6585", "4")
def test_what_somebody_may_not_do_counts_and_what_is_no_good_token_does_not(world, ada, app):
    bobs = api_token(world, app, "bob", "self:read")
    with override_settings(API_REQUESTS_PER_MINUTE=2):
        assert [ask(world, bobs, "/settings").status_code for _ in range(3)] == [403, 403, 429]
        assert [ask(world, ada[:-2]).status_code for _ in range(4)] == [401] * 4
        assert ask(world, ada).status_code == 200


@spec("RFC 6585", "4")
def test_where_whoever_counts_is_away_everybody_is_answered(world, ada):
    away = {"default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}}
    with override_settings(API_REQUESTS_PER_MINUTE=1):
        with override_settings(CACHES=away):
            assert [ask(world, ada).status_code for _ in range(3)] == [200] * 3
        assert [ask(world, ada).status_code for _ in range(2)] == [200, 429]


@spec("RFC 6585", "4")
def test_counting_asks_the_database_nothing(world, ada):
    def statements():
        with inside.counted() as found:
            assert inside.get(world, "/api/v1/webhooks", Authorization=f"Bearer {ada}").status_code == 200
        return len(found)

    statements()
    counted = statements()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "check", lambda token: None)
        assert statements() == counted


@spec("RFC 9457", "3")
def test_every_operation_of_the_document_names_it():
    document = yaml.safe_load((server.ROOT / "docs" / "openapi.yaml").read_text())
    operations = [each for methods in document["paths"].values() for each in methods.values()]
    assert operations
    assert all("429" in each["responses"] for each in operations)
    assert document["components"]["responses"]["Problem429"]["headers"]["Retry-After"]["schema"] == {"type": "integer"}
