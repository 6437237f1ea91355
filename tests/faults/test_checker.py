"""The checker finds what it is there for: each invariant is shown a record that breaks it, and that one alone."""

from dataclasses import replace

import pytest
from jwcrypto.jwk import JWK
from jwcrypto.jws import JWS

from tests.faults import checker
from tests.faults.checker import Facts, Work
from tests.faults.history import CUT, Answer, History, Kind

KEY = JWK.generate(kty="EC", crv="P-256", kid="k1")
STRANGER = JWK.generate(kty="EC", crv="P-256", kid="k1")


@pytest.fixture(scope="session", autouse=True)
def _database():
    """None: the judgement is pure."""


@pytest.fixture(autouse=True)
def _fresh_caches():
    """There are none."""


def token(key=KEY):
    jws = JWS(b"{}")
    jws.add_signature(key, protected={"alg": "ES256", "kid": "k1"})
    return jws.serialize(compact=True)


FACTS = Facts(
    signing={("ten_a", "ES256"): 1, ("ten_a", "RS256"): 1},
    keys={"k1": KEY.export_public(as_dict=True)},
    recorded=frozenset({"req_1", "req_2", "req_3"}),
    jobs=[Work("job_1", is_over=False, done=500, items_done=500, items_waiting=200)],
)
REDEEMED = Answer(Kind.REDEEM, "code", 1.0, 1.1, 200, request_id="req_1", token=token(), successor="rt_1")
REFRESHED = Answer(Kind.REFRESH, "rt_1", 2.0, 2.1, 200, request_id="req_2", token=token(), successor="rt_2")
ENDED = Answer(Kind.END, "agent", 3.0, 3.1, 200, request_id="req_3")
GOOD = (
    REDEEMED,
    replace(REDEEMED, sent=1.2, status=400, token="", successor="", says="invalid_grant"),
    REFRESHED,
    replace(REFRESHED, sent=2.2),  # The same successor again: an answer was lost.
    Answer(Kind.INTROSPECT, "agent", 3.05, 3.2, 200, is_active=True),  # Asked before the end was answered.
    ENDED,
    Answer(Kind.INTROSPECT, "agent", 3.3, 3.4, 200),
    Answer(Kind.MINT, "other", 4.0, 4.1, 503, retry_after="2", says="temporarily_unavailable"),
    Answer(Kind.READ, "/login", 4.0, 4.1, CUT),
)


def found(*more, **facts):
    return checker.violations(History([*GOOD, *more]), replace(FACTS, **facts))


def test_a_record_in_which_everything_is_as_promised_has_no_breach():
    assert found() == []


BROKEN = {
    "no code is redeemed twice": lambda: found(replace(REDEEMED, sent=1.3)),
    "no refresh token has two successors": lambda: found(replace(REFRESHED, sent=2.3, successor="rt_other")),
    "nothing is active after its end was answered": lambda: found(
        Answer(Kind.INTROSPECT, "agent", 3.2, 3.3, 200, is_active=True)
    ),
    "one key signs for each tenant and algorithm": lambda: found(signing={**FACTS.signing, ("ten_a", "ES256"): 2}),
    "every token verifies against a published key": lambda: found(
        Answer(Kind.MINT, "other", 5.0, 5.1, 200, request_id="req_1", token=token(STRANGER))
    ),
    "what was answered stands in the ledger": lambda: found(recorded=FACTS.recorded - {"req_3"}),
    "the ledger's chain holds": lambda: found(broken=["ten_a at 7: a seal is missing"]),
    "work is over, or goes on where it was": lambda: found(
        jobs=[Work("job_1", is_over=True, done=500, items_done=500, items_waiting=200)]
    ),
    "no 500, and every 503 says when to ask again": lambda: found(Answer(Kind.READ, "/login", 5.0, 5.1, 503)),
}


def test_every_invariant_has_a_record_that_breaks_it():
    assert list(BROKEN) == list(checker.INVARIANTS)


@pytest.mark.once
@pytest.mark.parametrize("name", BROKEN)
def test_a_record_that_breaks_an_invariant_is_told_by_its_name(name):
    (breach,) = BROKEN[name]()
    assert breach.startswith(f"{name}: ")


@pytest.mark.once
@pytest.mark.parametrize(
    ("why", "facts"),
    [
        ("no key signs", {"signing": {("ten_a", "ES256"): 0}}),
        ("a number that nothing stands behind", {"jobs": [Work("job_1", False, 501, 500, 200)]}),
        ("a key that was never published", {"keys": {}}),
    ],
)
def test_the_other_side_of_an_invariant_is_seen_as_well(why, facts):
    assert found(**facts)


@pytest.mark.once
def test_a_token_minted_after_the_end_is_a_breach_as_an_active_one_is():
    late = Answer(Kind.MINT, "agent", 3.2, 3.3, 200, request_id="req_1", token=token())
    assert [each.partition(":")[0] for each in found(late)] == ["nothing is active after its end was answered"]


@pytest.mark.once
def test_a_500_is_a_breach_whatever_it_says():
    assert found(Answer(Kind.MINT, "other", 5.0, 5.1, 500, retry_after="2"))
