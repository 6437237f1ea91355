"""What an access token says, in whatever form: a JWT's claims, and the introspection of an opaque one.

Both come from here, so that a resource server learns the same of `act`, `may_act` and `delegation_id` either way.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from agents import directory
from delegations.models import Delegation
from delegations.rules import may_receive
from tenants.models import Tenant
from tokens.models import AccessToken
from tokens.values import Authorization


def of_authorization(authorization: Authorization, token_id: str) -> Mapping[str, Any]:
    """Return the claims of what is being minted (RFC 9068 §2.2)."""
    issued = int(authorization.now.timestamp())
    return {
        "iss": authorization.tenant.issuer,
        "sub": authorization.subject,
        "client_id": authorization.client.client_id,
        "scope": authorization.scope,
        "aud": authorization.audience,
        "iat": issued,
        "exp": issued + authorization.seconds,
        "jti": token_id,
        **_why(authorization.tenant, authorization.delegation, authorization.actors),
    }


def of_row(row: AccessToken, tenant: Tenant) -> Mapping[str, Any]:
    """Return the same of a token that was minted; the row brings its client and its delegation."""
    issued = int(row.created.timestamp())
    earlier = [above.agent_id for above in row.delegation.line[1:]]
    actors = [row.actor, *(agent for agent in earlier if agent and agent != row.subject)] if row.actor else []
    return {
        "iss": tenant.issuer,
        "sub": row.subject,
        "client_id": row.client.client_id,
        "scope": row.scope,
        "aud": row.audience,
        "iat": issued,
        "exp": issued + int((row.expires - row.created).total_seconds()),
        "jti": row.pk,
        **_why(tenant, row.delegation, actors),
    }


def act(tenant: Tenant, actors: Sequence[str], *, before: Mapping[str, Any] | None = None) -> Mapping[str, Any] | None:
    """Return the chain of actors, the current one outermost: identity claims only (RFC 8693 §4.1).

    `before` are those who acted in another domain, under the names that its issuer gave them.
    """
    chain = before
    for agent_id in reversed(actors):
        earlier = {"act": chain} if chain else {}
        chain = {"iss": tenant.issuer, "sub": agent_id, "sub_profile": "ai_agent", **earlier}
    return chain


def may_act(tenant: Tenant, delegation: Delegation) -> Mapping[str, Any] | None:
    """Return the one agent that may become the actor next (RFC 8693 §4.4).

    The claim names one party: where several may, it is left out, and the delegation decides alone.
    """
    if delegation.agent_id is None:
        return None
    helpers = may_receive(delegation, tenant, directory.helpers(delegation.agent_id))
    return {"iss": tenant.issuer, "sub": next(iter(helpers))} if len(helpers) == 1 else None


def _why(tenant: Tenant, delegation: Delegation, actors: Sequence[str]) -> Mapping[str, Any]:
    """Return the claims that say through whom and because of what; a member without a value is left out."""
    members = {
        "delegation_id": delegation.pk,
        "act": act(tenant, actors, before=delegation.line[-1].foreign_act),
        "may_act": may_act(tenant, delegation),
    }
    return {name: value for name, value in members.items() if value is not None}
