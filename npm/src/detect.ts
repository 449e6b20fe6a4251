// What this engine can do, and which binary follows from it.

import { EcphoryError } from "./errors.js";
import type { Binary, Capabilities, RuntimeOptions } from "./types.js";

/** What is known of the engine before anything is started. */
export interface Environment {
  runtime: Capabilities["runtime"];
  simd: boolean;
  relaxedSimd: boolean;
  /** Why there can be no threads, or `undefined` where there can. */
  threadsRefused: string | undefined;
  /** Logical processors. */
  processors: number;
}

/** Threads that are started unless the caller says how many: beyond, memory is the limit. */
const THREADS_DEFAULT_MAX = 16;

const PREAMBLE = [0, 97, 115, 109, 1, 0, 0, 0];
/** The type `() -> v128` and one function of it. */
const ONE_FUNCTION = [1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0];
/** `i8x16.splat (i32.const 0)` */
const SPLAT = [65, 0, 253, 15];

const SIMD = moduleWith([...SPLAT]);
/** `i32x4.relaxed_dot_i8x16_i7x16_add_s`: the instruction that the relaxed binaries are for. */
const RELAXED_SIMD = moduleWith([...SPLAT, ...SPLAT, ...SPLAT, 253, 147, 2]);

function moduleWith(instructions: number[]): Uint8Array<ArrayBuffer> {
  const body = [0, ...instructions, 11];
  return Uint8Array.from([...PREAMBLE, ...ONE_FUNCTION, 10, body.length + 2, 1, body.length, ...body]);
}

/** Looks at the engine; `threadsRefused` is for a runtime that rules them out itself. */
export function detect(runtime: Capabilities["runtime"], threadsRefused?: string): Environment {
  return {
    runtime,
    simd: WebAssembly.validate(SIMD),
    relaxedSimd: WebAssembly.validate(RELAXED_SIMD),
    threadsRefused: threadsRefused ?? webThreadsRefused(),
    processors: globalThis.navigator?.hardwareConcurrency ?? 1,
  };
}

function webThreadsRefused(): string | undefined {
  if (typeof Worker === "undefined") return "there are no web workers here";
  if (globalThis.crossOriginIsolated !== true) {
    return (
      "the page is not cross-origin isolated; serve it with " +
      "Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp"
    );
  }
  if (typeof SharedArrayBuffer === "undefined") return "there is no SharedArrayBuffer here";
  try {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    if (!(memory.buffer instanceof SharedArrayBuffer)) return "WebAssembly memory is not shared";
    // Some engines create such a memory and then cannot give it to a worker.
    const { port1 } = new MessageChannel();
    port1.postMessage(memory);
    port1.close();
  } catch (error) {
    return `WebAssembly memory cannot be shared with workers (${String(error)})`;
  }
  return undefined;
}

/** What `options` lead to in this environment. */
export function choose(options: RuntimeOptions, environment: Environment): Capabilities {
  const { runtime, simd, relaxedSimd } = environment;
  if (!simd) {
    throw new EcphoryError(
      "unsupported",
      "this engine has no WebAssembly vector instructions",
      "use an engine released since 2023",
    );
  }
  const { binary: forced } = options;
  if (forced !== undefined) requireSupport(forced, environment);
  const reason = forced?.startsWith("st-")
    ? `the binary ${forced} was asked for`
    : withoutThreads(options, environment);
  const vectors = relaxedSimd ? "relaxed" : "simd128";
  const chosen = { runtime, simd, relaxedSimd };
  if (reason !== undefined) {
    const binary = forced ?? (`st-${vectors}` as const);
    return { ...chosen, threads: 1, threadsReason: reason, binary, sharedMemory: false };
  }
  const threads = Number(options.threads ?? Math.min(environment.processors, THREADS_DEFAULT_MAX));
  return { ...chosen, threads, binary: forced ?? `mt-${vectors}`, sharedMemory: true };
}

/** Why the instance will have no threads, or `undefined` where it will. */
function withoutThreads(options: RuntimeOptions, environment: Environment): string | undefined {
  const { threads, binary } = options;
  if (threads === false) return "the option threads is false";
  if (environment.threadsRefused !== undefined) return environment.threadsRefused;
  // A pool of one thread costs and gives nothing, unless it was asked for.
  const wanted = threads !== undefined || binary !== undefined;
  return environment.processors < 2 && !wanted ? "there is one processor" : undefined;
}

function requireSupport(binary: Binary, environment: Environment): void {
  const known: Binary[] = ["st-simd128", "st-relaxed", "mt-simd128", "mt-relaxed"];
  if (!known.includes(binary)) {
    throw new EcphoryError("unknown-name", `there is no binary ${String(binary)}; use ${known.join(", ")}`);
  }
  if (binary.endsWith("relaxed") && !environment.relaxedSimd) {
    throw new EcphoryError("unsupported", `${binary} needs relaxed vector instructions, which this engine lacks`);
  }
  if (binary.startsWith("mt-") && environment.threadsRefused !== undefined) {
    throw new EcphoryError("unsupported", `${binary} needs threads, but ${environment.threadsRefused}`);
  }
}
