"""RFC 6749 §6 with rotation (RFC 9700 §4.14): the current token of a family, by its client, while authority lasts."""

from agents.models import Client
from kit.oauth import GrantType, InvalidGrant
from tenants.models import Tenant
from tokens import families, rows
from tokens.values import Proof, TokenRequest

GRANT_TYPE = GrantType.REFRESH_TOKEN
PARAMETERS = ("refresh_token",)


def prove(tenant: Tenant, client: Client, request: TokenRequest) -> Proof:
    """Return what the refresh token proves; raises InvalidGrant, or Replayed when the family must die."""
    parsed = families.parse(request.one("refresh_token"))
    family = rows.family(parsed.family_id) if parsed else None
    if parsed is None or family is None:
        raise InvalidGrant("unknown refresh token")
    if family.client_id != client.pk:
        raise InvalidGrant(f"{family.pk}: refresh token of another client")
    if family.revoked is not None:
        raise InvalidGrant(f"{family.pk} was revoked")
    meaning = families.judge(parsed, family, now=request.now)
    if families.is_over(family, now=request.now):
        raise InvalidGrant(f"{family.pk} is over")
    return Proof(
        tenant=tenant,
        subject=family.subject,
        actor=client.agent,
        client=client,
        scopes=frozenset(family.scope.split()),
        delegations=rows.delegations(family.delegations),
        may_infer_audience=True,
        consumes=meaning,
        refreshable_until=family.expires,
    )
