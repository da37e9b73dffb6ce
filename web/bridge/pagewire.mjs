// Pagewire as an ES module: the same script, its two names exported.
import "./pagewire.js";

export const { connect, version } = globalThis.pagewire;
export default { connect, version };
