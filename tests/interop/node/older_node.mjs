// The conformance package imports `globSync` of node 22's file system; where it is missing, it gets one that nobody
// calls: the scenarios for authorization servers do not read files. Loaded before it: node --import ./older_node.mjs

import fs from "node:fs";
import { register } from "node:module";

const fuller = 'export * from "node:fs"; export { default } from "node:fs"; export const globSync = undefined;';
const hook = `export const resolve = (name, context, next) =>
  name === "fs" && context.parentURL.includes("/@modelcontextprotocol/conformance/")
    ? { url: ${JSON.stringify(`data:text/javascript,${encodeURIComponent(fuller)}`)}, shortCircuit: true }
    : next(name, context);`;

if (!fs.globSync) register(`data:text/javascript,${encodeURIComponent(hook)}`);
