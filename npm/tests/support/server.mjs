// A static server on the loopback interface, with and without cross-origin isolation.
//
//   /isolated/…  and  /plain/…   the same files with and without the headers of isolation
//     dist/, tests/              the package
//     bits/                      files of the Rust test `bits`
//     html/                      an HTML page whatever is asked for
//     trap/, thread-trap/        binaries in which one function traps
//   POST /report?page=…          what a page has to say
//
// The benchmark serves folders of its own and answers further posts.

import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { createServer } from "node:http";
import { join, normalize, sep } from "node:path";

import { bits, root } from "./places.mjs";
import { memoryTraps, threadsTrap } from "./trap.mjs";

const TYPES = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".mjs": "text/javascript; charset=utf-8",
  ".wasm": "application/wasm",
  ".json": "application/json",
};
const ISOLATION = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
const HTML = "<!doctype html><title>Not here</title><p>A page for everything, as development servers have it.";

/** The tests' server; `onReport(page, report)` gets what pages post. */
export async function startServer(onReport) {
  const directories = {
    dist: join(root, "dist"),
    tests: join(root, "tests"),
    bits,
    trap: await memoryTraps(),
    "thread-trap": await threadsTrap(),
  };
  return serve(directories, { "/report": onReport });
}

/**
 * Serves `directories` by name. `posts` has a function by path, which gets the page's name and what
 * it posted; what it returns, if anything, is the answer. `onMissing(path)` is told of what is not there.
 */
export async function serve(directories, posts, onMissing = () => {}) {
  const server = createServer((request, response) => {
    answer(request, response, directories, posts, onMissing).catch((error) => {
      response.writeHead(500).end(String(error));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

async function answer(request, response, directories, posts, onMissing) {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  if (request.method === "POST" && Object.hasOwn(posts, pathname)) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const text = Buffer.concat(parts).toString();
    const value = await posts[pathname](searchParams.get("page"), text === "" ? undefined : JSON.parse(text));
    if (value === undefined) response.writeHead(204).end();
    else response.writeHead(200, { "Content-Type": TYPES[".json"] }).end(JSON.stringify(value));
    return;
  }
  const [, mode, directory, ...rest] = decodeURIComponent(pathname).split("/");
  const headers = { "Cache-Control": "no-store", ...(mode === "isolated" ? ISOLATION : {}) };
  if (directory === "html") {
    response.writeHead(200, { ...headers, "Content-Type": TYPES[".html"] }).end(HTML);
    return;
  }
  const base = directories[directory];
  const path = base && normalize(join(base, ...rest));
  const file = path?.startsWith(base + sep) ? await stat(path).catch(() => undefined) : undefined;
  if (!file?.isFile()) {
    onMissing(pathname);
    response.writeHead(404, headers).end();
    return;
  }
  const type = TYPES[path.slice(path.lastIndexOf("."))] ?? "application/octet-stream";
  response.writeHead(200, { ...headers, "Content-Type": type, "Content-Length": file.size });
  createReadStream(path).pipe(response);
}
