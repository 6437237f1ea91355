"""How many statements a request sends once the process is warm: the hot paths of an identity server."""

from types import SimpleNamespace

import pytest

from kit import caching
from kit.oauth import GrantType, TokenType
from tests.harness import device, inside
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


def exchange(world, who, token):
    kind = TokenType.ACCESS_TOKEN.value
    form = {"grant_type": GrantType.TOKEN_EXCHANGE.value, "subject_token": token, "subject_token_type": kind}
    return inside.post(world, "/token", form, who)


@pytest.fixture
def mint(vendor):
    """Return how many statements write a token: one on PostgreSQL; on SQLite one for each row."""
    return lambda rows: 1 if vendor == "postgresql" else rows


@spec("RFC 6749", "4.4")
def test_an_agent_s_own_token_takes_one(world, mint):
    worker = world.worker()
    own(world, worker)
    with inside.counted() as statements:
        answer = own(world, worker)
    assert answer.status_code == 200
    assert len(statements) == mint(2), statements


@spec("RFC 6749", "4.1.3")
@pytest.mark.parametrize("kind", ["public", "secret"])
def test_a_code_takes_two_and_the_mint(world, kind, mint):
    who = world.public_client() if kind == "public" else world.secret_client()
    redeem(world, who, *world.code(who))
    code, verifier = world.code(who)
    with inside.counted() as statements:
        answer = redeem(world, who, code, verifier)
    assert answer.status_code == 200
    assert len(statements) == 2 + mint(4), statements


@spec("RFC 8628", "3.4")
def test_a_device_code_takes_two_and_the_mint_and_a_poll_two(world, mint):
    who = device.agent(world)
    for started in (device.start(world, who), device.start(world, who)):
        form = {"grant_type": GrantType.DEVICE_CODE.value, "device_code": started.device_code, "client_id": who.id}
        inside.post(world, "/token", form)
        world.rewrite(started.row(), polled_at=None)
        with inside.counted() as waiting:
            assert inside.post(world, "/token", form).json()["error"] == "authorization_pending"
        started.decide()
        with inside.counted() as statements:
            answer = inside.post(world, "/token", form)
    assert answer.status_code == 200
    assert len(waiting) == 2, waiting
    assert len(statements) == 2 + mint(4), statements


@spec("RFC 6749", "6")
def test_a_refresh_takes_two_and_the_mint(world, mint):
    scout = world.public_client()
    token = refresh(world, scout, world.grant(scout)["refresh_token"]).json()["refresh_token"]
    with inside.counted() as statements:
        answer = refresh(world, scout, token)
    assert answer.status_code == 200
    assert len(statements) == 2 + mint(3), statements


@spec("RFC 8693", "2.1")
@pytest.mark.parametrize("depth", [1, 4])
def test_an_exchange_takes_two_and_the_mint_and_one_more_below_the_first_hop(world, depth, mint):
    chain = [world.secret_client("Planner"), *(world.helper(f"Helper {step}") for step in range(depth))]
    world.let_hand_on(*chain)
    token = world.grant(chain[0])["access_token"]
    for who in chain[1:-1]:
        token = exchange(world, who, token).json()["access_token"]
    exchange(world, chain[-1], token)
    with inside.counted() as statements:
        answer = exchange(world, chain[-1], token)
    assert answer.status_code == 200
    assert len(statements) == 2 + (depth > 1) + mint(2), statements


@spec("RFC 7662", "2.1")
def test_an_introspection_takes_one_statement_for_a_live_token_and_for_garbage(world):
    worker, reader = world.worker(), world.introspector()
    token = world.own_token(worker).json()["access_token"]
    inside.post(world, "/introspect", {"token": token}, reader)
    for each in (token, token + "x"):
        with inside.counted() as statements:
            answer = inside.post(world, "/introspect", {"token": each}, reader)
        assert answer.json()["active"] == (each == token)
        assert len(statements) == 1, statements


@spec("RFC 8414", "3.2")
@pytest.mark.parametrize("path", ["/jwks.json", "/.well-known/openid-configuration"])
def test_the_public_documents_take_none(world, path):
    inside.get(world, path)
    with inside.counted() as statements:
        answer = inside.get(world, path)
    assert answer.status_code == 200
    assert statements == []
