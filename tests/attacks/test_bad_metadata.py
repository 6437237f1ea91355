"""What no client may say of itself: one table for both ways in, each row with its error of RFC 7591 §3.2.2.

Of a refusal nothing is left but its entry in the ledger, and nobody outside was asked for anything: addresses in these
rows lead to a server that counts who knocks.
"""

import json
import secrets
from collections.abc import Mapping
from typing import Any

import pytest
from django.utils import timezone
from jwcrypto import jwk

from agents.models import Agent, Approval, Client
from agents.registration import document as documents_of
from kit import context
from kit.oauth import GrantType, OAuthError
from tests.harness import inside, keyholder
from tests.harness.footprint import leaves_only
from tests.harness.hostile import json_answer
from tests.harness.registering import MINIMAL, REFUSED, Managed, assert_refused
from tests.harness.world import REDIRECT
from tests.spec import spec
from trust.models import OutboundHost

REDIRECTS, METADATA, STATEMENT = "invalid_redirect_uri", "invalid_client_metadata", "invalid_software_statement"
KEY = jwk.JWK.generate(kty="EC", crv="P-256", kid="k")
PUBLIC, PRIVATE = KEY.export_public(as_dict=True), KEY.export_private(as_dict=True)
BY_KEY = {"token_endpoint_auth_method": "private_key_jwt"}
CODE = "authorization_code"
ID_JAG = "urn:ietf:params:oauth:grant-profile:id-jag"
Said = Mapping[str, Any]

TABLE: list[tuple[str, str, Said]] = [
    *(
        (f"redirect: {uri[:40]}", REDIRECTS, {"redirect_uris": [REDIRECT, uri]})
        for uri in (
            "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "data:text/html,x", "vbscript:x",
            "file:///etc/passwd", "blob:https://a.example/x", "https://app.example/cb#f", "https://app.example/cb#",
            "https://*.example/cb", "https://app.example/*", "http://app.example/cb", "https://u@app.example/cb",
            "https://app.example\\@evil.example/cb", "https://app.example:99999/cb", "//app.example/cb", "/cb", "",
            "cursor://anysphere.cursor-retrieval/oauth", "http://127.0.0.1.evil.example/cb", "https://bücher.example/",
        )
    ),
    ("redirects: two thousand", REDIRECTS, {"redirect_uris": [f"https://a.example/{n}" for n in range(2000)]}),
    ("redirects: none", REDIRECTS, {"redirect_uris": []}),
    ("redirects: missing", REDIRECTS, {"redirect_uris": None}),
    ("redirects: a string", REDIRECTS, {"redirect_uris": REDIRECT}),
    ("redirects: an object", REDIRECTS, {"redirect_uris": {"0": REDIRECT}}),
    ("redirects: numbers", REDIRECTS, {"redirect_uris": [7]}),
    ("redirects: empty, for a device", REDIRECTS, {"redirect_uris": [], "grant_types": [GrantType.DEVICE_CODE.value]}),
    *(
        (f"name: {name!r}"[:40], METADATA, {"client_name": name})
        for name in (
            "", "  ", 7, True, ["Scout"], {"en": "Scout"}, "a" * 101, "Rem\u202eit", "\u2066Remit\u2069",
            "Rem\u200bit", "Rem\u00adit", "Rem\x07it", "\ue000",
        )
    ),
    ("grants: a string", METADATA, {"grant_types": CODE}),
    ("grants: numbers", METADATA, {"grant_types": [7]}),
    ("grants: none", METADATA, {"grant_types": []}),
    ("grants: refresh alone", METADATA, {"grant_types": ["refresh_token"]}),
    ("grants: a privilege alone", METADATA, {"grant_types": ["client_credentials"]}),
    ("grants: of passwords", METADATA, {"grant_types": ["password"]}),
    *(
        (f"method: {method}", METADATA, {"token_endpoint_auth_method": method})
        for method in ("client_secret_jwt", "tls_client_auth", "federated", "NONE", "", 7, ["none"])
    ),
    ("method: by keys that are not there", METADATA, BY_KEY),
    ("signatures: none", METADATA, {"token_endpoint_auth_signing_alg": "none"}),
    ("signatures: None", METADATA, {"token_endpoint_auth_signing_alg": "None"}),
    ("signatures: of ID tokens none", METADATA, {"id_token_signed_response_alg": "none"}),
    ("signatures: of a shared secret", METADATA, {**BY_KEY, "jwks": {"keys": [PUBLIC]},
                                                  "token_endpoint_auth_signing_alg": "HS256"}),
    ("keys: private", METADATA, {**BY_KEY, "jwks": {"keys": [PRIVATE]}}),
    ("keys: private, beside a public one", METADATA, {**BY_KEY, "jwks": {"keys": [PUBLIC, PRIVATE]}}),
    ("keys: private, and not used", METADATA, {"jwks": {"keys": [PRIVATE]}}),
    ("keys: private, without a set", METADATA, {"jwks": PRIVATE}),
    ("keys: symmetric", METADATA, {"jwks": {"keys": [{"kty": "oct", "k": "AAAA"}]}}),
    ("keys: none", METADATA, {**BY_KEY, "jwks": {"keys": []}}),
    ("keys: twenty-one", METADATA, {**BY_KEY, "jwks": {"keys": [PUBLIC] * 21}}),
    ("keys: a list", METADATA, {**BY_KEY, "jwks": [PUBLIC]}),
    ("keys: for the algorithm none", METADATA, {**BY_KEY, "jwks": {"keys": [{**PUBLIC, "alg": "none"}]}}),
    ("keys: off the curve", METADATA, {**BY_KEY, "jwks": {"keys": [{**PUBLIC, "x": "AAAA"}]}}),
    ("keys: here and there", METADATA, {**BY_KEY, "jwks": {"keys": [PUBLIC]}, "jwks_uri": "{outside}"}),
    *(
        (f"keys at: {uri}", METADATA, {**BY_KEY, "jwks_uri": uri})
        for uri in ("http://a.example/k", "https://127.0.0.1/k", "https://2130706433/k", "https://[::1]/k", "x", 7)
    ),
    *(
        (f"{member}: {uri[:24]}", METADATA, {member: uri})
        for member in ("client_uri", "logo_uri", "policy_uri", "tos_uri")
        for uri in ("javascript:alert(1)", "data:text/html,x", "http://a.example/", "https://u@a.example/", "x")
    ),
    *(
        (f"{member}, which nobody reads", METADATA, {member: value})
        for member, value in (
            ("logo_uri#de", "javascript:alert(1)"), ("initiate_login_uri", " JAVASCRIPT:alert(1)"),
            ("post_logout_redirect_uris", ["https://a.example/", "data:text/html,x"]),
            ("backchannel_logout_uri", "java\tscript:alert(1)"), ("sector_identifier_uri", "vbscript:x"),
        )
    ),
    *(
        (f"{member}: {value!r}"[:40], METADATA, {member: value})
        for member in ("software_id", "software_version", "application_type", "scope")
        for value in (7, ["a"], "a" * 2001, "a\x01b", "\u202e")
    ),
    ("profiles: without their grants", METADATA, {"authorization_grant_profiles_supported": [ID_JAG]}),
    ("a statement that is none", STATEMENT, {"software_statement": "x"}),
    ("a statement: a number", STATEMENT, {"software_statement": 7}),
]  # fmt: skip
BODIES: Mapping[str, bytes] = {
    "an array": b"[]",
    "text": b'"x"',
    "nothing": b"null",
    "cut off": b'{"client_name": "Scout"',
    "a member twice": b'{"client_name": "Scout", "client_name": "Claude"}',
    "not a number": b'{"client_name": "Scout", "x": NaN}',
    "a NUL": b'{"client_name": "Sc\\u0000out"}',
    "not UTF-8": b'{"client_name": "Sc\xffout"}',
    "UTF-16": json.dumps(dict(MINIMAL)).encode("utf-16"),
    "deep": b'{"x": ' + b"[" * 5000 + b"]" * 5000 + b"}",
}


@pytest.fixture
def table(documents):
    """The rows, with addresses that would be noticed."""
    outside = documents.url("/never-asked")
    return [
        (name, code, {member: outside if value == "{outside}" else value for member, value in said.items()})
        for name, code, said in TABLE
    ]


def told(world, count):
    """Return the errors of the last entries in the ledger, and assert that they are the only ones of their kind."""
    entries = world.entries(REFUSED)
    assert len(entries) == count
    return [entry.detail["error"] for entry in entries]


@spec("RFC 7591", "3.2.2")
def test_every_malformed_registration_has_its_error_and_leaves_one_entry(world, documents, table):
    before, wrong = documents.knocks, []
    with leaves_only(world, *[REFUSED] * len(table)):
        for name, code, said in table:
            body = {**MINIMAL, "logo_uri": documents.url("/logo.png"), **said}
            response = world.http.post(world.url("/register"), json={k: v for k, v in body.items() if v is not None})
            if (response.status_code, response.json().get("error")) != (400, code):
                wrong.append((name, response.status_code, response.text[:200]))
        assert wrong == []
    assert documents.knocks == before
    assert told(world, len(table)) == [code for _, code, _ in table]
    assert len(table) == len({name for name, _, _ in table}) >= 100


@spec("CIMD", "4.1")
def test_every_malformed_document_is_refused_for_the_same_reason_and_leaves_one_entry(world, documents, table):
    for name, code, said in table:
        with context.use(world.tenant), pytest.raises(OAuthError) as refusal:
            documents_of.read(documents.url("/x"), keyholder.document(documents, "/x", **said), now=timezone.now())
        assert refusal.value.code == code, name
    before, sent = len(documents.seen), table[::10]
    for _, _, said in sent:
        path = f"/bad/{secrets.token_hex(6)}.json"
        keyholder.document(documents, path, **{"logo_uri": documents.url("/logo.png"), **said})
        assert come(world, documents.url(path)) == (401, "invalid_client")
    assert told(world, len(sent)) == [code for _, code, _ in sent]
    assert len(documents.seen) - before == len(sent), "nothing was fetched but the documents"
    nothing_is_left(world)


@spec("CIMD", "4.1")
@pytest.mark.parametrize(
    "said",
    [
        {"client_id": None}, {"client_id": 7}, {"client_id": "https://agent.example/other"}, {"client_name": None},
        {"client_secret": "x"}, {"client_secret_expires_at": 0}, {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "client_secret_post"},
    ],
    ids=str,
)  # fmt: skip
def test_what_only_a_document_may_not_say(world, documents, said):
    path = f"/bad/{secrets.token_hex(6)}.json"
    keyholder.document(documents, path, **said)
    assert come(world, documents.url(path)) == (401, "invalid_client")
    assert told(world, 1) == [METADATA]
    nothing_is_left(world)


@spec("RFC 7591", "3.1")
def test_a_body_that_is_not_one_plain_object_is_refused_both_ways(world, documents):
    with leaves_only(world, *[REFUSED] * len(BODIES)):
        for name, body in BODIES.items():
            answer = world.http.post(world.url("/register"), content=body, headers={"Content-Type": "application/json"})
            assert (answer.status_code, answer.json()["error"]) == (400, METADATA), name
    for body in (*BODIES.values(), json.dumps({"x": "a" * 1_000_000}).encode()):
        path = f"/bad/{secrets.token_hex(6)}.json"
        documents.answers[path] = json_answer(body)
        with context.use(world.tenant):
            OutboundHost.objects.update(not_before=timezone.now(), failures=0)
        assert come(world, documents.url(path)) == (401, "invalid_client")
    told(world, 2 * len(BODIES) + 1)
    nothing_is_left(world)


@spec("RFC 7591", "3.1")
def test_a_megabyte_is_not_read(world):
    body = json.dumps({**MINIMAL, "client_name": "a" * 1_000_000}).encode()
    with leaves_only(world):
        answer = world.http.post(world.url("/register"), content=body, headers={"Content-Type": "application/json"})
        assert_refused(answer, "invalid_request", 413)


@spec("RFC 7591", "2")
def test_the_id_of_another_client_is_not_taken_over(world):
    first = Managed.register(world, client_uri="https://scout.example/")
    second = Managed.register(world, client_id=first.answer["client_id"], client_name="Claude")
    assert second.answer["client_id"] != first.answer["client_id"]
    assert first.ask().json() == first.answer


def come(world, url):
    """Come to the token endpoint as the client of a document; return status and error."""
    form = {"grant_type": "refresh_token", "refresh_token": "rtf_unknown.0.x", "client_id": url}
    answer = inside.post(world, "/token", form)
    return answer.status_code, answer.json()["error"]


def nothing_is_left(world):
    with context.use(world.tenant):
        assert [each.objects.count() for each in (Client, Agent, Approval)] == [0, 0, 0]
