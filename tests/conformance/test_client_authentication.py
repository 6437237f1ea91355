"""Who a client is: one method per request, the one it registered, and the same work for a client nobody knows."""

import base64

import pytest

from agents import actions, directory
from agents.authentication import authenticate
from audit.principals import SYSTEM
from kit import context, opaque
from kit.oauth import InvalidClient
from tests.harness import inside
from tests.harness.footprint import leaves_only
from tests.harness.wire import assert_refused, post
from tests.spec import spec

OWN = {"grant_type": "client_credentials", "scope": "events:read"}


def basic(text: str | bytes) -> dict[str, str]:
    raw = text if isinstance(text, bytes) else text.encode()
    return {"Authorization": f"Basic {base64.b64encode(raw).decode()}"}


def ask(world, headers=None, **form):
    """Ask for a token of the calendar with these credentials alone."""
    fields = {**OWN, "resource": world.calendar.identifier, **form}
    return world.http.post(world.url("/token"), data=fields, headers=headers or {})


@spec("RFC 6749", "2.3.1")
def test_a_secret_is_taken_from_the_header_or_from_the_body(world):
    worker = world.worker()
    assert ask(world, basic(f"{worker.id}:{worker.secret}")).status_code == 200
    assert ask(world, client_id=worker.id, client_secret=worker.secret).status_code == 200


@spec("RFC 6749", "2.3.1")
def test_basic_credentials_are_form_encoded_before_the_base64(world):
    worker = world.worker()
    with context.use(world.tenant):
        actions.change_secret(worker.client, by=SYSTEM, secret="a b:c+d%é-and-more-of-it-than-anyone-guesses")
    encoded = "a+b%3Ac%2Bd%25%C3%A9-and-more-of-it-than-anyone-guesses"
    assert ask(world, basic(f"{worker.id.replace('_', '%5F')}:{encoded}")).status_code == 200


@spec("RFC 6749", "2.3.1")
def test_the_client_id_may_stand_beside_basic_credentials_if_it_is_the_same(world):
    worker = world.worker()
    assert ask(world, basic(f"{worker.id}:{worker.secret}"), client_id=worker.id).status_code == 200
    with leaves_only(world):
        answer = ask(world, basic(f"{worker.id}:{worker.secret}"), client_id="cli_other")
    assert_refused(answer, "invalid_request")


@spec("RFC 6749", "2.3")
@pytest.mark.parametrize(
    "second",
    [{"client_secret": "the-same"}, {"client_assertion": "x.y.z"}, {"client_assertion_type": "saml2"}],
    ids=lambda second: next(iter(second)),
)
def test_two_methods_in_one_request_are_refused(world, second):
    worker = world.worker()
    if "client_secret" in second:
        second = {"client_secret": worker.secret}
    with leaves_only(world):
        answer = ask(world, basic(f"{worker.id}:{worker.secret}"), **second)
    assert_refused(answer, "invalid_request")


@spec("RFC 6749", "2.3")
def test_a_secret_and_an_assertion_in_one_body_are_refused(world):
    worker = world.worker()
    with leaves_only(world):
        answer = ask(world, client_id=worker.id, client_secret=worker.secret, client_assertion="x.y.z")
    assert_refused(answer, "invalid_request")


@spec("RFC 7521", "4.2")
@pytest.mark.parametrize(
    "assertion",
    [
        {"client_assertion": "eyJhbGciOiJub25lIn0.e30."},
        {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
        {"client_assertion": "x", "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"},
    ],
)
def test_an_assertion_does_not_authenticate_a_client_that_registered_a_secret(world, assertion):
    worker = world.worker()
    with leaves_only(world):
        answer = ask(world, client_id=worker.id, **assertion)
    assert_refused(answer, "invalid_client", 401)


@spec("RFC 7521", "4.2")
def test_a_repeated_assertion_type_is_malformed(world):
    with leaves_only(world):
        answer = post(world, "/token", b"grant_type=client_credentials&client_assertion_type=&client_assertion_type=a")
    assert_refused(answer, "invalid_request")


@spec("RFC 6749", "3.2.1")
@pytest.mark.parametrize("headers", [False, True], ids=["body", "basic"])
def test_a_client_with_a_secret_is_refused_without_one(world, headers):
    worker = world.worker()
    with leaves_only(world):
        answer = ask(world, basic(f"{worker.id}:")) if headers else ask(world, client_id=worker.id, client_secret="")
    assert_refused(answer, "invalid_client", 401)


@spec("RFC 6749", "2.3.1")
def test_only_the_exact_secret_is_the_secret(world):
    worker = world.worker()
    secret = worker.secret
    wrong = [secret[:-1], secret + "x", secret.swapcase(), secret[:72].ljust(80, "x"), secret + "x" * 300, " " + secret]
    with leaves_only(world):
        for each in wrong:
            answer = ask(world, basic(f"{worker.id}:{each}"))
            assert_refused(answer, "invalid_client", 401)
            assert answer.headers["www-authenticate"].startswith("Basic realm=")
            assert_refused(ask(world, client_id=worker.id, client_secret=each), "invalid_client", 401)


@spec("RFC 6749", "2.3.1")
def test_what_stands_behind_the_longest_secret_is_not_cut_off(world):
    worker = world.worker()
    with context.use(world.tenant):
        longest = actions.change_secret(worker.client, by=SYSTEM, secret="s" * 256)
    assert ask(world, client_id=worker.id, client_secret=longest).status_code == 200
    assert_refused(ask(world, client_id=worker.id, client_secret=longest + "x"), "invalid_client", 401)


@spec("RFC 6749", "2.3.1")
@pytest.mark.parametrize(
    "header",
    [
        "Basic", "Basic !!!", "Basic YQ", "Bearer abc", "Digest abc", "Basic YQ==", "Basic OnNlY3JldA==",
        f"Basic {base64.b64encode(b'x' * 5000).decode()}", f"Basic {base64.b64encode(b'cli_x:%00').decode()}",
        f"Basic {base64.b64encode(b'cli%00x:y').decode()}", f"Basic {base64.b64encode(b'a%ff:y').decode()}",
        f"Basic {base64.b64encode(bytes([0xff, 0x3a, 0x41])).decode()}", f"Basic {base64.b64encode(b'a:b').decode()}é",
        f"Basic {base64.b64encode(bytes([0x61, 0, 0x3a, 0x41])).decode()}", f"Basic  {'=' * 64}",
    ],
)  # fmt: skip
def test_a_malformed_authorization_header_is_a_failed_authentication(world, header):
    with leaves_only(world):
        answer = ask(world, {"Authorization": header.encode("latin-1")})
    assert_refused(answer, "invalid_client", 401)


@spec("RFC 6749", "2.3")
def test_a_public_client_cannot_pass_for_one_with_a_secret(world):
    scout = world.public_client(grant_types=["authorization_code", "refresh_token"])
    with leaves_only(world):
        assert_refused(ask(world, client_id=scout.id, client_secret="any"), "invalid_client", 401)
        assert_refused(ask(world, basic(f"{scout.id}:")), "invalid_client", 401)


@spec("RFC 6749", "3.2.1")
def test_a_request_without_a_client_is_refused(world):
    with leaves_only(world):
        assert_refused(ask(world), "invalid_client", 401)


@spec("RFC 6749", "5.2")
def test_an_unknown_client_and_one_of_another_tenant_look_like_a_wrong_secret(world, elsewhere):
    worker, foreign = world.worker(), elsewhere.worker()
    with leaves_only(world):
        answers = [
            ask(world, client_id="cli_nobody", client_secret=worker.secret),
            ask(world, client_id=foreign.id, client_secret=foreign.secret),
            ask(world, client_id=worker.id, client_secret=foreign.secret),
        ]
    for answer in answers:
        assert_refused(answer, "invalid_client", 401)
    assert len({answer.text for answer in answers}) == 1


@spec("RFC 6749", "10.10")
def test_an_unknown_client_costs_as_many_comparisons_and_queries_as_a_wrong_secret(world, monkeypatch):
    worker = world.worker()
    compared = []
    monkeypatch.setattr(opaque, "salted_digest", _counted(opaque.salted_digest, compared))
    costs = {}
    with context.use(world.tenant):
        directory.client(worker.id)
        for name in (worker.id, "cli_nobody"):
            compared.clear()
            with inside.counted() as queries, pytest.raises(InvalidClient):
                authenticate("", {"client_id": (name,), "client_secret": ("wrong",)})
            costs[name] = (len(compared), len(queries))
    assert costs[worker.id] == costs["cli_nobody"]
    assert costs[worker.id][0] > 0


@spec("RFC 6749", "2.3.1")
def test_a_new_secret_works_at_once_and_the_old_one_is_refused_at_once_in_every_process(world):
    worker, scout = world.worker(), world.secret_client()
    tokens = world.grant(scout)
    assert world.own_token(worker).status_code == 200
    with context.use(world.tenant):
        fresh = [actions.change_secret(each.client, by=SYSTEM) for each in (worker, scout)]
    with leaves_only(world):
        assert_refused(world.own_token(worker), "invalid_client", 401)
        assert_refused(world.refresh(scout, tokens["refresh_token"]), "invalid_client", 401)
        for path in ("/introspect", "/revoke"):
            form = {"token": tokens["access_token"]}
            assert_refused(world.http.post(world.url(path), data=form, auth=scout.basic), "invalid_client", 401)
    worker.secret, scout.secret = fresh
    assert world.own_token(worker).status_code == 200
    assert world.introspect(scout, tokens["access_token"])["active"]


@spec("RFC 6749", "2.3.1")
def test_a_disabled_client_is_refused_at_once_in_every_process(world):
    worker, reader = world.worker(), world.introspector()
    token = world.own_token(worker).json()["access_token"]
    assert world.introspect(reader, token)["active"]
    with context.use(world.tenant):
        actions.disable_client(worker.client, by=SYSTEM, reason="lost")
        actions.disable_client(reader.client, by=SYSTEM, reason="lost")
    with leaves_only(world):
        assert_refused(world.own_token(worker), "invalid_client", 401)
        answer = world.http.post(world.url("/introspect"), data={"token": token}, auth=reader.basic)
        assert_refused(answer, "invalid_client", 401)


def _counted(function, calls):
    def counting(*arguments):
        calls.append(arguments)
        return function(*arguments)

    return counting
