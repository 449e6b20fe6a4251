// What the build makes of the generated JavaScript.

export { initialPages, instantiate } from "./engine-mt.js";
