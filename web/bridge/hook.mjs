// hook.js as an ES module: the same script, its one name exported.
import "./hook.js";

export const hook = /** @type {typeof Pagewire.hook} */ (globalThis.pagewire.hook);
export default hook;
