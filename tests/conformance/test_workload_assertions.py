"""What makes a platform's assertion good as a grant, one thing at a time (WAG §4, §6; RFC 7523 §3)."""

import hashlib
import hmac
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwk

from agents.federated import matches
from audit.events import Event
from kit import context
from tests.harness import domains, platforms
from tests.harness.chain import assert_refuses
from tests.harness.domains import Foreign
from tests.harness.footprint import leaves_only
from tests.harness.platforms import PLATFORM, brings, named
from tests.harness.wire import assert_refused
from tests.harness.world import World, claims
from tests.spec import spec
from trust.models import UsedGrant


@pytest.fixture
def known(world: World) -> platforms.Brings:
    """A platform of which an admin let one agent do everything that its word may open."""
    made = brings(world, named(PLATFORM))
    made.admit()
    assert made.present().status_code == 200
    return made


def each_is_refused(known: platforms.Brings, *assertions: str) -> None:
    """Assert that each of these is refused, and that all that is written is one entry for each."""
    with leaves_only(known.world, *[Event.TOKEN_REFUSED] * len(assertions)):
        answers = [(each, known.present(each)) for each in assertions]
    for assertion, answer in answers:
        assert answer.status_code == 400, claims(assertion)
        assert_refused(answer, "invalid_grant")
    reasons = [entry.reason for entry in known.world.entries(Event.TOKEN_REFUSED)]
    assert all(reasons)
    assert not any(assertion in reason for assertion in assertions for reason in reasons)


def each_names_nobody(known: platforms.Brings, *assertions: str, code: str = "invalid_grant") -> None:
    """Assert that each of these is refused before any platform is known by it, and that nothing is written."""
    with leaves_only(known.world):
        answers = [(each, known.present(each)) for each in assertions]
    for assertion, answer in answers:
        assert answer.json().get("error") == code, (assertion, answer.text)
        assert_refused(answer, code, 401 if code == "invalid_client" else 400)


def in_seconds(seconds: int) -> int:
    return int(time.time()) + seconds


# --- for whom


@spec("WAG", "5.1")
@spec("RFC 7523", "3")
def test_the_issuer_and_the_token_endpoint_and_a_list_of_nothing_else_are_the_audience(known):
    here, there = "{issuer}", "{issuer}/token"
    for audience in (here, there, [here], [there], [here, there], [there, here]):
        assert known.present(known.word(aud=audience)).status_code == 200


@spec("RFC 7523", "3")
def test_any_other_audience_is_refused(known, elsewhere):
    evil = "https://evil.example"
    wrong: tuple[object, ...] = (
        None, "", "{issuer}/", "{issuer}x", "{issuer}/token/", "{issuer}/authorize", "*", evil, ["{issuer}", evil],
        [evil, "{issuer}"], ["{issuer}", "{issuer}/token", evil], [], [["{issuer}"]], {"a": "{issuer}"}, 7,
        known.world.calendar.identifier, known.world.origin, elsewhere.tenant.issuer,
        ["{issuer}", elsewhere.tenant.issuer],
    )  # fmt: skip
    each_is_refused(known, *(known.word(aud=each) for each in wrong))


# --- whose word


@spec("WAG", "6.1")
def test_an_issuer_that_looks_like_a_trusted_one_is_another(known):
    wrong = (
        PLATFORM + "/", PLATFORM.upper(), "http" + PLATFORM[5:], PLATFORM + ":443", PLATFORM + "?x", PLATFORM + "#x",
        "https://agents.platform.example.evil.example", "", None, [PLATFORM], 7, known.world.tenant.issuer,
    )  # fmt: skip
    each_names_nobody(known, *(known.word(iss=each) for each in wrong))


@spec("WAG", "6.1")
def test_nobody_asks_an_issuer_that_is_not_trusted_for_its_keys(world, known, documents):
    stranger = named(documents.url(f"/{world.tenant.slug}/stranger"))
    before = len(documents.seen)
    each_names_nobody(known, platforms.word(stranger, world.tenant.issuer))
    assert len(documents.seen) == before


@spec("WAG", "6.1")
def test_an_issuer_that_only_the_tenant_beside_trusts_is_unknown(known, elsewhere):
    other = brings(elsewhere, named("https://agents.other.example"))
    each_names_nobody(known, platforms.word(other.platform, known.world.tenant.issuer))


@pytest.mark.parametrize("purposes", [[], ["federation"], ["id_jag"]])
def test_an_issuer_that_is_not_trusted_for_this_purpose_brings_nobody(known, purposes):
    platforms.change(known.world, known.trusted, purposes=purposes)
    each_names_nobody(known, known.word(), known.word(sub="somebody new"))


def test_an_issuer_that_is_switched_off_brings_nobody_at_once(known):
    platforms.change(known.world, known.trusted, is_enabled=False)
    each_names_nobody(known, known.word())


def test_an_issuer_that_is_switched_off_brings_no_new_agent_at_once(known):
    platforms.change(known.world, known.trusted, is_enabled=False)
    answer = known.present(known.word(sub="somebody new"))
    assert answer.json()["error"] == "invalid_grant"
    assert len(known.agents()) == 1


@spec("WAG", "6.3")
def test_a_shared_issuer_s_assertion_must_hold_what_the_registration_demands(world):
    shared = brings(world, named(PLATFORM), required_claims={"tenant": "acme", "tier": 1})
    word = {"tenant": "acme", "tier": 1}
    assert shared.present(shared.word(**word)).json()["error_uri"]
    wrong: tuple[dict[str, object], ...] = (
        {"tenant": "other"}, {"tenant": None}, {"tenant": "ACME"}, {"tenant": ["acme"]}, {"tier": True}, {"tier": "1"},
    )  # fmt: skip
    each_is_refused(shared, *(shared.word(**{**word, **each}) for each in wrong))


def test_another_key_is_not_the_platform_s(known):
    key = known.platform.key
    impostor = Foreign(PLATFORM, jwk.generate_key("RSA", 2048, {"kid": key.kid}, private=True))
    forged = platforms.word(impostor, known.world.tenant.issuer)
    head = {"alg": "HS256", "kid": key.kid}
    message, _, _ = platforms.raw(head, claims(known.word())).rpartition(".")
    mac = hmac.digest(key.as_pem(private=False), message.encode(), hashlib.sha256)
    each_is_refused(known, forged, platforms.raw(head, claims(known.word()), mac))
    unsigned = ({"alg": "none"}, {"alg": "none", "kid": key.kid}, {"alg": "RS256", "kid": key.kid}, {})
    each_is_refused(known, *(platforms.raw(each, claims(known.word())) for each in unsigned))


@spec("RFC 8725", "3.10")
def test_a_header_that_brings_or_changes_a_key_is_refused(known):
    brought: tuple[dict[str, object], ...] = (
        {"jwk": known.platform.jwks["keys"][0]}, {"jku": PLATFORM}, {"x5u": PLATFORM}, {"x5c": ["MIIB"]},
        {"crit": ["b64"], "b64": True}, {"crit": ["x"], "x": 1}, {"kid": "another"}, {"kid": None}, {"alg": "PS256"},
    )  # fmt: skip
    head = {"alg": "RS256", "kid": known.platform.key.kid}
    each_is_refused(known, *(platforms.signed(known.platform, head | each, claims(known.word())) for each in brought))


# --- of which kind, and about whom


@spec("RFC 8725", "3.11")
def test_an_assertion_is_untyped_or_a_plain_jwt_and_of_no_other_kind(world, known):
    for typ in (None, "JWT", "jwt", "application/jwt"):
        assert known.present(known.word(header={"typ": typ})).status_code == 200
    kinds = (
        "at+jwt", "application/at+jwt", "oauth-id-jag+jwt", "client-authentication+jwt", "dpop+jwt", "secevent+jwt",
        "logout+jwt", "txntoken+jwt", "jwt ",
    )  # fmt: skip
    each_names_nobody(known, *(known.word(header={"typ": typ}) for typ in kinds), code="invalid_client")
    scout = domains.presenter(world)
    for typ in kinds:
        form = known.word(header={"typ": typ})
        assert_refuses(world, lambda form=form: domains.present(world, scout, form), "invalid_grant")


@spec("WAG", "4")
def test_a_subject_is_a_name_that_can_be_kept(known):
    wrong: tuple[object, ...] = (None, "", "x" * 256, 7, ["agent-7f3a"], {"sub": "agent-7f3a"}, True)
    each_is_refused(known, *(known.word(sub=each) for each in wrong))
    each_names_nobody(known, known.word(sub="a\x00b"))
    assert len(known.agents()) == 1


@spec("WAG", "4")
def test_every_claim_about_its_life_is_there_and_near(known):
    wrong: tuple[dict[str, object], ...] = (
        {"exp": None}, {"exp": in_seconds(-300)}, {"exp": in_seconds(86_400)}, {"exp": in_seconds(700)},
        {"exp": "soon"}, {"exp": True}, {"exp": 1.5}, {"iat": None}, {"iat": in_seconds(300)}, {"iat": "now"},
        {"nbf": in_seconds(300)}, {"cnf": {"jkt": "x"}},
    )  # fmt: skip
    each_is_refused(known, *(known.word(**each) for each in wrong))
    assert known.present(known.word(iat=in_seconds(50), nbf=in_seconds(50))).status_code == 200


def test_our_own_tokens_and_what_is_no_assertion_buy_nothing(world, known):
    own = known.present().json()["access_token"]
    each_names_nobody(known, own, code="invalid_client")
    each_names_nobody(known, "x", "a.b", "..", "a.b.c.d", "x" * 9000)
    assert known.present(assertion=None).status_code == 200
    with leaves_only(world):
        assert_refused(known.present(assertion="x" * 200_000), "invalid_request", 413)


# --- once


@spec("WAG", "8")
def test_an_assertion_names_itself_and_is_good_once(world, known):
    wrong: tuple[object, ...] = (None, "", 7, "j" * 256, ["j"], {})
    each_is_refused(known, *(known.word(jti=each) for each in wrong))
    each_names_nobody(known, known.word(jti="a\x00b"))
    assertion = known.word(jti="once")
    assert known.present(assertion).status_code == 200
    each_is_refused(known, assertion, known.word(jti="once"))
    with context.use(world.tenant):
        kept = UsedGrant.objects.filter(issuer=known.trusted)
        assert "once" not in {each.jti for each in kept}


@spec("WAG", "8")
def test_an_assertion_is_good_once_among_twelve_at_a_time(known):
    assertion = known.word()
    with ThreadPoolExecutor(12) as pool:
        statuses = sorted(answer.status_code for answer in pool.map(lambda _: known.present(assertion), range(12)))
    assert statuses == [200] + [400] * 11


def test_nobody_can_use_up_what_another_will_say(known):
    impostor = Foreign(PLATFORM, platforms.rsa("an impostor"))
    assert known.present(platforms.word(impostor, known.world.tenant.issuer, jti="wanted")).status_code == 400
    known.refuses("invalid_scope", known.word(jti="wanted"), scope="contacts:read")
    assert known.present(known.word(jti="wanted")).status_code == 200


# --- the words of a template

WORDS = st.text(alphabet="ab:/*.-", max_size=12)
PART = st.text(min_size=1, max_size=8).filter(lambda part: not set(part) & set(":/"))


@given(WORDS, WORDS)
def test_a_template_without_a_star_matches_itself_alone(template, subject):
    plain = template.replace("*", "")
    assert matches(plain, subject) == (plain == subject)


@given(WORDS.map(lambda text: text.replace("*", "")), PART, WORDS.map(lambda text: text.replace("*", "")))
def test_a_star_takes_one_part_whatever_is_in_it(before, part, after):
    assert matches(f"{before}*{after}", before + part + after)


@given(
    st.text(alphabet="ab:/.-", max_size=6), st.text(max_size=6), st.sampled_from([":", "/", ""]), st.text(max_size=6)
)
def test_a_star_never_takes_a_colon_a_slash_or_nothing(before, left, cut, right):
    # Framed by letters that nothing else holds, so that there is one way to read it.
    middle = left + cut + right if cut else ""
    assert not matches(f"{before}<*>", f"{before}<{middle}>")
