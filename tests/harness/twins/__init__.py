"""What the same thing does on a page and over the API: one case for each form of a page and each endpoint of it."""

from tests.harness.twins import agents, approvals, clients, delegations, mine, resources, tenant, trust

CASES = (
    *mine.CASES,
    *approvals.CASES,
    *agents.CASES,
    *clients.CASES,
    *resources.CASES,
    *trust.CASES,
    *tenant.CASES,
    *delegations.CASES,
)
