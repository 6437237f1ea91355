// The provider as `make bench` measures it: audience-bound ES256 JWTs, PKCE S256, rotating refresh tokens.
import { readFileSync } from "node:fs";
import { join } from "node:path";

import { Provider } from "oidc-provider";

import { connect, storedIn } from "./adapter.mjs";
import { allowGrants } from "./grants.mjs";

export const STATE = join(process.env.BENCH_FOLDER, "node-state.json");
export const ISSUER = `http://127.0.0.1:${process.env.BENCH_PORT}`;
export const CALENDAR = "https://calendar.example/mcp";
export const OPAQUE = "https://opaque.example/mcp";
export const REDIRECT = "https://agent.example/callback";
export const SCOPES = "events:read events:write";
export const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
export const BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
export const ELSEWHERE = "https://login.elsewhere.example";
export const TYPES = "urn:ietf:params:oauth:token-type:";
export const LIFE = 300;

export const jwt = { scope: SCOPES, audience: CALENDAR, accessTokenTTL: LIFE, accessTokenFormat: "jwt", jwt: { sign: { alg: "ES256" } } };
const opaque = { scope: SCOPES, audience: OPAQUE, accessTokenTTL: LIFE, accessTokenFormat: "opaque" };

function clients(state) {
  const common = { redirect_uris: [], response_types: [], scope: SCOPES };
  const secret = { ...common, client_secret: state.secret, token_endpoint_auth_method: "client_secret_basic" };
  const person = { redirect_uris: [REDIRECT], response_types: ["code"], grant_types: ["authorization_code", "refresh_token"] };
  return [
    { ...secret, client_id: "worker", grant_types: ["client_credentials"] },
    { ...secret, client_id: "reader", grant_types: ["client_credentials"] },
    { ...secret, client_id: "helper", grant_types: [EXCHANGE] },
    { ...secret, client_id: "presenter", grant_types: [BEARER] },
    { ...secret, ...person, client_id: "scout" },
    {
      ...common,
      client_id: "keyholder",
      grant_types: ["client_credentials"],
      token_endpoint_auth_method: "private_key_jwt",
      token_endpoint_auth_signing_alg: "ES256",
      jwks: { keys: [state.clientKey.public] },
    },
  ];
}

/** Return the provider, the pool behind it, and what the set-up step left. */
export function open() {
  const state = JSON.parse(readFileSync(STATE, "utf8"));
  const pool = connect(process.env.BENCH_DATABASE_URL);
  const provider = new Provider(ISSUER, {
    adapter: storedIn(pool),
    clients: clients(state),
    jwks: { keys: state.serverKeys },
    scopes: SCOPES.split(" "),
    pkce: { required: () => true },
    cookies: { keys: [state.secret] },
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    rotateRefreshToken: true,
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed("refresh_token"),
    // A token hangs on its grant, as ours hangs on its delegation, and not on the browser's session.
    expiresWithSession: () => false,
    ttl: { AccessToken: LIFE, ClientCredentials: LIFE, AuthorizationCode: 600, RefreshToken: 30 * 86400, Grant: 30 * 86400 },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, resource) => (resource === OPAQUE ? opaque : jwt),
        useGrantedResource: () => true,
      },
    },
  });
  allowGrants(provider, state);
  return { provider, pool, state };
}
