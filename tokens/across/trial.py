"""What would come of an identity assertion grant, claim by claim: for an admin who wonders why an agent is refused.

The steps are those of a redemption, in the same order. Nothing is minted, used up or kept; whoever would arrive for the
first time does not.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from agents import directory as agents_directory
from delegations.errors import StaysEnded
from kit import jose
from kit.oauth import OAuthError
from tenants.models import Tenant
from tokens import trust
from tokens.across import accepting, actors, people
from tokens.checking.steps import FAILED, MAX_SAID, NOT_REACHED, PASSED, Step
from tokens.formats import id_jag
from tokens.trust import Reading, Wanted
from tokens.values import TokenRequest
from trust.models import TrustedIssuer

LONGEST = 64 * 1024
"""Characters of an assertion that is tried: those of a form that carries one in earnest."""


def judge(tenant: Tenant, assertion: str, *, now: datetime) -> list[Step]:
    """Return every step of redeeming an assertion at this moment."""
    reading = Reading(assertion, Wanted(TrustedIssuer.Purpose.ID_JAG, id_jag.TYP, frozenset({tenant.issuer})), now)
    checks = [(name, _bound(step, reading)) for name, step in trust.STEPS] + _of_a_person(tenant, reading, now)
    steps: list[Step] = []
    for name, check in checks:
        if steps and steps[-1].verdict != PASSED:
            steps.append(Step(name, NOT_REACHED))
            continue
        try:
            check()
        except (jose.BadToken, OAuthError, StaysEnded) as error:
            steps.append(Step(name, FAILED, _said(reading.claims, name), getattr(error, "reason", "") or str(error)))
        else:
            steps.append(Step(name, PASSED, _said(reading.claims, name)))
    return steps


def _bound(step: Callable[[Reading], None], reading: Reading) -> Callable[[], None]:
    return lambda: step(reading)


def _of_a_person(tenant: Tenant, reading: Reading, now: datetime) -> list[tuple[str, Callable[[], object]]]:
    request = TokenRequest({}, now)

    def client() -> None:
        claimed = reading.claims.get("client_id")
        known = agents_directory.client_now(claimed) if isinstance(claimed, str) and "\x00" not in claimed else None
        if known is None or known.status != known.Status.ACTIVE:
            raise jose.BadToken("no active client of this tenant has this id")
        if known.is_public:
            raise jose.BadToken("this client is public: only a confidential one presents assertions about people")
        accepting.check_client(known, reading.believed())

    def scope() -> None:
        believed = reading.believed()
        accepting.scopes_of(believed, accepting.resource_of(believed, request), request)

    return [
        ("client_id", client),
        ("resource", lambda: accepting.resource_of(reading.believed(), request)),
        ("scope", scope),
        ("act", lambda: actors.carried(reading.claims, deepest=tenant.deepest_chain)),
        ("sub", lambda: people.find(reading.issuer, reading.claims, now=now)),
    ]


def _said(claims: Mapping[str, Any], name: str) -> str:
    """Return what the assertion says at a step, cut short; the e-mail address and the like are no step's business."""
    found = [f"{claims[each]}" for each in name.split(", ") if each in claims]
    return ", ".join(found)[:MAX_SAID]
