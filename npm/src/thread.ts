// Entry of a pool thread: joins the shared instance and works until it is ended.

import { instantiate } from "./engine-mt.js";
import type { FromThread, ThreadStart } from "./threads.js";

declare const self: DedicatedWorkerGlobalScope;

self.onmessage = ({ data }: MessageEvent<ThreadStart>) => {
  const { module, memory, receiver } = data;
  const instance = instantiate(undefined);
  instance.initSync({ module, memory });
  say({ started: true });
  try {
    instance.wbg_rayon_start_worker?.(receiver);
  } catch (error) {
    // Those that wait for this thread would wait for ever; only the page can end them.
    say({ died: String(error) });
  }
};

function say(message: FromThread): void {
  self.postMessage(message);
}
