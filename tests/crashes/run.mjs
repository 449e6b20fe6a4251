// Runs the crashes of a store on a disk that is made up, as 32-bit WebAssembly.
// node run.mjs MODULE IMAGES

import { readFile } from "node:fs/promises";

const [path, images] = process.argv.slice(2);
const { instance } = await WebAssembly.instantiate(await readFile(path), {});
const { crashes, said, memory } = instance.exports;
const halves = (value) => [Number(value & 0xffffffffn), Number((value >> 32n) & 0xffffffffn)];
const start = performance.now();
try {
  const [opened, again] = halves(crashes(Number(images)));
  const seconds = (performance.now() - start) / 1000;
  console.log(JSON.stringify({ images: opened, again, seconds }));
  console.log(`${opened >= Number(images) ? 1 : 0} passed, ${opened >= Number(images) ? 0 : 1} failed`);
} catch (error) {
  const [at, length] = halves(said());
  console.log(new TextDecoder().decode(new Uint8Array(memory.buffer, at, length)));
  console.log(String(error));
  console.log("0 passed, 1 failed");
  process.exitCode = 1;
}
