// Shared memory of a threaded instance: as large as the engine grants.

const PAGE = 65_536;
/** 4 GiB, 1 GiB, 512 MiB and 256 MiB: some engines refuse the larger ones. */
const PAGES_MAX = [65_536, 16_384, 8_192, 4_096];

type Memory = typeof WebAssembly.Memory;

/**
 * A shared memory of at least `initial` pages with the largest maximum that the engine accepts, and
 * that maximum in bytes; `undefined` where it accepts none.
 */
export function sharedMemory(
  initial: number,
  Memory: Memory = WebAssembly.Memory,
): { memory: WebAssembly.Memory; bytesMax: number } | undefined {
  for (const maximum of PAGES_MAX) {
    try {
      const memory = new Memory({ initial, maximum, shared: true });
      return { memory, bytesMax: maximum * PAGE };
    } catch {
      // Refused: the next one is smaller.
    }
  }
  return undefined;
}
