"""What a grant of a trusted issuer buys here, and which is refused: ID-JAG §4.4, RFC 8725 (JAG-30–35, 42–44, A1)."""

import time
import uuid

import httpx
import pytest
from joserfc import jwk

from audit.principals import SYSTEM
from kit import context
from kit.oauth import TokenType
from tests.harness import chain as chains
from tests.harness import domains
from tests.harness.domains import ID_JAG_TYP, Foreign
from tests.harness.wire import verified
from tests.harness.world import claims
from tests.spec import spec
from trust import actions as trust_actions


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
    """Refuse a grant that one claim (or the header) spoils; the same without that is good."""

    def assert_refuses(code="invalid_grant", *, assertion="", request=None, **changes):
        spoilt = assertion or foreign.grant(world, who, **changes)
        ask = lambda: domains.present(world, who, spoilt, **(request or {}))  # noqa: E731
        return domains.refuses(world, ask, code, of=spoilt)

    yield assert_refuses
    assert domains.present(world, who, foreign.grant(world, who)).status_code == 200


# --- what it buys


@spec("ID-JAG", "4.4.3")
def test_a_grant_buys_an_access_token_of_ours_and_nothing_beside_it(world, who, foreign, trusted):
    answer = domains.present(world, who, foreign.grant(world, who))
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert (body["token_type"], body["scope"]) == ("Bearer", "events:read")
    header, found = verified(world, body["access_token"])
    assert header["typ"] == "at+jwt"
    assert (found["iss"], found["sub"]) == (world.tenant.issuer, world.people["alice"].pk)
    assert (found["aud"], found["client_id"]) == (world.calendar.identifier, who.id)
    assert found["act"] == chains.acting(world, who)
    assert found["exp"] - found["iat"] <= 300
    assert world.is_active(body["access_token"])
    (delegation,) = world.delegations()
    assert (delegation.origin, delegation.issuer_id) == ("id_jag", trusted.pk)


@spec("ID-JAG", "4.4")
def test_a_grant_of_acme_buys_a_token_at_globex_that_acme_s_actor_stands_in(world, elsewhere):
    across = domains.make(world, elsewhere)
    token = across.cross()
    act = claims(token)["act"]
    assert act == {**chains.acting(across.globex, across.there), "act": chains.acting(across.acme, across.here)}
    reader = across.globex.introspector()
    assert across.globex.introspect(reader, token)["act"] == act
    assert across.globex.is_active(token)


@spec("ID-JAG", "4.4.1")
@pytest.mark.parametrize("typ", [ID_JAG_TYP.upper(), "OAuth-Id-Jag+JWT", f"application/{ID_JAG_TYP}"])
def test_the_type_is_read_as_media_types_are(world, who, foreign, typ):
    assert domains.present(world, who, foreign.grant(world, who, header={"typ": typ})).status_code == 200


@spec("MCP", "Enterprise-Managed Authorization 7.4.1")
@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_the_algorithm_is_one_that_the_registration_allows(world, who, algorithm):
    key = jwk.generate_key("EC", "P-256", {"kid": "e1"}, private=True)
    keyed = {"key": key} if algorithm == "ES256" else {}
    good, bad = (Foreign(f"https://{name}.example", algorithm=algorithm, **keyed) for name in ("good", "bad"))
    domains.trust_foreign(world, good, algorithms=[algorithm])
    domains.trust_foreign(world, bad, algorithms=["RS256" if algorithm == "ES256" else "ES256"])
    grant = bad.grant(world, who)
    domains.refuses(world, lambda: domains.present(world, who, grant), of=grant)
    assert domains.present(world, who, good.grant(world, who)).status_code == 200


# --- type, audience, client


@spec("RFC 8725", "3.11")
@pytest.mark.parametrize(
    "typ",
    [None, "", "JWT", "at+jwt", "client-authentication+jwt", "dpop+jwt", "secevent+jwt", "logout+jwt", "id-jag+jwt",
     "text/oauth-id-jag+jwt", "application/application/oauth-id-jag+jwt", "oauth-id-jag+jwt ", "x" * 3000],
)  # fmt: skip
def test_another_type_of_token_is_no_grant(refuses, typ):
    refuses(header={"typ": typ})


@spec("ID-JAG", "4.4.1")
def test_the_audience_is_this_tenant_s_issuer_alone(world, elsewhere, who, foreign, refuses):
    ours, theirs = world.tenant.issuer, elsewhere.tenant.issuer
    assert domains.present(world, who, foreign.grant(world, who, aud=[ours])).status_code == 200
    wrong = [
        None, theirs, f"{ours}/token", f"{ours}/", ours[:-1], ours.upper(), world.origin, world.calendar.identifier,
        [ours, theirs], [theirs, ours], [ours, ours], [theirs], [], [[ours]], {"iss": ours}, {ours: 1}, 7, "", True,
    ]  # fmt: skip
    for each in wrong:
        refuses(aud=each)


@spec("ID-JAG", "4.4.1")
def test_the_grant_names_the_client_that_presents_it(world, who, foreign, refuses):
    other = domains.presenter(world, "Another")
    for each in (None, other.id, [who.id], [who.id, other.id], who.id.upper(), "", 7, {}, who.client.agent_id):
        refuses(client_id=each)
    grant = foreign.grant(world, who)
    domains.refuses(world, lambda: domains.present(world, other, grant), of=grant)
    assert domains.present(world, who, grant).status_code == 200


@spec("MCP", "Enterprise-Managed Authorization 7.7")
def test_only_clients_that_the_registration_names_present_its_grants(world, who, foreign, trusted):
    other = domains.presenter(world, "Another")
    with context.use(world.tenant):
        trust_actions.change_issuer(trusted, by=SYSTEM, any_client=False, clients=[other.id])
    grant = foreign.grant(world, who)
    domains.refuses(world, lambda: domains.present(world, who, grant), of=grant)
    assert domains.present(world, other, foreign.grant(world, other)).status_code == 200


# --- once


@spec("MCP", "Enterprise-Managed Authorization 7.4.2")
def test_a_grant_is_good_once(world, who, foreign, refuses):
    grant = foreign.grant(world, who)
    assert domains.present(world, who, grant).status_code == 200
    assert "used before" in refuses(assertion=grant)
    jti = claims(grant)["jti"]
    refuses(jti=jti, scope="events:read events:write")
    for each in (None, "", {}, [jti], 7, True, "j" * 256, "a\x00b"):
        refuses(jti=each)
    assert domains.present(world, who, foreign.grant(world, who, jti="j" * 255)).status_code == 200


@spec("MCP", "Enterprise-Managed Authorization 7.4.2")
def test_one_id_of_two_issuers_is_two_grants(world, who, foreign):
    other = Foreign("https://other.example")
    domains.trust_foreign(world, other)
    jti = str(uuid.uuid4())
    for each in (foreign, other):
        assert domains.present(world, who, each.grant(world, who, jti=jti)).status_code == 200


@spec("ID-JAG", "4.4.3")
def test_a_refused_grant_is_not_used_up(world, who, foreign):
    grant = foreign.grant(world, who)
    for changes, code in (({"scope": "contacts:read"}, "invalid_scope"), ({"resource": "https://x"}, "invalid_target")):
        ask = lambda it=changes: domains.present(world, who, grant, **it)  # noqa: E731
        domains.refuses(world, ask, code, of=grant)
    assert domains.present(world, who, grant).status_code == 200


@spec("ID-JAG", "4.4.3")
def test_where_the_registration_says_so_a_grant_may_come_again_until_it_is_over(world, who, foreign, trusted):
    with context.use(world.tenant):
        trust_actions.change_issuer(trusted, by=SYSTEM, reuses_assertions=True)
    grant = foreign.grant(world, who)
    assert [domains.present(world, who, grant).status_code for _ in range(3)] == [200, 200, 200]
    other = domains.presenter(world, "Another")
    domains.refuses(world, lambda: domains.present(world, other, grant), of=grant)
    late = foreign.grant(world, who, exp=int(time.time()) - 61)
    domains.refuses(world, lambda: domains.present(world, who, late), of=late)


# --- when


@spec("RFC 7523", "3")
def test_clocks_may_differ_by_a_minute_and_not_by_five(world, who, foreign, refuses):
    now = int(time.time())
    for good in ({"iat": now + 58}, {"nbf": now + 58}, {"exp": now - 50}, {"iat": now + 58, "exp": now + 358}):
        assert domains.present(world, who, foreign.grant(world, who, **good)).status_code == 200, good
    wrong = [
        {"iat": now + 300}, {"iat": now + 300, "exp": now + 600}, {"nbf": now + 300}, {"exp": now - 300},
        {"iat": now - 600, "exp": now - 300}, {"exp": now + 86_400}, {"exp": 10**15}, {"exp": None}, {"iat": None},
        {"exp": str(now + 120)}, {"exp": [now + 120]}, {"iat": True}, {"nbf": "soon"}, {"exp": -1}, {"exp": 10**400},
    ]  # fmt: skip
    for each in wrong:
        refuses(**each)


# --- bound to a key


@spec("ID-JAG", "9.8")
def test_a_grant_that_is_bound_to_a_key_is_refused_while_no_key_can_be_proved(refuses):
    for cnf in ({"jkt": "x" * 43}, {"x5t#S256": "x" * 43}, {}, "x", []):
        refuses(cnf=cnf)


@spec("RFC 9449", "5")
def test_a_proved_key_is_refused_and_not_ignored(world, who, foreign):
    grant = foreign.grant(world, who)
    with httpx.Client(timeout=20, headers={"DPoP": "e30.e30.e30"}) as proving:
        kept, world.http = world.http, proving
        domains.refuses(world, lambda: domains.present(world, who, grant), "invalid_request", of=grant)
        world.http = kept
    assert domains.present(world, who, grant).status_code == 200


# --- another's place


@spec("ID-JAG", "9.3")
def test_a_grant_is_good_at_its_own_place_alone(world, who, foreign):
    grant = foreign.grant(world, who)
    for kind in TokenType:
        chains.assert_refuses(world, lambda it=kind: world.exchange(who, grant, subject_token_type=it.value))
    assert world.introspect(who, grant) == {"active": False}
    for path in ("/userinfo", "/api/v1/self"):
        answer = world.http.get(world.url(path), headers={"Authorization": f"Bearer {grant}"})
        assert answer.status_code == 401
    assert domains.present(world, who, grant).status_code == 200
