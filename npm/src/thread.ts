// Entry of a pool thread: joins the shared instance and works until it is ended.

import { instantiate } from "./engine-mt.js";
import type { ThreadStart } from "./pool.js";

declare const self: DedicatedWorkerGlobalScope;

self.onmessage = ({ data }: MessageEvent<ThreadStart>) => {
  const { module, memory, receiver, deaths } = data;
  const instance = instantiate(undefined);
  instance.initSync({ module, memory });
  self.postMessage("started");
  try {
    instance.wbg_rayon_start_worker?.(receiver);
  } catch (error) {
    // The threads that wait for this one would wait for ever; only the page can end them.
    const channel = new BroadcastChannel(deaths);
    channel.postMessage(String(error));
    channel.close();
  }
};
