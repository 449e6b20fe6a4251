// The generated JavaScript, loaded when it is needed.

import type { GlueModule } from "./glue.js";

export const engines: Record<"st" | "mt", () => Promise<GlueModule>> = {
  st: () => import("./engine-st.js"),
  mt: () => import("./engine-mt.js"),
};
