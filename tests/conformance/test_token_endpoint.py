"""The token endpoint itself: what it reads, what it refuses to read, and how it answers (RFC 6749 §3.2, §5)."""

import httpx
import pytest
from django.db import OperationalError

from audit.events import Event
from tests.harness import inside
from tests.harness.footprint import events, leaves_only
from tests.harness.wire import FORM, assert_refused, post
from tests.harness.world import REDIRECT
from tests.spec import spec
from tokens.endpoints import door

OWN = {"grant_type": "client_credentials", "scope": "events:read"}


@pytest.fixture
def asked(world):
    """A body that succeeds, with the secret in it: each test below changes one thing of it."""
    worker = world.worker()
    fields = {**OWN, "resource": world.calendar.identifier, "client_id": worker.id, "client_secret": worker.secret}
    return str(httpx.QueryParams(fields)).encode()


@spec("RFC 6749", "5.1")
def test_a_token_is_json_that_no_cache_keeps_and_no_member_of_it_is_null(world, asked):
    answer = post(world, "/token", asked)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope"}
    assert None not in answer.json().values()
    assert answer.json()["expires_in"] == 300
    assert events(world)[-1] == Event.TOKEN_ISSUED


@spec("RFC 6749", "5.2")
def test_a_refusal_is_json_that_no_cache_keeps(world, asked):
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = post(world, "/token", asked.replace(b"events%3Aread", b"events%3Adrop"))
    assert_refused(answer, "invalid_scope")
    assert answer.headers["x-content-type-options"] == "nosniff"


@spec("RFC 6749", "3.2")
@pytest.mark.parametrize("extra", [b"&scope=", b"&resource=", b"&code=&client_assertion=&client_assertion_type=", b"&"])
def test_a_parameter_without_a_value_counts_as_absent(world, asked, extra):
    body = asked.replace(b"&scope=events%3Aread", b"") if b"scope" in extra else asked
    answer = post(world, "/token", body + extra)
    assert answer.status_code == 200, answer.text
    assert answer.json()["scope"] == "events:read"


@spec("RFC 6749", "3.2")
def test_an_unknown_parameter_is_ignored(world, asked):
    answer = post(world, "/token", asked + b"&flavour=vanilla&completion_mode=deferred")
    assert answer.status_code == 200, answer.text


@spec("RFC 6749", "3.2")
@pytest.mark.parametrize("name", ["grant_type", "scope", "client_id", "client_secret", "flavour"])
def test_a_repeated_parameter_is_refused_even_with_the_same_value(world, asked, name):
    once = asked if name != "flavour" else asked + b"&flavour=vanilla"
    pair = next(pair for pair in once.split(b"&") if pair.startswith(name.encode() + b"="))
    with leaves_only(world):
        answer = post(world, "/token", once + b"&" + pair)
    assert_refused(answer, "invalid_request")


@spec("RFC 8707", "2")
def test_a_repeated_resource_is_read_and_two_audiences_are_refused(world, asked):
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = post(world, "/token", asked + b"&resource=https%3A%2F%2Fother.example")
    assert_refused(answer, "invalid_target")


@spec("RFC 6749", "3.2")
@pytest.mark.parametrize("path", ["/token", "/revoke", "/introspect"])
def test_any_method_but_post_is_405_in_json_with_allow(world, path):
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        answer = world.http.request(method, world.url(path), headers={"Content-Type": FORM})
        assert_refused(answer, "invalid_request", 405)
        assert answer.headers["allow"] == "POST"
    assert world.http.head(world.url(path)).status_code == 405


@spec("RFC 6749", "4.1.3")
@pytest.mark.parametrize(
    "content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", "", f"text/plain; {FORM}"]
)
def test_a_body_that_is_not_a_form_is_415(world, asked, content_type):
    with leaves_only(world):
        for path in ("/token", "/revoke", "/introspect"):
            assert_refused(post(world, path, asked, Content_Type=content_type), "invalid_request", 415)


@spec("RFC 6749", "4.1.3")
def test_a_form_whose_type_is_written_with_parameters_or_capitals_is_read(world, asked):
    answer = post(world, "/token", asked, Content_Type="Application/X-WWW-Form-UrlEncoded; charset=UTF-8")
    assert answer.status_code == 200, answer.text


@spec("RFC 6749", "3.2")
@pytest.mark.parametrize("content_type", [FORM, "multipart/form-data; boundary=x", "application/json"])
def test_a_body_of_three_megabytes_is_413_in_json(world, asked, content_type):
    with leaves_only(world):
        answer = post(world, "/token", asked + b"&x=" + b"x" * 3_000_000, Content_Type=content_type)
    assert_refused(answer, "invalid_request", 413)


@spec("RFC 6749", "3.2")
def test_the_largest_body_that_is_read_has_64_kib(world, asked):
    full = asked + b"&x=" + b"x" * (64 * 1024 - len(asked) - 3)
    assert post(world, "/token", full).status_code == 200
    with leaves_only(world):
        answer = post(world, "/token", full + b"x")
    assert_refused(answer, "invalid_request", 413)


@spec("RFC 6749", "2.3.1")
@pytest.mark.parametrize("path", ["/token", "/revoke", "/introspect"])
def test_a_parameter_in_the_query_of_a_post_is_refused(world, asked, path):
    with leaves_only(world):
        answer = post(world, f"{path}?scope=events:read", asked)
    assert_refused(answer, "invalid_request")


@spec("RFC 6749", "3.2")
@pytest.mark.parametrize("name", [b"grant_type", b"client_id", b"scope", b"resource", b"flavour", b""])
def test_a_nul_or_what_is_not_utf_8_is_refused(world, asked, name):
    body = asked if name + b"=" in asked and name else asked + b"&" + name + b"="
    start = body.index(name + b"=") + len(name) + 1 if name else len(body)
    with leaves_only(world):
        for bad in (b"%00", b"%ff", b"\xff", b"\x00", b"%ed%a0%80", b"%c0%af"):
            assert_refused(post(world, "/token", body[:start] + bad + body[start:]), "invalid_request")


@spec("RFC 6749", "3.2")
def test_twenty_thousand_parameters_are_refused(world, asked):
    with leaves_only(world):
        answer = post(world, "/token", asked + b"&a" * 20_000)
    assert_refused(answer, "invalid_request")


@spec("RFC 6749", "5.2")
def test_without_a_grant_type_the_request_is_malformed(world, asked):
    with leaves_only(world):
        answer = post(world, "/token", asked.replace(b"grant_type=client_credentials", b"grant_type="))
    assert_refused(answer, "invalid_request")


@spec("RFC 6749", "5.2")
@pytest.mark.parametrize("grant_type", ["password", "implicit", "CLIENT_CREDENTIALS", "client_credentials ", "ü" * 900])
def test_an_unknown_grant_type_is_refused(world, asked, grant_type):
    with leaves_only(world):
        named = str(httpx.QueryParams({"grant_type": grant_type})).encode()
        answer = post(world, "/token", asked.replace(b"grant_type=client_credentials", named))
    assert_refused(answer, "unsupported_grant_type")


@spec("RFC 6749", "5.2")
def test_a_grant_that_the_client_did_not_register_is_not_for_it(world):
    quiet = world.secret_client(grant_types=["authorization_code"])
    with leaves_only(world, Event.TOKEN_REFUSED):
        answer = world.refresh(quiet, "rtf_x.0.y")
    assert_refused(answer, "unauthorized_client")


@spec("RFC 6749", "5.2")
@pytest.mark.parametrize("missing", ["code", "redirect_uri", "code_verifier"])
def test_a_code_request_without_one_of_its_parameters_is_malformed(world, missing):
    scout = world.public_client()
    form = {"code": "a-code", "redirect_uri": REDIRECT, "code_verifier": "v" * 43}
    with leaves_only(world):
        answer = world.token(scout, {"grant_type": "authorization_code", **form, missing: None})
    assert_refused(answer, "invalid_request")


@spec("RFC 6749", "5.2")
def test_a_401_names_the_scheme_to_use(world, asked):
    with leaves_only(world):
        answer = post(world, "/token", asked.replace(b"client_secret=", b"client_secret=x"))
    assert_refused(answer, "invalid_client", 401)
    assert answer.headers["www-authenticate"].startswith("Basic ")


@spec("RFC 6749", "5.2")
def test_a_refusal_never_repeats_what_was_sent(world, asked):
    answer = post(world, "/token", asked.replace(b"events%3Aread", b"%3Cmarquee%3E"))
    assert_refused(answer, "invalid_scope")
    assert "marquee" not in answer.text


@spec("RFC 9110", "9.3.7")
def test_a_script_of_another_origin_may_ask_before_it_posts(world):
    answer = world.http.options(world.url("/token"))
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers


@spec("RFC 6749", "5.2")
@pytest.mark.parametrize(
    ("failure", "code", "status"),
    [(OperationalError("gone"), "temporarily_unavailable", 503), (RuntimeError("secret"), "server_error", 500)],
)
def test_a_refusal_that_cannot_be_written_down_still_leaves_as_json(world, monkeypatch, failure, code, status):
    def fail(*_, **__):
        raise failure

    monkeypatch.setattr(door, "record", fail)
    worker = world.worker()
    with leaves_only(world):
        answer = inside.post(world, "/token", {**OWN, "resource": "https://nobody.example"}, worker)
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["error_description"].endswith(f"Reference: {answer.headers['x-request-id']}.")
    assert str(failure) not in answer.content.decode()
