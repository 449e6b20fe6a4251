// The error type of the package: one class, told apart by a stable `code`.

/**
 * What a call refused, and how to make it acceptable.
 *
 * `code` is stable across releases. Codes of the core, such as `dimension-mismatch`, `duplicate-key`
 * or `overloaded`, are the same in Rust; those of this package are:
 *
 * | code | meaning |
 * |---|---|
 * | `invalid-id` | an id is not a whole number in 0..=2^53 - 1 |
 * | `invalid-argument` | a value of the wrong kind, such as text where a vector belongs |
 * | `unknown-name` | a metric, or kind of codes or rows, that does not exist |
 * | `closed` | the index, or a set of ids, was closed before the call |
 * | `fetch-failed` | a file could not be read |
 * | `not-wasm` | the address of a binary yields something else, often an HTML page |
 * | `unsupported` | the engine cannot run the binary that was asked for |
 * | `instance-dead` | the WebAssembly instance stopped; its indexes are lost |
 */
export class EcphoryError extends Error {
  /** Stable name of what happened. */
  readonly code: string;
  /** What to do about it, where the message does not say so already. */
  readonly hint?: string;

  constructor(code: string, message: string, hint?: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "EcphoryError";
    this.code = code;
    if (hint !== undefined) this.hint = hint;
  }
}

/** Letters of a value that a message quotes. */
const QUOTED_MAX = 200;

/** A value as messages name it: short, whatever it is. */
export function shown(value: unknown): string {
  if (typeof value === "function") return "a function";
  const hasText = typeof value !== "object" || value === null || value instanceof URL || value instanceof Error;
  const text = hasText ? String(value) : "an object";
  return text.length > QUOTED_MAX ? `${text.slice(0, QUOTED_MAX)}…` : text;
}

/** An error as it crosses between threads. */
export interface PlainError {
  code: string;
  message: string;
  hint?: string;
}

/** The error that stands for `thrown`: its own, a typed one of the engine, or a dead instance. */
export function typed(thrown: unknown): EcphoryError {
  if (thrown instanceof EcphoryError) return thrown;
  if (thrown instanceof Error) {
    const code = (thrown as { code?: unknown }).code;
    if (typeof code === "string") return new EcphoryError(code, thrown.message);
  }
  return dead(String(thrown));
}

/** The instance stopped in the middle of something, so that nothing in it can be trusted. */
export function dead(cause: string): EcphoryError {
  return new EcphoryError(
    "instance-dead",
    `the WebAssembly instance stopped (${cause}) and its indexes are lost`,
    "create or load an index anew: it gets a new instance",
  );
}

export function plain({ code, message, hint }: EcphoryError): PlainError {
  return hint === undefined ? { code, message } : { code, message, hint };
}

export function revived({ code, message, hint }: PlainError): EcphoryError {
  return new EcphoryError(code, message, hint);
}
