// oauth4webapi of the npm registry: each step of the protocol by itself, each answer judged by the library.

import * as oauth from "oauth4webapi";
import { answer } from "./lines.mjs";

const LOOPBACK = { [oauth.allowInsecureRequests]: true };

let server;
let client;
let proof;
let sent;
let tokens;

async function discover({ issuer }) {
  const found = await oauth.discoveryRequest(new URL(issuer), { ...LOOPBACK, algorithm: "oauth2" });
  server = await oauth.processDiscoveryResponse(new URL(issuer), found);
}

// A client that is known already, by whatever way.
async function know({ issuer, id, secret }) {
  await discover({ issuer });
  client = { client_id: id };
  proof = secret ? oauth.ClientSecretBasic(secret) : oauth.None();
}

async function register({ issuer, redirect }) {
  await discover({ issuer });
  const metadata = { client_name: "Travel planner", redirect_uris: [redirect], token_endpoint_auth_method: "none" };
  metadata.grant_types = ["authorization_code", "refresh_token"];
  client = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(server, metadata, LOOPBACK),
  );
  proof = oauth.None();
  return { id: client.client_id };
}

async function authorize({ redirect, ...wanted }) {
  sent = { redirect, verifier: oauth.generateRandomCodeVerifier(), state: oauth.generateRandomState() };
  const url = new URL(server.authorization_endpoint);
  url.search = new URLSearchParams({
    ...wanted,
    client_id: client.client_id,
    redirect_uri: redirect,
    response_type: "code",
    state: sent.state,
    code_challenge: await oauth.calculatePKCECodeChallenge(sent.verifier),
    code_challenge_method: "S256",
  });
  return { authorize: url.href };
}

async function back({ url }) {
  const parameters = oauth.validateAuthResponse(server, client, new URL(url), sent.state);
  const { redirect, verifier } = sent;
  tokens = await oauth.processAuthorizationCodeResponse(
    server,
    client,
    await oauth.authorizationCodeGrantRequest(server, client, proof, parameters, redirect, verifier, LOOPBACK),
  );
  return tokens;
}

async function refresh() {
  const { refresh_token: held } = tokens;
  const response = await oauth.refreshTokenGrantRequest(server, client, proof, held, LOOPBACK);
  return (tokens = await oauth.processRefreshTokenResponse(server, client, response));
}

// What a resource server that uses the library makes of the token (RFC 9068 §4).
function judge({ audience }) {
  const request = new Request(audience, { headers: { Authorization: `Bearer ${tokens.access_token}` } });
  return oauth.validateJwtAccessToken(server, request, audience, LOOPBACK);
}

await answer({ know, register, authorize, back, refresh, judge });
