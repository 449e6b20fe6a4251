// The suites under Node's test runner.

import { after, before, describe, test } from "node:test";

import { startServer } from "./server.mjs";

/** Registers the tests of `suites` for one configuration of the package as Node sees it. */
export async function register(label, suites, { binary, ...configuration }) {
  const ecphory = await import("../../dist/node.js");
  const expected = { binary, runtime: "node", threads: 1 };
  describe(label, () => {
    let server;
    before(async () => (server = await startServer(() => {})));
    after(() => server.close());
    for (const [name, run] of suites.flatMap(({ tests }) => Object.entries(tests))) {
      test(name, (t) => {
        const base = new URL("/plain/", server.origin);
        const note = (text) => t.diagnostic(text);
        return run({ ecphory, base, expected, note, ...configuration });
      });
    }
  });
}
