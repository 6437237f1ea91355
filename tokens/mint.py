"""The statement in which a token comes to exist.

It inserts the token's row only if, at that very moment, the tenant, the client, the delegation, the agent, the person
and the token family are alive and unchanged since they were read. PostgreSQL holds them with FOR SHARE until the
commit: whoever ends one of them waits for the mints in flight and stops all later ones. SQLite has one writer.
"""

from django.db import connection

from tokens.models import AccessToken
from tokens.values import Authorization

_TABLE = AccessToken._meta.db_table
_COLUMNS = (
    "id", "subject", "actor", "audience", "scope", "grant_type", "created", "expires",
    "tenant_id", "client_id", "delegation_id", "family_id",
)  # fmt: skip


def insert(authorization: Authorization, *, token_id: str, family_id: str | None) -> bool:
    """Record the token; return False where something it hangs on is over or was changed."""
    moment = connection.ops.adapt_datetimefield_value
    now = moment(authorization.now)
    joins, locked, conditions = _what_must_live(authorization, family_id)
    statement = (
        f"INSERT INTO {_TABLE} ({', '.join(_COLUMNS)}) "  # noqa: S608 - names of our own tables alone
        "SELECT %s, %s, %s, %s, %s, %s, %s, %s, t.id, c.id, d.id, %s FROM tenants_tenant t "
        "JOIN agents_client c ON c.tenant_id = t.id "
        "JOIN delegations_delegation d ON d.tenant_id = t.id AND d.client_id = c.id "
        f"{joins} WHERE t.id = %s AND t.version = %s AND t.status = 'active' "
        "AND c.id = %s AND c.version = %s AND c.status = 'active' "
        "AND d.id = %s AND d.version = %s AND d.ended_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > %s)"
        f"{conditions}"
    )
    values = [
        token_id, authorization.subject, authorization.actor.pk if authorization.actor else "",
        authorization.audience, authorization.scope, authorization.grant_type, now, moment(authorization.expires_at),
        family_id,
        authorization.tenant.pk, authorization.tenant.version,
        authorization.client.pk, authorization.client.version,
        authorization.delegation.pk, authorization.delegation.version, now,
    ]  # fmt: skip
    if family_id is not None:
        values.append(family_id)
    if connection.vendor == "postgresql":
        statement += f" FOR SHARE OF {', '.join(locked)}"
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return bool(cursor.rowcount == 1)


def _what_must_live(authorization: Authorization, family_id: str | None) -> tuple[str, list[str], str]:
    """Return the joins, the aliases to hold, and the conditions for what only some tokens hang on."""
    joins, locked, conditions = "", ["t", "c", "d"], ""
    if authorization.delegation.agent_id:
        joins += "JOIN agents_agent a ON a.id = d.agent_id AND a.tenant_id = t.id "
        locked.append("a")
        conditions += " AND a.status = 'active'"
    if authorization.delegation.member_id:
        joins += "JOIN tenants_membership m ON m.id = d.member_id AND m.tenant_id = t.id "
        joins += "JOIN tenants_user u ON u.id = m.user_id "
        locked += ["m", "u"]
        conditions += " AND m.status = 'active' AND u.is_active"
    if family_id is not None:
        joins += "JOIN tokens_refreshtoken f ON f.tenant_id = t.id "
        locked.append("f")
        conditions += " AND f.id = %s AND f.revoked IS NULL"
    return joins, locked, conditions
