"""The statement in which a token comes to exist.

It inserts the token's row only if, at that very moment, the tenant, the client, the delegation, the agent, the person
and the token family are alive and unchanged since they were read. PostgreSQL holds them with FOR SHARE until the
commit: whoever ends one of them waits for the mints in flight and stops all later ones. SQLite has one writer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import DataError

from audit import ledger
from kit import statements
from kit.statements import Statement, written_moment
from tokens.models import AccessToken
from tokens.values import Authorization

_TABLE = AccessToken._meta.db_table
_DIVISION_BY_ZERO = "22012"
_COLUMNS = (
    "id", "subject", "actor", "audience", "scope", "grant_type", "created", "expires", "digest", "kid",
    "tenant_id", "client_id", "delegation_id", "family_id", "parent_id",
)  # fmt: skip

# All that the delegation hangs on, held like the rest. A line that has fewer living members than it is long mints
# nothing; nor does one of which a member ends before the token does.
_LINE = (
    "WITH line AS (SELECT x.id FROM delegations_ancestry y "
    "JOIN delegations_delegation x ON x.id = y.ancestor_id "
    "JOIN agents_agent xa ON xa.id = x.agent_id JOIN agents_client xc ON xc.id = x.client_id "
    "WHERE y.delegation_id = %s AND x.ended_at IS NULL AND (x.expires_at IS NULL OR x.expires_at >= %s) "
    "AND xa.status = 'active' AND (xa.approved_until IS NULL OR xa.approved_until >= %s) AND xc.status = 'active' "
    # From the top down, as whoever narrows holds them (`delegations.lines`).
    "ORDER BY y.distance DESC"
)


@dataclass(frozen=True, slots=True)
class Minting:
    """All that one token writes: its row, its entry in the ledger, and what is used up for it.

    `parent_id` is the token that it was exchanged from, `digest` that of an opaque token's secret, `kid` the key that
    will sign. What `consumes` writes holds the family itself: a new one, or one that moves. `waited` is what the
    request waited under.
    """

    authorization: Authorization
    entry: ledger.Fields
    token_id: str
    family_id: str | None
    parent_id: str | None
    digest: str
    kid: str
    consumes: Sequence[Statement] = ()
    waited: Sequence[Statement] = ()


def insert(minting: Minting) -> bool:
    """Write all of it, or nothing: False where something it hangs on is over, was changed, or was used up before.

    PostgreSQL takes it as one statement, SQLite in the caller's transaction.
    """
    token = Statement(_text(minting), _values(minting))
    if statements.is_postgresql():
        return _at_once([*minting.waited, *minting.consumes, token], minting.entry)
    written = [*minting.waited, *minting.consumes, token, Statement(*ledger.insertion(minting.entry))]
    return all(statements.changed(*each) == 1 for each in written)


def _at_once(written: Sequence[Statement], entry: ledger.Fields) -> bool:
    """Write everything in one statement without a transaction around it.

    The division by the smallest count fails where one of them wrote no row, and takes the others back.
    """
    steps = [f"w{place} AS ({each.text} RETURNING 1)" for place, each in enumerate(written)]
    last = f"w{len(written) - 1}"
    recording, recorded = ledger.insertion(entry, of=last)
    counts = ", ".join(f"(SELECT count(*) FROM w{place})" for place in range(len(written)))
    text = f"WITH {', '.join(steps)}, recorded AS ({recording}) SELECT 1 / least({counts})"
    values = [value for each in written for value in each.values]
    try:
        statements.first(text, [*values, *recorded])
    except DataError as error:
        if getattr(error.__cause__, "sqlstate", "") != _DIVISION_BY_ZERO:
            raise
        return False
    return True


def _text(minting: Minting) -> str:
    joins, locked, conditions = _what_must_live(minting)
    depth = minting.authorization.delegation.depth
    statement = (
        f"INSERT INTO {_TABLE} ({', '.join(_COLUMNS)}) {_line() if depth else ''}"
        "SELECT %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, t.id, c.id, d.id, %s, %s FROM tenants_tenant t "
        f"JOIN agents_client c ON {_of_tenant('c')} "
        f"JOIN delegations_delegation d ON {_of_tenant('d')} AND d.client_id = c.id "
        f"{joins} WHERE t.id = %s AND t.version = %s AND t.status = 'active' "
        "AND c.id = %s AND c.version = %s AND c.status = 'active' "
        "AND d.id = %s AND d.version = %s AND d.ended_at IS NULL AND (d.expires_at IS NULL OR d.expires_at > %s)"
        f"{conditions}"
    )
    if depth:
        statement += " AND (SELECT count(*) FROM line) = %s"
    return f"{statement} FOR SHARE OF {', '.join(locked)}" if statements.is_postgresql() else statement


def _values(minting: Minting) -> list[object]:
    """Return the statement's values, in its order."""
    authorization, family_id, parent_id = minting.authorization, minting.family_id, minting.parent_id
    now, expires = written_moment(authorization.now), written_moment(authorization.expires_at)
    tenant, client, delegation = authorization.tenant, authorization.client, authorization.delegation
    return [
        *((delegation.pk, expires, expires) if delegation.depth else ()),
        minting.token_id, authorization.subject, authorization.actor.pk if authorization.actor else "",
        authorization.audience, authorization.scope, authorization.grant_type, now, expires, minting.digest,
        minting.kid, family_id, parent_id, tenant.pk, tenant.version, client.pk, client.version,
        delegation.pk, delegation.version, now,
        *((family_id,) if family_id and not minting.consumes else ()),
        *((parent_id,) if parent_id else ()),
        *((delegation.depth,) if delegation.depth else ()),
    ]  # fmt: skip


def _line() -> str:
    return f"{_LINE}{' FOR SHARE OF x, xa, xc' if statements.is_postgresql() else ''}) "


def _what_must_live(minting: Minting) -> tuple[str, list[str], str]:
    """Return the joins, the aliases to hold, and the conditions for what only some tokens hang on."""
    joins, locked, conditions, authorization = "", ["t", "c", "d"], "", minting.authorization
    if authorization.delegation.agent_id:
        joins += f"JOIN agents_agent a ON a.id = d.agent_id AND {_of_tenant('a')} "
        locked.append("a")
        conditions += " AND a.status = 'active'"
    if authorization.delegation.member_id:
        joins += f"JOIN tenants_membership m ON m.id = d.member_id AND {_of_tenant('m')} "
        joins += "JOIN tenants_user u ON u.id = m.user_id "
        locked += ["m", "u"]
        conditions += " AND m.status = 'active' AND u.is_active"
    if minting.family_id and not minting.consumes:
        joins += f"JOIN tokens_refreshtoken f ON {_of_tenant('f')} "
        locked.append("f")
        conditions += " AND f.id = %s AND f.revoked IS NULL"
    if minting.parent_id:
        joins += f"JOIN tokens_accesstoken p ON {_of_tenant('p')} "
        locked.append("p")
        conditions += " AND p.id = %s AND p.revoked_at IS NULL"
    return joins, locked, conditions


def _of_tenant(alias: str) -> str:
    """Return that a row is the tenant's, as no index serves it: each row is found by its key (`tenants.scoping`)."""
    return f"({alias}.tenant_id = t.id) IS TRUE"
