"""What holds for every input: never wider than the proof, and nothing but the refusals that are meant."""

import json
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from jwcrypto import jwk, jws

from agents.models import Client
from delegations.models import Delegation
from kit import forms, jose, opaque
from kit.oauth import IDENTITY_SCOPES, OAuthError
from tenants import directory
from tenants.models import ResourceServer, Scope, Tenant
from tokens import families
from tokens.models import RefreshToken
from tokens.rules import narrow
from tokens.values import Proof, TokenRequest

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ISSUER = "https://id.example/t/acme"
WORDS = ["a:read", "a:write", "b:read", "openid", "email", "offline_access", "none:known"]
PLACES = ["https://a.example", "https://b.example", ISSUER, "https://gone.example"]
OFFERED = {"https://a.example": ["a:read", "a:write"], "https://b.example": ["b:read"]}

scopes = st.frozensets(st.sampled_from(WORDS))
often_all = st.just(frozenset(WORDS)) | scopes
far = st.integers(100, 5000).map(lambda seconds: NOW + timedelta(seconds=seconds))
near = st.integers(-2000, 2000).map(lambda milliseconds: NOW + timedelta(milliseconds=milliseconds))


def offered(identifier):
    if identifier not in OFFERED:
        return None
    known = {
        name: Scope(tenant_id="ten_x", name=name, is_default=name.endswith("read")) for name in OFFERED[identifier]
    }
    return directory.Protected(ResourceServer(tenant_id="ten_x", identifier=identifier), known)


@st.composite
def delegations(draw):
    places = draw(st.lists(st.sampled_from(PLACES), unique=True, min_size=1, max_size=3))
    return tuple(
        Delegation(
            audience=place, scopes=sorted(draw(often_all)), expires_at=draw(st.none() | far | far | near),
            ended_at=draw(st.sampled_from([*[None] * 7, NOW])), tenant_id="ten_x",
        )
        for place in places
    )  # fmt: skip


@st.composite
def proofs(draw):
    tenant = Tenant(slug="acme", default_resource=draw(st.sampled_from(["", *PLACES])))
    tenant.access_token_seconds = draw(st.sampled_from([300, 300, 3600, 1, 0]))
    tenant.status = draw(st.sampled_from([*["active"] * 7, "suspended"]))
    return Proof(
        tenant=tenant, subject="usr_x", actor=None, client=Client(tenant_id="ten_x"), scopes=draw(often_all),
        delegations=draw(delegations()), may_infer_audience=draw(st.booleans()),
    )  # fmt: skip


@st.composite
def proofs_and_requests(draw):
    """A request that mostly names one of the places of its proof: most of them could succeed."""
    proof = draw(proofs())
    form = {"grant_type": ("refresh_token",)}
    if asked := draw(st.lists(st.sampled_from(WORDS), max_size=3)):
        form["scope"] = (" ".join(asked),)
    own = st.sampled_from(proof.delegations).map(lambda delegation: (delegation.audience,))
    if named := draw(own | own | own | own | st.just(()) | st.tuples(st.sampled_from(PLACES), st.sampled_from(PLACES))):
        form["resource"] = named
    return proof, TokenRequest(form, NOW)


@settings(max_examples=500)
@given(proofs_and_requests())
def test_what_is_narrowed_is_never_wider_than_the_proof_the_delegation_and_the_request(pair):
    proof, request = pair
    issuer = patch.object(Tenant, "issuer", ISSUER)
    with issuer, patch.object(directory, "resource_server", offered):
        try:
            allowed = narrow(proof, request)
        except OAuthError:
            return
    assert proof.tenant.status == "active"
    assert allowed.delegation in proof.delegations
    assert not allowed.delegation.is_over(NOW)
    assert allowed.audience == allowed.delegation.audience
    assert allowed.audience in request.resources or not request.resources
    assert allowed.scopes
    assert allowed.scopes <= proof.scopes | (frozenset() if proof.may_infer_audience else allowed.delegation.scope_set)
    assert allowed.scopes <= allowed.delegation.scope_set
    assert allowed.scopes <= frozenset(OFFERED.get(allowed.audience, IDENTITY_SCOPES))
    assert not request.scopes or allowed.scopes <= request.scopes
    assert NOW < allowed.expires_at <= NOW + timedelta(seconds=proof.tenant.access_token_seconds)
    assert allowed.delegation.expires_at is None or allowed.expires_at <= allowed.delegation.expires_at
    assert 1 <= allowed.seconds <= proof.tenant.access_token_seconds


@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from([b"a", b"=", b"&", b"%", b"+", b"00", b"resource"])).map(b"".join)
)
def test_reading_a_form_gives_a_form_or_a_refusal_and_nothing_else(encoded):
    try:
        form = forms.parse(encoded)
    except OAuthError:
        return
    for name, values in form.items():
        assert name
        assert all(values)
        assert len(values) == 1 or name in forms.REPEATABLE
        assert "\x00" not in name + "".join(values)


KEY = jwk.JWK.generate(kty="EC", crv="P-256", kid="k")
KEYS = {"k": ("ES256", KEY)}
EXPECTED = jose.Expected(typ="at+jwt", issuer=ISSUER, audience="https://a.example")
SECONDS = int(NOW.timestamp())
CLAIMS = {"iss": ISSUER, "aud": "https://a.example", "sub": "usr_x", "iat": SECONDS, "exp": SECONDS + 60, "jti": "t"}


def signed(header, claims):
    token = jws.JWS(claims if isinstance(claims, bytes) else json.dumps(claims).encode())
    token.allowed_algs = ["ES256"]
    token.add_signature(KEY, None, json.dumps(header), None)
    return token.serialize(compact=True)


HEADER = {"typ": "at+jwt", "alg": "ES256", "kid": "k"}
GENUINE = signed(HEADER, CLAIMS)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def is_accepted(token):
    try:
        jose.verify(token, KEYS, EXPECTED, now=SECONDS)
    except jose.BadToken:
        return False
    return True


def test_the_genuine_token_is_accepted():
    assert is_accepted(GENUINE)


@given(st.text(max_size=80) | st.lists(st.sampled_from([".", "e30", "=", "é", *GENUINE.split(".")])).map("".join))
def test_any_text_but_the_token_itself_is_a_bad_token(text):
    assert is_accepted(text) == (text == GENUINE)


@given(st.integers(0, len(GENUINE)), st.integers(0, 3), st.text(alphabet="AZaz09-_+/=.é \n", max_size=2))
def test_no_mutation_of_a_token_is_accepted(place, cut, inserted):
    mutated = GENUINE[:place] + inserted + GENUINE[place + cut :]
    assert is_accepted(mutated) == (mutated == GENUINE)


@given(st.sampled_from(["iss", "aud", "exp", "iat", "nbf"]), json_values)
def test_a_signed_claim_of_any_shape_is_the_right_one_or_a_bad_token(name, value):
    accepted = is_accepted(signed(HEADER, {**CLAIMS, name: value}))
    if name in {"iss", "aud"}:
        assert accepted == (value == CLAIMS[name])
    else:
        assert not accepted or type(value) is int


@given(st.sampled_from(["typ", "kid", "jku", "jwk", "b64", "crit", "x5c", "zip"]), json_values)
def test_a_signed_header_of_any_shape_is_the_right_one_or_a_bad_token(name, value):
    try:
        token = signed({**HEADER, name: value}, CLAIMS)
    except Exception:
        return  # The signing library does not make every header; what it makes is judged below.
    assert is_accepted(token) == (name in HEADER and HEADER[name] == value)


@given(st.binary(max_size=60) | json_values.map(lambda value: json.dumps(value).encode()))
def test_a_signed_payload_that_is_no_object_of_ours_is_a_bad_token(payload):
    assert not is_accepted(signed(HEADER, payload))


@given(st.integers(0, 12), st.integers(0, 14), st.integers(0, 14), st.booleans())
def test_a_walk_finds_exactly_the_genuine_ancestors(current, claimed, truly, is_given_out):
    chain = ["the-first-secret"]
    while len(chain) < 15:
        chain.append(families.successor(chain[-1]))
    family = RefreshToken(tenant_id="ten_x", generation=current, digest=opaque.digest(chain[current]))
    if not is_given_out:
        family.digest = ""
    found = families.walk(families.Parsed(family.pk, claimed, chain[truly]), family)
    is_genuine = claimed == truly and claimed <= current and is_given_out
    assert found == (chain[current] if is_genuine else None)


@given(st.text(max_size=40), st.integers(0, 5))
def test_a_secret_that_was_made_up_is_nobody_s_ancestor(secret, generation):
    family = RefreshToken(tenant_id="ten_x", generation=5, digest=opaque.digest("the-fifth-secret"))
    found = families.walk(families.Parsed(family.pk, generation, secret), family)
    assert found is None or (secret, generation) == ("the-fifth-secret", 5)


@given(st.text(max_size=60) | st.lists(st.sampled_from(["rtf_", "x", ".", "0", "7", "²", "-"])).map("".join))
def test_parsing_a_refresh_token_gives_its_parts_or_nothing(text):
    parsed = families.parse(text)
    if parsed is not None:
        assert text.startswith(f"{parsed.family_id}.")
        assert parsed.generation >= 0
        assert parsed.unverified_secret
