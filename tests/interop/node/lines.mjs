// A client is driven line by line: {"do": "call", …} comes in, one JSON object goes out, and a refusal is an answer too.

import { createInterface } from "node:readline";

export async function answer(verbs) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { do: verb, ...words } = JSON.parse(line);
    process.stdout.write(`${JSON.stringify(await outcome(() => verbs[verb](words)))}\n`);
  }
}

async function outcome(act) {
  try {
    return (await act()) ?? {};
  } catch (refusal) {
    return { refused: refusal.error ?? refusal.errorCode ?? refusal.name, because: refusal.message };
  }
}

// A fetch that remembers what was asked for and what came of it.
export function witness(seen) {
  return async (url, init) => {
    const response = await fetch(url, init);
    seen.push([init?.method ?? "GET", new URL(url).pathname, response.status]);
    return response;
  };
}
