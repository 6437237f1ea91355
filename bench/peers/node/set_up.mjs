// Once a run: the table, the keys, one secret for every client.
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";

import { TABLE, connect } from "./adapter.mjs";
import { STATE } from "./provider.mjs";

function key(type, options, members) {
  const { privateKey, publicKey } = generateKeyPairSync(type, options);
  return {
    private: { ...privateKey.export({ format: "jwk" }), ...members },
    public: { ...publicKey.export({ format: "jwk" }), ...members },
  };
}

const elliptic = (kid) => key("ec", { namedCurve: "P-256" }, { kid, alg: "ES256", use: "sig" });

const state = {
  secret: randomBytes(32).toString("base64url"),
  clientKey: elliptic("client"),
  issuerKey: key("rsa", { modulusLength: 2048 }, { kid: "issuer", alg: "RS256", use: "sig" }),
  serverKeys: [elliptic("server").private, key("rsa", { modulusLength: 2048 }, { kid: "rsa", alg: "RS256", use: "sig" }).private],
};
writeFileSync(STATE, JSON.stringify(state), { mode: 0o600 });

const pool = connect(process.env.BENCH_DATABASE_URL);
await pool.query(TABLE);
await pool.end();
