// Builds dist/ from src/ and from the glue that `cargo xtask npm` has put there.
//
//   dist/{st,mt}.js    generated glue, one instance each  ──►  dist/engine-{st,mt}.js
//   src/*.ts                                              ──►  dist/{index,node,worker,thread}.js
//                                                              dist/types/

import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const root = dirname(fileURLToPath(import.meta.url));
const common = { absWorkingDir: root, bundle: true, target: "es2022", logLevel: "warning" };

/** The glue's import of the script that starts threads becomes a parameter. */
const startWorkersFromOutside = {
  name: "start-workers-from-outside",
  setup(build) {
    build.onLoad({ filter: /rayon-workers\.js$/ }, () => ({
      contents: "export const startWorkers = (...all) => ecphoryStartWorkers(...all);",
    }));
  },
};

/**
 * Wraps generated glue in a function: the glue keeps its instance in variables of its module, and
 * a module exists once, while a page may need a second binary or a fresh instance after a trap.
 */
async function engine(threads) {
  const source = `dist/${threads}.js`;
  const { outputFiles } = await esbuild.build({
    ...common,
    entryPoints: [source],
    format: "iife",
    minify: true,
    globalName: "glue",
    write: false,
    define: { "import.meta.url": '""' },
    plugins: [startWorkersFromOutside],
  });
  const initialPages = /Memory\(\{\s*initial:\s*(\d+)/.exec(await readFile(`${root}/${source}`, "utf8"))?.[1];
  const text = `export const initialPages=${initialPages ?? 0};
export function instantiate(ecphoryStartWorkers){${outputFiles[0].text}return glue}
`;
  if (threads === "mt" && initialPages === undefined) throw new Error(`${source} names no memory`);
  await writeFile(`${root}/dist/engine-${threads}.js`, text);
}

function entry(source, output, platform) {
  return esbuild.build({
    ...common,
    entryPoints: [source],
    outfile: output,
    format: "esm",
    platform: platform === "node" ? "node" : "browser",
    // Where nobody downloads, names stay, for stack traces, and the layout.
    minify: platform === "web",
    alias: { "ecphory-platform": `./src/platform/${platform}.ts` },
    // Loaded when they are needed, and shared between entries.
    external: ["./engine-st.js", "./engine-mt.js"],
  });
}

await Promise.all(["st", "mt"].map(engine));
await Promise.all([
  entry("src/index.ts", "dist/index.js", "web"),
  entry("src/index.ts", "dist/node.js", "node"),
  entry("src/worker.ts", "dist/worker.js", "web"),
  entry("src/thread.ts", "dist/thread.js", "web"),
]);
execFileSync(`${root}/node_modules/.bin/tsc`, ["--project", root], { stdio: "inherit", cwd: root });
