// `prepare.mjs <operation> <count> <file>`: write a request's head and one body a line, made with the provider's models.
import { createHash, createPrivateKey, randomBytes, randomUUID, sign } from "node:crypto";
import { writeFileSync } from "node:fs";

import { BEARER, ELSEWHERE, CALENDAR, EXCHANGE, ISSUER, OPAQUE, REDIRECT, SCOPES, TYPES, open } from "./provider.mjs";

const [operation, count, file] = [process.argv[2], Number(process.argv[3]), process.argv[4]];
const { provider, pool, state } = open();
const WANTED = "events:read";
const ACCOUNT = "alice";

const form = (fields) => new URLSearchParams(fields).toString();
const basic = (id) => `Authorization: Basic ${Buffer.from(`${id}:${state.secret}`).toString("base64")}`;
const post = (path, ...headers) => [`POST ${path}`, ...headers, "Content-Type: application/x-www-form-urlencoded"];
const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

async function grant(resource) {
  const made = new provider.Grant({ accountId: ACCOUNT, clientId: "scout" });
  made.addResourceScope(resource, SCOPES);
  return made.save();
}

async function many(make) {
  const made = [];
  for (let index = 0; index < count; index += 1) made.push(await make(index));
  return made;
}

async function codes() {
  const [client, grantId] = [await provider.Client.find("scout"), await grant(CALENDAR)];
  return many(async () => {
    const verifier = randomBytes(48).toString("base64url");
    const code = await new provider.AuthorizationCode({
      accountId: ACCOUNT,
      client,
      grantId,
      redirectUri: REDIRECT,
      scope: WANTED,
      resource: CALENDAR,
      codeChallenge: createHash("sha256").update(verifier).digest("base64url"),
      codeChallengeMethod: "S256",
      authTime: Math.floor(Date.now() / 1000),
      expiresWithSession: false,
    }).save();
    return form({ grant_type: "authorization_code", code, redirect_uri: REDIRECT, code_verifier: verifier, resource: CALENDAR });
  });
}

async function refreshTokens() {
  const [client, grantId] = [await provider.Client.find("scout"), await grant(CALENDAR)];
  return many(async () => {
    const token = await new provider.RefreshToken({
      accountId: ACCOUNT,
      client,
      grantId,
      scope: WANTED,
      resource: CALENDAR,
      authTime: Math.floor(Date.now() / 1000),
      expiresWithSession: false,
      gty: "authorization_code",
      iiat: Math.floor(Date.now() / 1000),
    }).save();
    return form({ grant_type: "refresh_token", refresh_token: token, resource: CALENDAR });
  });
}

async function opaqueToken() {
  const client = await provider.Client.find("scout");
  const token = new provider.AccessToken({ accountId: ACCOUNT, client, grantId: await grant(OPAQUE), scope: WANTED });
  token.resourceServer = new provider.ResourceServer(OPAQUE, { scope: SCOPES, audience: OPAQUE, accessTokenFormat: "opaque", accessTokenTTL: 300 });
  return [form({ token: await token.save(), token_type_hint: "access_token" })];
}

async function exchange() {
  const client = await provider.Client.find("scout");
  const token = new provider.AccessToken({ accountId: ACCOUNT, client, grantId: await grant(CALENDAR), scope: SCOPES });
  token.resourceServer = new provider.ResourceServer(CALENDAR, { scope: SCOPES, audience: CALENDAR, accessTokenFormat: "jwt", accessTokenTTL: 300, jwt: { sign: { alg: "ES256" } } });
  const subject = { subject_token: await token.save(), subject_token_type: `${TYPES}access_token` };
  return [form({ grant_type: EXCHANGE, ...subject })];
}

function assertions() {
  const key = createPrivateKey({ key: state.clientKey.private, format: "jwk" });
  const now = Math.floor(Date.now() / 1000);
  return many(() => {
    const claims = { iss: "keyholder", sub: "keyholder", aud: ISSUER, iat: now, exp: now + 240, jti: randomUUID() };
    const message = `${part({ alg: "ES256", typ: "JWT", kid: "client" })}.${part(claims)}`;
    const signature = sign("sha256", Buffer.from(message), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
    return form({
      grant_type: "client_credentials",
      resource: CALENDAR,
      scope: WANTED,
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: `${message}.${signature}`,
    });
  });
}

function signed(key, head, claims) {
  const message = `${part(head)}.${part(claims)}`;
  return `${message}.${sign("sha256", Buffer.from(message), key).toString("base64url")}`;
}

function toCross() {
  const key = createPrivateKey({ key: state.serverKeys[1], format: "jwk" });
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: ISSUER, sub: ACCOUNT, aud: "helper", iat: now, exp: now + 3600 };
  return [
    form({
      grant_type: EXCHANGE,
      requested_token_type: `${TYPES}id-jag`,
      audience: ELSEWHERE,
      resource: "https://api.elsewhere.example/mcp",
      scope: WANTED,
      subject_token: signed(key, { alg: "RS256", typ: "JWT", kid: "rsa" }, claims),
      subject_token_type: `${TYPES}id_token`,
    }),
  ];
}

function grants() {
  const key = createPrivateKey({ key: state.issuerKey.private, format: "jwk" });
  const now = Math.floor(Date.now() / 1000);
  const base = { iss: ELSEWHERE, sub: ACCOUNT, aud: ISSUER, client_id: "presenter", iat: now, exp: now + 300 };
  return many(() => {
    const claims = { ...base, jti: randomUUID(), resource: CALENDAR, scope: WANTED };
    return form({ grant_type: BEARER, assertion: signed(key, { alg: "RS256", typ: "oauth-id-jag+jwt", kid: "issuer" }, claims) });
  });
}

const own = (resource) => [form({ grant_type: "client_credentials", resource, scope: WANTED })];

const OPERATIONS = {
  secret: async () => [post("/token", basic("worker")), own(CALENDAR)],
  stored: async () => [post("/token", basic("worker")), own(OPAQUE)],
  assertion: async () => [post("/token"), await assertions()],
  code: async () => [post("/token", basic("scout")), await codes()],
  refresh: async () => [post("/token", basic("scout")), await refreshTokens()],
  introspection: async () => [post("/token/introspection", basic("reader")), await opaqueToken()],
  exchange: async () => [post("/token", basic("helper")), await exchange()],
  grant: async () => [post("/token", basic("helper")), toCross()],
  redemption: async () => [post("/token", basic("presenter")), await grants()],
  jwks: async () => [["GET /jwks"], [""]],
  discovery: async () => [["GET /.well-known/openid-configuration"], [""]],
};

const [head, bodies] = await OPERATIONS[operation]();
writeFileSync(file, `${head.join("\n")}\n\n${bodies.join("\n")}\n`, { mode: 0o600 });
await pool.end();
