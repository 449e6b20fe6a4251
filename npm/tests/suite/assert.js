// Assertions that run in every engine.

export function ok(value, what) {
  if (!value) throw new Error(`expected ${what}`);
}

export function equal(got, expected, what = "value") {
  const [a, b] = [JSON.stringify(got), JSON.stringify(expected)];
  if (a !== b) throw new Error(`${what}: got ${a}, expected ${b}`);
}

/** Equal typed arrays of one kind, bit by bit. */
export function sameBits(got, expected, what) {
  equal([got.constructor.name, got.length], [expected.constructor.name, expected.length], what);
  const [a, b] = [got, expected].map((array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength));
  const at = a.findIndex((byte, index) => byte !== b[index]);
  if (at >= 0) throw new Error(`${what}: byte ${at} is ${a[at]}, expected ${b[at]}`);
}

/** The rejection of `call` with an `EcphoryError` of this code and a message that says something. */
export async function refused(ecphory, code, call) {
  let result;
  try {
    result = await call();
  } catch (error) {
    if (!(error instanceof ecphory.EcphoryError)) throw error;
    equal(error.code, code, `code of "${error.message}"`);
    ok(error.message.length > 10, "a message");
    return error;
  }
  throw new Error(`expected ${code}, got ${JSON.stringify(result)}`);
}
