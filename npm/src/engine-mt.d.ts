// What the build makes of the generated JavaScript.

import type { GlueModule } from "./glue.js";

export const instantiate: GlueModule["instantiate"];
export const initialPages: GlueModule["initialPages"];
