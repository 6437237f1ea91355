"""Passkeys without a browser: who we say we are, which answers are not worth a look, and what does not start."""

import base64
import json

import pytest
from django.test import RequestFactory, override_settings
from fido2.webauthn import AuthenticationResponse

from console.entrance.factors import Factors
from console.entrance.passkeys import is_ours
from remit import checks
from tests.harness.world import World

pytestmark = pytest.mark.once  # What is judged here is judged before any database is asked, or by its page alone.


def encoded(value: object) -> str:
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def an_answer(origin: str, *, person: str = "per_nobody", **client: object) -> dict[str, object]:
    """An answer that is whole, and signed by nobody."""
    said = {"type": "webauthn.get", "challenge": encoded(b"c" * 32), "origin": origin, **client}
    return {
        "id": encoded(b"i" * 16),
        "rawId": encoded(b"i" * 16),
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": encoded(said),
            "authenticatorData": encoded(b"a" * 32 + b"\x05" + b"\x00" * 4),
            "signature": encoded(b"s" * 64),
            "userHandle": encoded(person.encode()),
        },
    }


def challenge(world: World, browser) -> dict[str, object]:
    response = browser.http.get(world.url("/login/passkey"), headers={"Accept": "application/json"})
    return dict(response.json()["request_options"]["publicKey"])


def send(world: World, browser, answer: object) -> str:
    """Send an answer as the sign-in page does, and return what the page then says."""
    browser.go(world.url("/login"))
    page = browser.submit(browser.form("/login/passkey"), {"credential": json.dumps(answer)})
    assert page.status_code == 200, page.status_code
    return page.text


def test_a_challenge_names_the_host_that_is_configured_and_asks_for_the_person(world):
    asked = challenge(world, world.browser())

    assert asked["rpId"] == "localhost"
    assert asked["userVerification"] == "required"
    assert not asked.get("allowCredentials")


def test_the_relying_party_is_the_configured_host_whatever_a_request_calls_us():
    from allauth.core import context

    with override_settings(PUBLIC_ORIGIN="https://id.example.com:8443", ALLOWED_HOSTS=["*"]):
        request = RequestFactory().get("/", headers={"Host": "evil.example"})
        with context.request_context(request):
            assert Factors().get_public_key_credential_rp_entity() == {"id": "id.example.com", "name": "id.example.com"}
            assert Factors().get_totp_issuer() == "id.example.com"


def test_each_challenge_is_new(world):
    browser = world.browser()

    assert challenge(world, browser)["challenge"] != challenge(world, browser)["challenge"]


@pytest.mark.parametrize(
    ("origin", "client", "expected"),
    [
        ("https://id.example.com", {}, True),
        ("https://id.example.com", {"crossOrigin": False}, True),
        ("https://id.example.com", {"crossOrigin": True}, False),
        ("https://evil.id.example.com", {}, False),
        ("https://id.example.com.evil.example", {}, False),
        ("https://id.example.com:444", {}, False),
        ("http://id.example.com", {}, False),
        ("", {}, False),
        ("null", {}, False),
    ],
)
def test_an_answer_is_ours_if_it_was_made_at_exactly_our_origin(origin, client, expected):
    with override_settings(PUBLIC_ORIGIN="https://id.example.com"):
        assert is_ours(an_answer(origin, **client), AuthenticationResponse) is expected


MALFORMED = [
    None, [], "", 1, {}, {"response": None}, {"response": {}}, {"response": {"userHandle": 7}},
    {"response": {"userHandle": encoded(b"\x00")}}, {"response": {"userHandle": encoded(b"\xff\xfe")}},
    {"response": {"userHandle": {}}}, {"rawId": 1, "response": {"clientDataJSON": 1}},
]  # fmt: skip


@pytest.mark.parametrize("answer", MALFORMED, ids=range(len(MALFORMED)))
def test_an_answer_of_the_wrong_shape_is_refused_and_breaks_nothing(world, answer):
    browser = world.browser()
    challenge(world, browser)

    assert 'role="alert"' in send(world, browser, answer) or answer in (None, [], "", {})


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature", "userHandle"])
@pytest.mark.parametrize("value", [None, 1, [], {}, "", "é", "a", encoded(b"x"), encoded({"type": 1}), encoded([])])
def test_an_answer_with_one_broken_part_is_refused_and_breaks_nothing(world, part, value):
    browser = world.browser()
    challenge(world, browser)
    answer = an_answer(world.origin, person=world.people["alice"].user.pk)
    answer["response"][part] = value

    assert "This passkey does not open an account here" in send(world, browser, answer)


def test_an_answer_that_nobody_signed_is_refused_and_written_down_about_whom_it_names(world):
    browser = world.browser()
    challenge(world, browser)

    said = send(world, browser, an_answer(world.origin, person=world.people["alice"].user.pk))

    assert "This passkey does not open an account here" in said
    [entry] = world.entries("login.refused")
    assert (entry.about_id, entry.detail) == (world.people["alice"].pk, {"methods": ["passkey"]})


def test_an_answer_without_a_challenge_of_ours_is_refused(world):
    said = send(world, world.browser(), an_answer(world.origin, person=world.people["alice"].user.pk))

    assert "This passkey does not open an account here" in said


def test_a_stranger_and_a_member_are_refused_in_the_same_words(world, elsewhere):
    def said(person: str) -> str:
        browser = world.browser()
        challenge(world, browser)
        page = send(world, browser, an_answer(world.origin, person=person))
        return page.split("<main")[1].split("csrfmiddlewaretoken")[0]

    people = [world.people["alice"], elsewhere.people["alice"]]

    assert len({said(member.user.pk) for member in people} | {said("per_nobody")}) == 1


@pytest.mark.parametrize(
    ("origin", "is_on", "starts"),
    [
        ("http://localhost:8000", True, True),
        ("http://localhost:8000", False, True),
        ("https://id.example.com", False, True),
        ("https://id.example.com", True, False),
        ("http://id.example.com", True, False),
        ("https://localhost:8000", True, False),
    ],
)
def test_an_insecure_origin_for_passkeys_starts_on_loopback_only(origin, is_on, starts):
    is_https = origin.startswith("https:")
    with override_settings(PUBLIC_ORIGIN=origin, IS_HTTPS=is_https, MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN=is_on):
        found = {message.id for message in checks.configuration(None)}

    assert ("remit.E011" not in found) is starts
