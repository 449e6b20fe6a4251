// Entry of the dedicated worker: one instance, driven by messages of the page.

import { detect } from "./detect.js";
import { plain, revived, typed } from "./errors.js";
import { fetched } from "./fetch.js";
import type { StartWorkers } from "./glue.js";
import { startHost, type Host } from "./host.js";
import type { Operation } from "./operations.js";
import type { Call, FromWorker, Spawned, ToWorker } from "./protocol.js";
import type { RuntimeOptions } from "./types.js";

declare const self: DedicatedWorkerGlobalScope;

let host: Promise<Host> | undefined;

/** Called with the page's answer to a request for threads. */
let spawned: ((answer: Spawned) => void) | undefined;

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if ("start" in data) void start(data.start);
  else if ("spawned" in data) spawned?.(data);
  else void answer(data);
};

async function start(options: RuntimeOptions): Promise<void> {
  host = startHost(options, {
    environment: detect("browser"),
    binary: async (name, assets) => {
      const location = new URL(name, assets ?? import.meta.url);
      return { bytes: await fetched(location), location: location.href };
    },
    startWorkers,
  });
  try {
    send({ call: 0, started: (await host).capabilities });
  } catch (error) {
    send({ call: 0, error: plain(typed(error)) });
  }
}

/** Has the page start threads, and then gives each of them its work. */
const startWorkers: StartWorkers = async (module, memory, builder) => {
  const { spawned: refused } = await new Promise<Spawned>((resolve) => {
    spawned = resolve;
    send({ spawn: { module, memory, receiver: builder.receiver() }, count: builder.numThreads() });
  });
  if (refused !== undefined) throw revived(refused);
  builder.build();
};

async function answer(request: Call<Operation>): Promise<void> {
  const { call, name, args, progress, cancel } = request;
  try {
    if (host === undefined) throw new Error("a call came before the start");
    const value = (await host).run(name, args, (at) => {
      if (progress) send({ call, progress: at });
      return cancel === undefined || Atomics.load(cancel, 0) === 0;
    });
    send({ call, value }, buffersOf(value));
  } catch (error) {
    send({ call, error: plain(typed(error)) });
  }
}

function send(message: FromWorker, transfer: Transferable[] = []): void {
  self.postMessage(message, transfer);
}

/** The buffers of typed arrays in a result: nobody here needs them any more. */
function buffersOf(value: unknown): Transferable[] {
  const values = Array.isArray(value) ? value : [value];
  return values.filter((one) => ArrayBuffer.isView(one)).map((view) => view.buffer as ArrayBuffer);
}
