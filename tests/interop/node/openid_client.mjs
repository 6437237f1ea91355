// openid-client of the npm registry. Over loopback it has to be told that plain http is meant.

import * as openid from "openid-client";
import { answer } from "./lines.mjs";

const LOOPBACK = { execute: [openid.allowInsecureRequests] };

let config;
let sent;
let tokens;

// Nothing is chosen here but the way back: how it authenticates is settled between the client and the server.
async function register({ issuer, redirect }) {
  const metadata = {
    client_name: "Travel planner",
    redirect_uris: [redirect],
    grant_types: ["authorization_code", "refresh_token"],
  };
  config = await openid.dynamicClientRegistration(new URL(issuer), metadata, undefined, LOOPBACK);
  return config.clientMetadata();
}

async function discover({ issuer, id, key, secret }) {
  if (!key) {
    const proof = secret ? openid.ClientSecretBasic(secret) : openid.None();
    config = await openid.discovery(new URL(issuer), id, undefined, proof, LOOPBACK);
    return;
  }
  const { alg, kid, ...jwk } = key;
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const imported = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["sign"]);
  config = await openid.discovery(new URL(issuer), id, undefined, openid.PrivateKeyJwt({ key: imported, kid }), LOOPBACK);
}

async function authorize({ redirect, ...wanted }) {
  sent = { verifier: openid.randomPKCECodeVerifier(), state: openid.randomState(), nonce: openid.randomNonce() };
  const parameters = {
    ...wanted,
    redirect_uri: redirect,
    state: sent.state,
    code_challenge: await openid.calculatePKCECodeChallenge(sent.verifier),
    code_challenge_method: "S256",
  };
  sent.signIn = wanted.scope.split(" ").includes("openid");
  if (sent.signIn) parameters.nonce = sent.nonce;
  return { authorize: openid.buildAuthorizationUrl(config, parameters).href };
}

// State, `iss`, nonce and the ID token's claims are judged by the client; with the keys, its signature too.
async function back({ url }) {
  if (sent.signIn) openid.enableNonRepudiationChecks(config);
  tokens = await openid.authorizationCodeGrant(config, new URL(url), {
    pkceCodeVerifier: sent.verifier,
    expectedState: sent.state,
    ...(sent.signIn && { expectedNonce: sent.nonce, idTokenExpected: true }),
  });
  return { ...tokens, claims: tokens.claims() };
}

async function post({ url, body }) {
  const headers = new Headers({ "Content-Type": "application/json", Accept: "application/json, text/event-stream" });
  const { access_token } = tokens;
  const response = await openid.fetchProtectedResource(
    config,
    access_token,
    new URL(url),
    "POST",
    JSON.stringify(body),
    headers,
  );
  return response.json();
}

await answer({
  register,
  discover,
  authorize,
  back,
  post,
  refresh: async () => (tokens = await openid.refreshTokenGrant(config, tokens.refresh_token)),
  userinfo: ({ subject }) => openid.fetchUserInfo(config, tokens.access_token, subject),
  own: async (wanted) => (tokens = await openid.clientCredentialsGrant(config, wanted)),
  introspect: ({ token }) => openid.tokenIntrospection(config, token),
  revoke: ({ token }) => openid.tokenRevocation(config, token),
});
