"""How many statements a request sends once the process is warm: the hot paths of an identity server."""

from types import SimpleNamespace

import pytest

from kit import caching
from tests.harness import inside
from tests.harness.world import REDIRECT
from tests.spec import spec


@pytest.fixture(autouse=True)
def _caches_that_stay_warm(monkeypatch):
    monkeypatch.setattr(caching, "time", SimpleNamespace(monotonic=lambda: 0.0))


def own(world, worker):
    form = {"grant_type": "client_credentials", "resource": world.calendar.identifier, "scope": "events:read"}
    return inside.post(world, "/token", form, worker)


def redeem(world, who, code, verifier):
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": verifier}
    return inside.post(world, "/token", {**form, "client_id": who.id}, who)


def refresh(world, who, token):
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": who.id}
    return inside.post(world, "/token", form, who)


@spec("RFC 6749", "4.4")
def test_an_agent_s_own_token_takes_two(world):
    worker = world.worker()
    own(world, worker)
    with inside.counted() as statements:
        answer = own(world, worker)
    assert answer.status_code == 200
    assert len(statements) <= 2, statements


@spec("RFC 6749", "4.1.3")
@pytest.mark.parametrize("kind", ["public", "secret"])
def test_a_code_takes_seven(world, kind):
    who = world.public_client() if kind == "public" else world.secret_client()
    redeem(world, who, *world.code(who))
    code, verifier = world.code(who)
    with inside.counted() as statements:
        answer = redeem(world, who, code, verifier)
    assert answer.status_code == 200
    assert len(statements) <= 7, statements


@spec("RFC 6749", "6")
def test_a_refresh_takes_six(world):
    scout = world.public_client()
    token = refresh(world, scout, world.grant(scout)["refresh_token"]).json()["refresh_token"]
    with inside.counted() as statements:
        answer = refresh(world, scout, token)
    assert answer.status_code == 200
    assert len(statements) <= 6, statements


@spec("RFC 7662", "2.1")
def test_an_introspection_takes_two_for_a_live_and_for_a_dead_token(world):
    worker, reader = world.worker(), world.introspector()
    token = world.own_token(worker).json()["access_token"]
    inside.post(world, "/introspect", {"token": token}, reader)
    for each in (token, token + "x"):
        with inside.counted() as statements:
            answer = inside.post(world, "/introspect", {"token": each}, reader)
        assert answer.json()["active"] == (each == token)
        assert len(statements) <= 2, statements


@spec("RFC 8414", "3.2")
@pytest.mark.parametrize("path", ["/jwks.json", "/.well-known/openid-configuration"])
def test_the_public_documents_take_none(world, path):
    inside.get(world, path)
    with inside.counted() as statements:
        answer = inside.get(world, path)
    assert answer.status_code == 200
    assert statements == []
