import { createServer } from "node:http";

import { open } from "./provider.mjs";

const { provider } = open();
provider.on("server_error", (_ctx, error) => console.error(error));
createServer(provider.callback()).listen(Number(process.env.BENCH_PORT), "127.0.0.1");
