// The generated JavaScript of the binaries, wrapped so that it can be instantiated more than once.

import type * as Mt from "../dist/mt.js";

/** One instance's exports. */
export type Glue = Pick<typeof Mt, "Engine" | "initSync"> & Partial<typeof Mt>;
export type Engine = Mt.Engine;
export type IdSet = Mt.IdSet;

/** What wasm-bindgen-rayon hands over to start its threads. */
export type PoolBuilder = Pick<Mt.wbg_rayon_PoolBuilder, "build" | "numThreads" | "receiver">;
export type StartWorkers = (
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  builder: PoolBuilder,
) => Promise<void>;

/** A module that the build makes of the generated one: `dist/engine-st.js` or `engine-mt.js`. */
export interface GlueModule {
  /** A fresh set of exports, not yet initialised. */
  instantiate(startWorkers: StartWorkers | undefined): Glue;
  /** Pages that a shared memory must have from the start. */
  initialPages: number;
}
