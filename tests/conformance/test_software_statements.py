"""Software statements: what a trusted issuer signed about software wins over what the software says itself."""

import json
import time

import pytest

from agents.models import Client
from audit.principals import SYSTEM
from kit import context
from tenants import actions as tenant_actions
from tests.harness import domains
from tests.harness.domains import Foreign
from tests.harness.footprint import leaves_only
from tests.harness.keyholder import Keyholder
from tests.harness.registering import REFUSED, Managed, assert_refused, post
from tests.spec import spec
from trust import actions as trust_actions

SOFTWARE = {"software_id": "4NRB1-0XZABZI9E6-5SM3R", "client_name": "Scout of the publisher"}

AHEAD = 4_000_000_000
"""A moment that is not here yet, and the same one in every process that names tests after it."""


@pytest.fixture
def publisher(world):
    foreign = Foreign()
    foreign.trusted = domains.trust_foreign(world, foreign, purposes=["software"], any_client=False)
    return foreign


def state(publisher, *, header=None, **changes):
    """Return a statement; a change to None leaves a claim out."""
    return publisher.sign({"iss": publisher.url, **SOFTWARE, **changes}, **{"typ": "JWT", **(header or {})})


def stored(world, answer):
    with context.use(world.tenant):
        return Client.objects.get(client_id=answer["client_id"])


def refused(world, code, statement):
    with leaves_only(world, REFUSED):
        assert_refused(post(world, software_statement=statement), code)


@spec("RFC 7591", "2.3")
def test_claims_of_a_statement_win_over_plain_members_and_it_comes_back_unmodified(world, publisher):
    statement = state(publisher, redirect_uris=["https://scout.example/cb"])
    answer = post(world, software_statement=statement, client_name="Claude", client_uri="https://scout.example/")
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert found["software_statement"] == statement
    assert {name: found[name] for name in SOFTWARE} == SOFTWARE
    assert found["redirect_uris"] == ["https://scout.example/cb"]
    assert found["client_uri"] == "https://scout.example/", "what a statement does not say the client says itself"


@spec("RFC 7591", "2.3")
def test_the_client_keeps_whose_word_vouches_for_it(world, publisher):
    found = post(world, software_statement=state(publisher)).json()
    assert stored(world, found).software_issuer_id == publisher.trusted.pk
    plain = post(world).json()
    assert stored(world, plain).software_issuer_id is None
    assert "software_statement" not in plain


@spec("RFC 7591", "2.3")
def test_a_statement_belongs_to_software_and_comes_again_for_years(world, publisher):
    statement = state(publisher, exp=int(time.time()) + 5 * 365 * 86400, iat=int(time.time()) - 365 * 86400)
    ids = {post(world, software_statement=statement).json()["client_id"] for _ in range(2)}
    assert len(ids) == 2


@spec("RFC 7591", "2")
def test_keys_of_a_statement_put_plain_ones_aside(world, publisher):
    mine, theirs = Keyholder("x"), Keyholder("x")
    statement = state(publisher, token_endpoint_auth_method="private_key_jwt", jwks=theirs.jwks)
    for plain in ({"jwks_uri": "https://scout.example/jwks"}, {"jwks": mine.jwks}):
        found = post(world, software_statement=statement, token_endpoint_auth_methods_supported=["none"], **plain)
        assert found.status_code == 201, found.text
        assert (found.json()["jwks"], found.json()["token_endpoint_auth_method"]) == (theirs.jwks, "private_key_jwt")


@spec("RFC 7591", "2.3")
def test_what_the_server_decides_no_statement_says(world, publisher):
    statement = state(publisher, client_id="chosen", client_secret="chosen", status="approved", agent="agt_x")
    assert "chosen" not in post(world, software_statement=statement).json().values()


@spec("RFC 7591", "3.2.2")
@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"client_name": "Rem\u200bit"}, "invalid_client_metadata"),
        ({"logo_uri": "data:image/png,x"}, "invalid_client_metadata"),
        ({"client_name": 7}, "invalid_client_metadata"),
    ],
)
def test_what_a_statement_says_passes_the_same_validator(world, publisher, claims, code):
    refused(world, code, state(publisher, **claims))


@spec("RFC 7591", "3.2.2")
@pytest.mark.parametrize(
    "change",
    [
        {"exp": 1},
        {"nbf": AHEAD},
        {"iat": AHEAD},
        {"exp": "soon"},
        {"exp": True},
        {"aud": "https://elsewhere.example"},
        {"aud": []},
        {"aud": None, "cnf": {"jkt": "x"}},
        {"header": {"typ": "oauth-id-jag+jwt"}},
        {"header": {"typ": "at+jwt"}},
        {"header": {"typ": "client-authentication+jwt"}},
        {"header": {"kid": "other"}},
        {"header": {"jwk": {}}},
    ],
    ids=str,
)
def test_a_statement_that_is_not_good_is_invalid(world, publisher, change):
    refused(world, "invalid_software_statement", state(publisher, **change))


@spec("RFC 7591", "2.3")
def test_a_statement_for_us_is_for_us(world, publisher):
    assert post(world, software_statement=state(publisher, aud=world.tenant.issuer)).status_code == 201
    assert post(world, software_statement=state(publisher, header={"typ": None})).status_code == 201


@spec("RFC 7591", "3.2.2")
@pytest.mark.parametrize("value", ["", "x", "a.b.c", 7, ["x"], {"iss": "x"}, "x" * 20_000, "é.é.é"], ids=repr)
def test_what_is_no_jwt_is_an_invalid_statement(world, publisher, value):
    refused(world, "invalid_software_statement", value)


@spec("RFC 7591", "3.2.2")
def test_a_statement_that_was_changed_or_is_signed_by_another_key_is_invalid(world, publisher):
    head, body, signature = state(publisher).split(".")
    other = domains.part(json.dumps({"iss": publisher.url, **SOFTWARE, "client_name": "Claude"}).encode())
    none = domains.part(b'{"alg":"none"}')
    stranger = Foreign(publisher.url, domains.a_key("f2"))
    same_name = Foreign(publisher.url, domains.jwk.generate_key("RSA", 2048, {"kid": "f1"}, private=True))
    forged = (f"{head}.{other}.{signature}", f"{none}.{body}.", state(stranger), state(same_name))
    for statement in forged:
        refused(world, "invalid_software_statement", statement)


@spec("RFC 7591", "3.2.2")
@pytest.mark.parametrize(
    "change",
    [
        {"iss": "https://idp.foreign.example/"},
        {"iss": "https://IDP.foreign.example"},
        {"iss": "https://stranger.example"},
        {"iss": None},
        {"iss": ["https://idp.foreign.example"]},
    ],
    ids=str,
)
def test_a_statement_of_somebody_whom_nobody_trusts_is_unapproved_and_nobody_is_asked(world, publisher, change):
    refused(world, "unapproved_software_statement", state(publisher, **change))


@spec("RFC 7591", "3.2.2")
@pytest.mark.parametrize("fields", [{"purposes": ["id_jag"]}, {"is_enabled": False}], ids=str)
def test_an_issuer_that_is_not_trusted_with_software_approves_none(world, publisher, fields):
    with context.use(world.tenant):
        trust_actions.change_issuer(publisher.trusted, by=SYSTEM, **fields)
    refused(world, "unapproved_software_statement", state(publisher))


@spec("RFC 7591", "2.3")
def test_what_a_shared_issuer_must_say_besides_is_demanded(world, publisher):
    with context.use(world.tenant):
        trust_actions.change_issuer(publisher.trusted, by=SYSTEM, required_claims={"org": "acme"})
    refused(world, "invalid_software_statement", state(publisher, org="globex"))
    assert post(world, software_statement=state(publisher, org="acme")).status_code == 201


def test_an_issuer_of_another_tenant_approves_nothing_here(world, elsewhere, publisher):
    refused(elsewhere, "unapproved_software_statement", state(publisher))
    assert post(world, software_statement=state(publisher)).status_code == 201


@spec("RFC 7592", "2.2")
def test_a_statement_is_replaced_with_everything_else(world, publisher):
    scout = Managed.register(world, software_statement=state(publisher))
    assert scout.ask().json() == scout.answer
    scout.refuses("invalid_software_statement", software_statement="x")
    assert scout.put(software_statement=state(publisher, client_name="Scout 2")).json()["client_name"] == "Scout 2"
    assert "software_statement" not in scout.put().json()
    assert (scout.row.software_issuer, scout.row.software_statement) == (None, "")


def test_an_issuers_word_lets_nobody_in_where_an_admins_token_is_needed(world, publisher):
    tenant_actions.change_policy(world.tenant, by=SYSTEM, registration_needs_token=True)
    with leaves_only(world):
        assert_refused(post(world, software_statement=state(publisher)), "invalid_token", 401)
