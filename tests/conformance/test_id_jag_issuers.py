"""Which issuers are believed, and what only looks like their word: RFC 8725, ID-JAG §9.3, §9.8 (JAG-32, 43, 46)."""

import hmac
import json
from functools import partial

import pytest
from joserfc import jwk

from audit.principals import SYSTEM
from kit import context
from tests.harness import chain as chains
from tests.harness import domains
from tests.harness.domains import ID_JAG_TYP, Foreign
from tests.harness.footprint import events, leaves_only
from tests.harness.wire import assert_refused
from tests.harness.world import claims
from tests.spec import spec
from trust import actions as trust_actions
from trust.errors import Unusable


@pytest.fixture(scope="module")
def foreign():
    return Foreign()


@pytest.fixture
def trusted(world, foreign):
    return domains.trust_foreign(world, foreign)


@pytest.fixture
def who(world, trusted):
    return domains.presenter(world)


@pytest.fixture
def refuses(world, who, foreign):
    """Refuse an assertion; a genuine one of the same issuer is good before and after."""

    def assert_refuses(assertion, code="invalid_grant"):
        return domains.refuses(world, partial(domains.present, world, who, assertion), code, of=assertion)

    assert domains.present(world, who, foreign.grant(world, who)).status_code == 200
    yield assert_refuses
    assert domains.present(world, who, foreign.grant(world, who)).status_code == 200


@pytest.fixture
def change(world, trusted):
    """Change what the issuer is believed."""

    def change_issuer(**fields):
        with context.use(world.tenant):
            trust_actions.change_issuer(trusted, by=SYSTEM, **fields)

    return change_issuer


def answered(world, who, assertion):
    """Return all that whoever presents an assertion can tell apart, and what was written down."""
    told = events(world)
    answer = domains.present(world, who, assertion)
    seen = {name: answer.headers.get(name) for name in ("content-type", "cache-control", "www-authenticate")}
    return answer.status_code, answer.json(), seen, events(world)[len(told) :]


# --- forgeries


@spec("RFC 8725", "2.1")
def test_a_grant_that_its_issuer_s_key_did_not_sign_is_refused(world, who, foreign, refuses):
    good = foreign.grant(world, who)
    header, payload, signature = good.split(".")
    thief = Foreign(key=jwk.generate_key("RSA", 2048, {"kid": "f1"}, private=True)).grant(world, who)
    none = "eyJhbGciOiJub25lIiwidHlwIjoib2F1dGgtaWQtamFnK2p3dCJ9"
    wrong = [
        thief, f"{header}.{thief.split('.')[1]}.{signature}", f"{header}.{payload}.{signature[::-1]}",
        f"{none}.{payload}.", f"{none}.{payload}.{signature}", f"{header}.{payload}.", f"{header}.{payload}",
        f"{good}=", f"{good}.x", "." * 50_000, "gar.ba.ge", "x", f" {good}", f"{good},{good}", "ü.ü.ü",
        good.replace(".", ".\n", 1), good.upper(), f"{{\"payload\":\"{payload}\"}}",
    ]  # fmt: skip
    for each in wrong:
        refuses(each)
    assert domains.present(world, who, good).status_code == 200


@spec("RFC 8725", "2.1")
def test_a_public_key_is_no_shared_secret(world, who, foreign, refuses):
    body = json.dumps(foreign.claims(world, who)).encode()
    pem, public = foreign.key.as_pem(private=False), json.dumps(foreign.key.as_dict(private=False)).encode()
    for secret in (pem, pem.strip(), foreign.key.as_der(private=False), public, b""):
        for kid in ({"kid": "f1"}, {}):
            head = json.dumps({"alg": "HS256", "typ": ID_JAG_TYP, **kid}).encode()
            message = f"{domains.part(head)}.{domains.part(body)}"
            refuses(f"{message}.{domains.part(hmac.digest(secret, message.encode(), 'sha256'))}")


@spec("RFC 8725", "3.10")
def test_a_header_that_brings_or_changes_a_key_is_refused_and_fetches_nothing(world, who, foreign, refuses, documents):
    place, public = documents.url("/keys-of-a-thief"), foreign.key.as_dict(private=False)
    brought = [
        {"jwk": public}, {"jku": place}, {"x5u": place}, {"x5c": ["MIIB"]}, {"crit": ["exp"]}, {"crit": []},
        {"b64": False}, {"zip": "DEF"}, {"enc": "A128GCM"}, {"kid": place}, {"kid": None}, {"kid": "f2"}, {"kid": 1},
        {"kid": ["f1"]}, {"alg": "none"}, {"alg": ["RS256"]}, {"alg": None}, {"alg": "ES256"}, {"alg": "PS256"},
    ]  # fmt: skip
    assert domains.present(world, who, foreign.sign_by_hand(foreign.claims(world, who))).status_code == 200
    for each in brought:
        refuses(foreign.sign_by_hand(foreign.claims(world, who), **each))
    assert "/keys-of-a-thief" not in documents.seen


@spec("RFC 8725", "3.11")
def test_a_type_that_is_no_string_is_refused(world, who, foreign, refuses):
    for typ in ([ID_JAG_TYP], {"typ": ID_JAG_TYP}, 7, True):
        refuses(foreign.sign_by_hand(foreign.claims(world, who), typ=typ))


@spec("RFC 6749", "3.2")
def test_an_assertion_that_is_too_long_is_not_read(world, who, foreign, refuses):
    with leaves_only(world):
        for long in ("x" * 200_000, foreign.grant(world, who, note="n" * 200_000)):
            assert_refused(domains.present(world, who, long), "invalid_request", 413)
    for size in (9_000, 40_000):
        refuses(foreign.grant(world, who, note="n" * size))


# --- issuers


@spec("MCP", "Enterprise-Managed Authorization 7.4.1")
def test_an_unknown_issuer_is_answered_like_a_bad_signature_and_never_asked(world, who, foreign, refuses, documents):
    header, payload, signature = foreign.grant(world, who).split(".")
    bad = answered(world, who, f"{header}.{payload}.{signature[::-1]}")
    urls = [
        documents.url(""), documents.url("/idp"), f"{foreign.url}/", foreign.url.upper(), foreign.url[:-1],
        f"{foreign.url}@evil.example", "https://unknown.example", "http://169.254.169.254", "", world.origin,
    ]  # fmt: skip
    seen = list(documents.seen)
    for url in urls:
        grant = foreign.grant(world, who, iss=url)
        assert answered(world, who, grant) == bad
        refuses(grant)
    for odd in (None, [foreign.url], {"iss": foreign.url}, 7, True):
        refuses(foreign.grant(world, who, iss=odd))
    assert documents.seen == seen


@spec("ID-JAG", "9.3")
def test_an_issuer_is_believed_by_the_tenant_that_trusts_it_and_by_no_other(world, elsewhere, who, foreign):
    there = domains.presenter(elsewhere)
    grant = foreign.grant(elsewhere, there)
    domains.refuses(elsewhere, partial(domains.present, elsewhere, there, grant), of=grant)
    assert domains.present(world, who, foreign.grant(world, who)).status_code == 200


@spec("MCP", "Enterprise-Managed Authorization 7.4.1")
def test_an_issuer_that_is_switched_off_is_refused_from_that_moment_on(world, who, foreign, change):
    assert domains.present(world, who, foreign.grant(world, who)).status_code == 200
    change(is_enabled=False)
    grant = foreign.grant(world, who)
    domains.refuses(world, partial(domains.present, world, who, grant), of=grant)
    change(is_enabled=True)
    domains.wait()
    assert domains.present(world, who, grant).status_code == 200


@spec("MCP", "Enterprise-Managed Authorization 7.4.1")
@pytest.mark.parametrize("purposes", [[], ["workload"], ["federation"]])
def test_an_issuer_is_believed_about_people_only_where_that_is_its_purpose(world, who, foreign, change, purposes):
    assert domains.present(world, who, foreign.grant(world, who)).status_code == 200
    change(purposes=purposes)
    grant = foreign.grant(world, who)
    domains.refuses(world, partial(domains.present, world, who, grant), of=grant)


@spec("MCP", "Enterprise-Managed Authorization 7.4.1")
def test_keys_that_an_admin_replaced_are_refused_from_that_moment_on(world, who, foreign, change):
    assert domains.present(world, who, foreign.grant(world, who)).status_code == 200
    newer = Foreign(key=jwk.generate_key("RSA", 2048, {"kid": "f2"}, private=True))
    change(jwks=newer.jwks)
    grant = foreign.grant(world, who)
    domains.refuses(world, partial(domains.present, world, who, grant), of=grant)
    domains.wait()
    assert domains.present(world, who, newer.grant(world, who)).status_code == 200


@spec("ID-JAG", "6.3")
def test_a_shared_issuer_s_tenant_is_the_one_that_the_registration_names(world, who, foreign, change):
    change(required_claims={"tenant": "acme-7"})
    assert domains.present(world, who, foreign.grant(world, who, tenant="acme-7")).status_code == 200
    for other in (None, "acme-8", ["acme-7"], 7, ""):
        grant = foreign.grant(world, who, tenant=other)
        domains.refuses(world, partial(domains.present, world, who, grant), of=grant)


# --- our own issuers


@spec("ID-JAG", "9.3")
def test_a_tenant_never_redeems_what_it_issued_itself(world, elsewhere):
    across = domains.make(world, elsewhere)
    grant = across.grant()
    own = chains.signed(
        across.globex, {**claims(grant), "iss": across.globex.tenant.issuer}, typ=ID_JAG_TYP, algorithm="RS256"
    )
    for each in (own, chains.signed(across.globex, claims(grant), typ=ID_JAG_TYP, algorithm="RS256")):
        across.refuses_to_redeem(each)
    presenter = domains.presenter(across.acme)
    domains.refuses(across.acme, partial(domains.present, across.acme, presenter, grant), of=grant)
    with context.use(world.tenant), pytest.raises(Unusable):
        trust_actions.trust_issuer(world.tenant.issuer, by=SYSTEM, purposes=["id_jag"])
    assert across.redeem(grant).status_code == 200


@spec("ID-JAG", "9.3")
def test_a_sister_tenant_is_believed_only_with_a_row_and_only_what_it_issued(world, elsewhere):
    across = domains.make(world, elsewhere)
    grant = across.grant()
    never_issued = {**claims(grant), "jti": "jag_never_issued"}
    across.refuses_to_redeem(chains.signed(world, never_issued, typ=ID_JAG_TYP, algorithm="RS256"))
    with context.use(elsewhere.tenant):
        trust_actions.change_issuer(across.trusted, by=SYSTEM, is_enabled=False)
    across.refuses_to_redeem(grant)
    with context.use(elsewhere.tenant):
        trust_actions.change_issuer(across.trusted, by=SYSTEM, is_enabled=True)
    domains.wait()
    assert across.redeem(grant).status_code == 200


@spec("ID-JAG", "9.3")
def test_without_a_row_no_sister_tenant_is_believed(world, elsewhere):
    who = domains.presenter(elsewhere)
    body = Foreign().claims(elsewhere, who, iss=world.tenant.issuer)
    grant = chains.signed(world, body, typ=ID_JAG_TYP, algorithm="RS256")
    domains.refuses(elsewhere, partial(domains.present, elsewhere, who, grant), of=grant)


# --- metadata


@spec("ID-JAG", "7")
def test_metadata_say_which_of_the_roles_a_tenant_has(world, elsewhere, origin, http):
    domains.make(world, elsewhere)
    issuing, accepting = (
        each.http.get(each.url("/.well-known/openid-configuration")).json() for each in (world, elsewhere)
    )
    assert issuing["identity_chaining_requested_token_types_supported"] == ["urn:ietf:params:oauth:token-type:id-jag"]
    assert accepting["authorization_grant_profiles_supported"] == ["urn:ietf:params:oauth:grant-profile:id-jag"]
    assert "authorization_grant_profiles_supported" not in issuing
    assert "identity_chaining_requested_token_types_supported" not in accepting
