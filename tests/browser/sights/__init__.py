"""Every page there is, by who meets it, and how one comes to stand before it."""

from tests.browser.sights import agents, approvals, consent, delegations, entrance, mine, refused, tenant, trust

SIGHTS = (
    *entrance.SIGHTS,
    *consent.SIGHTS,
    *mine.SIGHTS,
    *approvals.SIGHTS,
    *agents.SIGHTS,
    *delegations.SIGHTS,
    *trust.SIGHTS,
    *tenant.SIGHTS,
    *refused.SIGHTS,
)
