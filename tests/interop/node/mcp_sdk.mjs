// The MCP TypeScript SDK. What is ours: where tokens are kept, and how a person comes to see the authorization URL.

import { randomUUID } from "node:crypto";
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import {
  ClientCredentialsProvider,
  PrivateKeyJwtProvider,
  createPrivateKeyJwtAuth,
} from "@modelcontextprotocol/sdk/client/auth-extensions.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { answer, witness } from "./lines.mjs";

const seen = [];
let server;
let provider;
let waiting;

class Keeping {
  kept = {};

  constructor({ redirect, grants, method, document, key }) {
    this.redirectUrl = redirect;
    this.clientMetadataUrl = document;
    this.clientMetadata = {
      client_name: "Travel planner",
      redirect_uris: [redirect],
      grant_types: grants,
      token_endpoint_auth_method: method,
    };
    if (key) {
      const signing = { issuer: document, subject: document, privateKey: key, alg: "ES256" };
      this.addClientAuthentication = createPrivateKeyJwtAuth(signing);
    }
  }

  state = () => (this.kept.state = randomUUID());
  clientInformation = () => this.kept.client;
  saveClientInformation = (client) => void (this.kept.client = client);
  tokens = () => this.kept.tokens;
  saveTokens = (tokens) => void (this.kept.tokens = tokens);
  codeVerifier = () => this.kept.verifier;
  saveCodeVerifier = (verifier) => void (this.kept.verifier = verifier);
  redirectToAuthorization = (url) => void (this.kept.asked = url.href);
  invalidateCredentials = (what) => {
    if (what === "all" || what === "client") delete this.kept.client;
    if (what === "all" || what === "tokens") delete this.kept.tokens;
  };
}

async function call({ tool, arguments: given = {} }) {
  const client = new Client({ name: "travel-planner", version: "1" });
  waiting = new StreamableHTTPClientTransport(server, { authProvider: provider, fetch: witness(seen) });
  try {
    await client.connect(waiting);
    const { content, isError } = await client.callTool({ name: tool, arguments: given });
    const said = content.map((part) => part.text).join(" ");
    return isError ? { refused: "tool", because: said } : { said };
  } catch (refusal) {
    if (!(refusal instanceof UnauthorizedError)) throw refusal;
    return { authorize: provider.kept.asked };
  } finally {
    await client.close();
  }
}

async function back({ url }) {
  const parameters = new URL(url).searchParams;
  if (parameters.get("state") !== provider.kept.state) throw new Error("another state");
  await waiting.finishAuth(parameters.get("code"));
}

await answer({
  // A person's agent; with a document it has an id already, and with a key it proves itself.
  person: (words) => {
    server = new URL(words.server);
    provider = new Keeping(words);
  },
  // An agent for itself, by its secret or by its key.
  machine: ({ server: url, id, secret, key, issuer, scope }) => {
    server = new URL(url);
    const known = { clientId: id, expectedIssuer: issuer, scope };
    provider = key
      ? new PrivateKeyJwtProvider({ ...known, privateKey: key, algorithm: "ES256" })
      : new ClientCredentialsProvider({ ...known, clientSecret: secret });
  },
  call,
  back,
  tokens: () => provider.tokens(),
  // As it will be in some minutes: the SDK looks at no clock, it tries and is told 401.
  expire: () => provider.saveTokens({ ...provider.tokens(), access_token: "over" }),
  seen: () => ({ seen: seen.splice(0) }),
});
