// Grants that the library lets one add: an exchange, and identity assertion grants in both roles, as small as they can be.
import { createPrivateKey, randomUUID } from "node:crypto";

import { SignJWT, createLocalJWKSet, jwtVerify } from "jose";
import { errors } from "oidc-provider";

import { BEARER, CALENDAR, ELSEWHERE, EXCHANGE, ISSUER, LIFE, TYPES, jwt } from "./provider.mjs";

const isOpen = ({ d, p, q, dp, dq, qi, ...open }) => open;

/**
 * A minimal exchange, which the library lets one add: check the JWT's signature, audience and life, and sign one for the
 * same person with one more actor. It asks no database whether anything behind the token still holds.
 */
function exchanging(provider, own) {
  return async (ctx) => {
    const { client, params } = ctx.oidc;
    const subject = (await jwtVerify(params.subject_token, own, { issuer: ISSUER, audience: CALENDAR, typ: "at+jwt" })).payload;
    const scope = params.scope ?? subject.scope;
    if (scope.split(" ").some((each) => !subject.scope.split(" ").includes(each))) throw new errors.InvalidScope("wider", scope);
    const token = new provider.AccessToken({ accountId: subject.sub, client, grantId: "none", scope, gty: EXCHANGE });
    token.resourceServer = new provider.ResourceServer(CALENDAR, jwt);
    token.extra = { act: { sub: client.clientId, ...(subject.act && { act: subject.act }) } };
    ctx.body = { access_token: await token.save(), issued_token_type: `${TYPES}access_token`, token_type: "Bearer", expires_in: LIFE, scope };
  };
}

/** A grant for another domain: the person is whoever our own ID token names, and RS256 signs as ours does. */
function issuing(state, own) {
  const key = createPrivateKey({ key: state.serverKeys[1], format: "jwk" });
  return async (ctx) => {
    const { client, params } = ctx.oidc;
    const subject = (await jwtVerify(params.subject_token, own, { issuer: ISSUER, audience: client.clientId })).payload;
    const claims = { client_id: "scout-there", resource: params.resource, scope: params.scope, act: { sub: client.clientId } };
    const made = new SignJWT(claims).setProtectedHeader({ typ: "oauth-id-jag+jwt", alg: "RS256", kid: "rsa" });
    made.setIssuer(ISSUER).setSubject(subject.sub).setAudience(params.audience).setJti(randomUUID()).setIssuedAt().setExpirationTime("5m");
    ctx.body = { access_token: await made.sign(key), issued_token_type: `${TYPES}id-jag`, token_type: "N_A", expires_in: LIFE };
  };
}

/** A grant of another domain, good once: the library's own store of what was seen keeps its `jti`. */
function redeeming(provider, state) {
  const theirs = createLocalJWKSet({ keys: [state.issuerKey.public] });
  return async (ctx) => {
    const { client, params } = ctx.oidc;
    const expected = { issuer: ELSEWHERE, audience: ISSUER, typ: "oauth-id-jag+jwt" };
    const { payload } = await jwtVerify(params.assertion, theirs, expected);
    if (payload.client_id !== client.clientId) throw new errors.InvalidGrant("client_id");
    const isNew = await provider.ReplayDetection.unique(payload.iss, payload.jti, payload.exp);
    if (!isNew) throw new errors.InvalidGrant("used");
    const token = new provider.AccessToken({ accountId: payload.sub, client, grantId: "none", scope: payload.scope, gty: BEARER });
    token.resourceServer = new provider.ResourceServer(CALENDAR, jwt);
    ctx.body = { access_token: await token.save(), token_type: "Bearer", expires_in: LIFE, scope: payload.scope };
  };
}

export function allowGrants(provider, state) {
  const own = createLocalJWKSet({ keys: state.serverKeys.map(isOpen) });
  const [exchange, issue] = [exchanging(provider, own), issuing(state, own)];
  const either = (ctx) => (ctx.oidc.params.requested_token_type === `${TYPES}id-jag` ? issue(ctx) : exchange(ctx));
  const named = ["subject_token", "subject_token_type", "requested_token_type", "audience", "resource", "scope"];
  provider.registerGrantType(EXCHANGE, either, named);
  provider.registerGrantType(BEARER, redeeming(provider, state), ["assertion", "scope"]);
}
