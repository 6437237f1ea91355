"""Tokens that nobody issued, in every form that has fooled somebody: one strict reader refuses them all (RFC 8725)."""

import base64
import hmac
import json

import pytest
from jwcrypto import jwk

from audit.events import Event
from kit import context
from tests.harness.footprint import leaves_only
from tests.harness.wire import assert_refused
from tests.harness.world import claims
from tests.spec import spec
from tokens import keys

pytestmark = pytest.mark.once  # What is judged here is judged before any database is asked, or by its page alone.


def part(value) -> str:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture
def ledger(world):
    return world.secret_client()


@pytest.fixture
def genuine(world, ledger):
    """A live token for the calendar that its own client may introspect."""
    return world.grant(ledger)["access_token"]


@pytest.fixture
def forge(world, genuine):
    """Sign what the genuine token says, after one change, with the tenant's own key."""

    def sign(header=None, payload=None, **changed) -> str:
        with context.use(world.tenant):
            signer = keys.keyset().signers["ES256"]
        head = {"typ": "at+jwt", "alg": "ES256", "kid": signer.kid, **(header or {})}
        body = payload if payload is not None else json.dumps({**claims(genuine), **changed}).encode()
        message = f"{part(head)}.{part(body)}"
        return f"{message}.{part(keys._signature(signer, message.encode()))}"

    return sign


def is_refused_everywhere(world, ledger, token) -> bool:
    bearer = {"Authorization": f"Bearer {token}"}
    return (
        world.introspect(ledger, token) == {"active": False}
        and world.http.get(world.url("/userinfo"), headers=bearer).status_code == 401
    )


@spec("RFC 8725", "3.1")
def test_what_is_signed_like_the_genuine_token_is_accepted(world, ledger, forge):
    assert world.introspect(ledger, forge())["active"]


@spec("RFC 8725", "2.1")
@pytest.mark.parametrize(
    "algorithm", ["none", "None", "nOnE", "NONE", "", None, ["none"], ["ES256"], "HS256", "RS256", "ES384"]
)
def test_an_algorithm_that_is_not_the_key_s_own_is_refused(world, ledger, genuine, forge, algorithm):
    _, payload, signature = genuine.split(".")
    header = {"typ": "at+jwt", "alg": algorithm, "kid": claims_header(genuine)["kid"]}
    with leaves_only(world):
        for token in (forge({"alg": algorithm}), f"{part(header)}.{payload}.", f"{part(header)}.{payload}.{signature}"):
            assert is_refused_everywhere(world, ledger, token)


@spec("RFC 8725", "2.1")
def test_a_public_key_is_no_shared_secret(world, ledger, genuine):
    published = world.http.get(world.url("/jwks.json")).json()["keys"]
    with leaves_only(world):
        for public in published:
            header = {"typ": "at+jwt", "alg": "HS256", "kid": public["kid"]}
            message = f"{part(header)}.{genuine.split('.')[1]}"
            for secret in (jwk.JWK(**public).export_to_pem(), json.dumps(public).encode(), b""):
                token = f"{message}.{part(hmac.digest(secret, message.encode(), 'sha256'))}"
                assert is_refused_everywhere(world, ledger, token)


@spec("RFC 8725", "3.10")
@pytest.mark.parametrize("member", ["jwk", "jku", "x5u", "x5c", "crit", "b64", "zip", "enc"])
def test_a_header_member_that_brings_or_changes_a_key_is_refused(world, ledger, forge, member):
    values = {"jwk": jwk.JWK.generate(kty="EC", crv="P-256").export_public(as_dict=True), "crit": ["exp"], "b64": False}
    with leaves_only(world):
        assert is_refused_everywhere(world, ledger, forge({member: values.get(member, "https://evil.example")}))


@spec("RFC 8725", "3.11")
@pytest.mark.parametrize(
    "typ",
    [
        "JWT",
        "id_token",
        "oauth-id-jag+jwt",
        "client-authentication+jwt",
        "dpop+jwt",
        "secevent+jwt",
        "logout+jwt",
        "",
        None,
        ["at+jwt"],
    ],
)
def test_another_kind_of_token_under_the_same_key_is_refused(world, ledger, forge, typ):
    with leaves_only(world):
        assert is_refused_everywhere(world, ledger, forge({"typ": typ}))


@spec("RFC 8725", "3.9")
def test_another_issuer_key_or_moment_is_refused(world, elsewhere, ledger, genuine, forge):
    now = claims(genuine)["iat"]
    with context.use(elsewhere.tenant):
        foreign = keys.sign(claims(genuine), typ="at+jwt", algorithm="ES256")
    wrong = [
        foreign, forge({"kid": claims_header(foreign)["kid"]}), forge({"kid": None}), forge({"kid": ["x"]}),
        forge(iss=elsewhere.tenant.issuer), forge(iss=world.tenant.issuer + "/"), forge(iss=[world.tenant.issuer]),
        forge(exp=now - 1), forge(exp=1e400), forge(exp=str(now + 60)), forge(exp=True), forge(exp=None),
        forge(iat=now + 600), forge(nbf=now + 600), forge(iat=float(now)), forge(jti="tok_never_issued"),
    ]  # fmt: skip
    with leaves_only(world):
        for token in wrong:
            assert is_refused_everywhere(world, ledger, token), claims_header(token)


@spec("RFC 8725", "3.1")
def test_a_signed_token_without_an_id_or_with_a_strange_one_is_refused_and_breaks_nothing(
    world, ledger, genuine, forge
):
    without = {name: value for name, value in claims(genuine).items() if name != "jti"}
    strange = [forge(payload=json.dumps(without).encode())]
    strange += [forge(jti=each) for each in (None, 7, [], {}, "", "a\x00b", "x" * 5000, "\ud800")]
    with leaves_only(world):
        for token in strange:
            assert is_refused_everywhere(world, ledger, token)


@spec("RFC 8725", "3.1")
def test_json_that_two_readers_read_differently_is_refused(world, ledger, genuine, forge):
    body = json.dumps(claims(genuine)).encode()
    wrong = [
        body[:-1] + b', "sub": "usr_other"}', b"[" + body + b"]", b"", b"null", b"\xff" + body, body + b"{}",
        body[:-1] + b', "x": NaN}', body[:-1] + b', "x": ' + b"[" * 2000 + b"]" * 2000 + b"}",
        body[:-1] + b', "x": ' + b"9" * 5000 + b"}",
    ]  # fmt: skip
    with leaves_only(world):
        for each in wrong:
            assert is_refused_everywhere(world, ledger, forge(payload=each))


@spec("RFC 7515", "2")
def test_a_token_has_one_spelling(world, ledger, genuine):
    header, payload, signature = genuine.split(".")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    twin = signature[:-1] + alphabet[alphabet.index(signature[-1]) ^ 1]
    other = [
        f"{header}.{payload}.{twin}",
        f"{genuine}==",
        f"{genuine}\n",
        f" {genuine}",
        f"{header}.{payload}.{signature}.",
    ]
    other += [genuine.replace("-", "+").replace("_", "/") + ("" if set("-_") & set(genuine) else "=")]
    with leaves_only(world):
        for token in other:
            assert world.introspect(ledger, token) == {"active": False}


@spec("RFC 7518", "3.4")
def test_a_signature_of_zeros_or_of_another_encoding_is_refused(world, ledger, genuine):
    header, payload, _ = genuine.split(".")
    order = bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
    wrong = [
        bytes(64),
        order + order,
        bytes(32) + order,
        bytes.fromhex("30440220") + bytes(66),
        b"",
        bytes(65),
        b"\x01" * 63,
    ]
    with leaves_only(world):
        for raw in wrong:
            assert is_refused_everywhere(world, ledger, f"{header}.{payload}.{part(raw)}")


@spec("RFC 7516", "3")
def test_what_is_encrypted_or_in_json_form_is_no_token_of_ours(world, ledger, genuine):
    header, payload, signature = genuine.split(".")
    encrypted = part({"alg": "PBES2-HS256+A128KW", "enc": "A128GCM", "p2c": 2**31, "p2s": "x"}) + ".a.b.c.d"
    in_json = json.dumps({"payload": payload, "protected": header, "signature": signature})
    with leaves_only(world):
        for token in (encrypted, in_json, f"{part(genuine.encode())}.{payload}.{signature}"):
            assert world.introspect(ledger, token) == {"active": False}


@spec("RFC 8725", "3.11")
def test_a_forged_token_is_no_code_and_no_refresh_token(world, ledger, forge):
    with leaves_only(world, *[Event.TOKEN_REFUSED] * 2):
        assert_refused(world.redeem(ledger, forge(), "v" * 43), "invalid_grant")
        assert_refused(world.refresh(ledger, forge()), "invalid_grant")


def claims_header(token: str) -> dict:
    first = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(first + "=" * (-len(first) % 4)))
