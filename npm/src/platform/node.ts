// Node: instances run in process, files come from the disk or over the network.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

import { choose, detect } from "../detect.js";
import { EcphoryError, shown } from "../errors.js";
import { fetched } from "../fetch.js";
import { startHost } from "../host.js";
import { LocalChannel } from "../local.js";
import type { Platform } from "../operations.js";

const environment = () => detect("node", "this package has no threads in Node");

export const platform: Platform = {
  start: async (options) => {
    const host = await startHost(options, {
      environment: environment(),
      binary: async (name, assets) => {
        const location = new URL(name, assets ?? import.meta.url);
        return { bytes: await read(location), location: location.href };
      },
    });
    return new LocalChannel(host);
  },
  read,
  capabilities: (options) => choose(options, environment()),
  base: () => pathToFileURL(`${process.cwd()}/`),
};

async function read(location: URL): Promise<Uint8Array> {
  if (location.protocol !== "file:") return fetched(location);
  try {
    return await readFile(location);
  } catch (error) {
    throw new EcphoryError("fetch-failed", `could not read ${shown(location)}: ${shown(error)}`);
  }
}
