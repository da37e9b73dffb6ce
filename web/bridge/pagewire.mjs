// Pagewire as an ES module: the same script, its two names exported. It knows by its own address which hub served it.
import "./pagewire.js";

const { connect: connectTo, version } = globalThis.pagewire;
const home = /^(http.+)\/bridge\/pagewire\.mjs/.exec(import.meta.url)?.[1];

/** @type {typeof connectTo} */
export const connect = (options) => connectTo({ ...options, url: options.url ?? home });
export { version };
export default { connect, version };
