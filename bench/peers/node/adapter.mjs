// oidc-provider's storage in PostgreSQL: one table, JSON payloads, prepared statements, persistent connections.
import pg from "pg";

export const TABLE = `
  CREATE TABLE IF NOT EXISTS oidc_payload (
    kind text NOT NULL,
    id text NOT NULL,
    payload jsonb NOT NULL,
    grant_id text,
    uid text,
    user_code text,
    consumed_at timestamptz,
    expires_at timestamptz,
    PRIMARY KEY (kind, id)
  );
  CREATE INDEX IF NOT EXISTS oidc_payload_grant ON oidc_payload (grant_id) WHERE grant_id IS NOT NULL;
  CREATE INDEX IF NOT EXISTS oidc_payload_uid ON oidc_payload (uid) WHERE uid IS NOT NULL;
`;

const UPSERT = `
  INSERT INTO oidc_payload (kind, id, payload, grant_id, uid, user_code, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, now() + make_interval(secs => $7))
  ON CONFLICT (kind, id) DO UPDATE
  SET payload = excluded.payload, grant_id = excluded.grant_id, uid = excluded.uid,
      user_code = excluded.user_code, expires_at = excluded.expires_at`;
const LIVE = "SELECT payload, consumed_at FROM oidc_payload WHERE (expires_at IS NULL OR expires_at > now()) AND";
const STATEMENTS = {
  upsert: UPSERT,
  find: `${LIVE} kind = $1 AND id = $2`,
  findByUid: `${LIVE} kind = $1 AND uid = $2`,
  findByUserCode: `${LIVE} kind = $1 AND user_code = $2`,
  consume: "UPDATE oidc_payload SET consumed_at = now() WHERE kind = $1 AND id = $2",
  destroy: "DELETE FROM oidc_payload WHERE kind = $1 AND id = $2",
  revoke: "DELETE FROM oidc_payload WHERE kind = $1 AND grant_id = $2",
};

/** Return the class that oidc-provider makes one object of for each kind of payload. */
export function storedIn(pool) {
  return class PostgresAdapter {
    constructor(kind) {
      this.kind = kind;
    }

    run(name, values) {
      return pool.query({ name, text: STATEMENTS[name], values });
    }

    async one(name, value) {
      const { rows } = await this.run(name, [this.kind, value]);
      if (rows.length === 0) return undefined;
      const [{ payload, consumed_at: consumed }] = rows;
      return consumed ? { ...payload, consumed: Math.floor(consumed.getTime() / 1000) } : payload;
    }

    async upsert(id, payload, expiresIn) {
      const { grantId = null, uid = null, userCode = null } = payload;
      await this.run("upsert", [this.kind, id, payload, grantId, uid, userCode, expiresIn ?? null]);
    }

    find(id) {
      return this.one("find", id);
    }

    findByUid(uid) {
      return this.one("findByUid", uid);
    }

    findByUserCode(userCode) {
      return this.one("findByUserCode", userCode);
    }

    async consume(id) {
      await this.run("consume", [this.kind, id]);
    }

    async destroy(id) {
      await this.run("destroy", [this.kind, id]);
    }

    async revokeByGrantId(grantId) {
      await this.run("revoke", [this.kind, grantId]);
    }
  };
}

/** Return a pool with as many connections as the other servers have threads. */
export function connect(url) {
  return new pg.Pool({ connectionString: url, max: 8, idleTimeoutMillis: 0 });
}
