// Exposes one function on `link` for each thing that a page's function may do. `hub` is the hub's address.

const tab = crypto.randomUUID();

const nested = (depth) => depth ? [nested(depth - 1)] : [];
const ring = () => {
	const inner = [];
	inner.push(inner);
	return inner;
};
const never = () => new Promise(() => {});

/** What a function may answer with, by name. */
const values = {
	number: () => 42.5,
	zero: () => 0,
	"negative zero": () => -0,
	"large number": () => 2 ** 53,
	"huge number": () => 1e21,
	true: () => true,
	false: () => false,
	null: () => null,
	undefined: () => undefined,
	"not a number": () => NaN,
	infinity: () => -Infinity,
	bigint: () => 2n ** 64n,
	function: () => () => 1,
	symbol: () => Symbol("s"),
	date: () => new Date(0),
	"no date": () => new Date(NaN),
	"a Map": () => new Map([[1, 2]]),
	"a Set": () => new Set([1]),
	"empty text": () => "",
	text: () => "\0 \" \\ \n 你好 🦀 \u2028",
	"half a character": () => "\ud800",
	array: () => [1, [2, []]],
	"an object's order": () => ({ z: 1, a: { y: 2, b: 3 } }),
	"toJSON": () => ({ toJSON: () => "by itself" }),
	inner: () => ({ a: undefined, b: NaN, c: [undefined, () => 1], d: [1n], e: new Date(0), f: new Map() }),
	promise: () => Promise.resolve(Promise.resolve("kept")),
	thenable: () => ({ then: (resolve) => resolve("taken") }),
	"deep array": () => nested(1000),
	"5 MiB": () => "x".repeat(5 << 20),
	// Not these.
	"over the limit": () => "x".repeat(16 << 20),
	cycle: ring,
	"bytes in an object": () => ({ data: new Uint8Array(3) }),
	"bytes in an array": () => [new ArrayBuffer(3)],
	"a Blob in an object": () => ({ file: new Blob(["x"]) }),
	"a getter that throws": () => ({ get trap() { throw new RangeError("a trap"); } }),
};

/** What a function may answer with as bytes, by name. */
const bytes = {
	ArrayBuffer: () => Uint8Array.of(1, 2, 3).buffer,
	Uint8Array: () => Uint8Array.of(1, 2, 3),
	"a part of a buffer": () => Uint8Array.of(0, 1, 2, 3, 0).subarray(1, 4),
	Uint16Array: () => Uint16Array.of(0x0201, 0x0403),
	DataView: () => new DataView(Uint8Array.of(9, 1, 2, 3).buffer, 1),
	Blob: () => new Blob([Uint8Array.of(1, 2, 3)]),
	"a Blob with a type": () => new Blob([Uint8Array.of(1, 2, 3)], { type: "image/png" }),
	"a promise of bytes": () => Promise.resolve(Uint8Array.of(1, 2, 3)),
	"every byte": () => Uint8Array.from({ length: 256 }, (_, byte) => byte),
	"no byte": () => new ArrayBuffer(0),
};

/** What a function may throw, by name. */
const thrown = {
	TypeError: () => new TypeError("boom"),
	"an error of one's own": () => Object.assign(new Error("mine"), { name: "MyError" }),
	"an error without a message": () => new Error(),
	DOMException: () => new DOMException("not now", "InvalidStateError"),
	"an error with a code of the link": () => Object.assign(new Error("odd"), { code: -32601 }),
	text: () => "just text",
	number: () => 42,
	bigint: () => 7n,
	null: () => null,
	undefined: () => undefined,
	symbol: () => Symbol("s"),
	object: () => ({ why: "because" }),
	bytes: () => new Uint8Array(3),
	cycle: ring,
	"an object without a prototype": () => Object.assign(Object.create(null), { why: "bare" }),
	"a trap": () => ({ get message() { throw new Error("never seen"); } }),
	"a message that is no text": () => ({ message: { deep: 1 } }),
	"a message that cannot be text": () => ({ message: Object.create(null) }),
};

const functions = {
	add: (a, b) => a + b,
	trace() { return this.traceparent; },
	async addLater(a, b) {
		await new Promise(requestAnimationFrame);
		return a + b;
	},
	arguments: (...all) => all,
	value: (name) => values[name](),
	bytes: (name) => bytes[name](),
	throwNow(name) { throw thrown[name](); },
	async throwLater(name) {
		await null;
		throw thrown[name]();
	},
	throwBare() { throw new TypeError("bare"); },
	async throwBareLater() {
		await null;
		throw new TypeError("bare");
	},

	describe: (value) => ({
		kind: value?.constructor.name, length: value.length, sum: value.reduce((sum, byte) => sum + byte, 0),
	}),
	echo: (value) => value,

	async *count(n) {
		for (let i = 1; i <= n; i++) yield i;
	},
	*countAtOnce(n) {
		for (let i = 1; i <= n; i++) yield i;
	},
	async *countThenThrow(n) {
		yield* functions.count(n);
		throw new RangeError("enough");
	},
	async *chunks() {
		yield Uint8Array.of(1, 2, 3);
		yield new Blob(["{}"], { type: "text/x-odd" });
		yield "text";
		yield undefined;
	},
	async *nothing() {},
	async *countForever() {
		try {
			for (let i = 1; ; i++) yield i;
		} finally {
			report({ left: this.signal.reason?.name });
		}
	},

	async wait() {
		const { signal } = this;
		signal.onabort = () => report({ aborted: signal.reason.name, message: signal.reason.message });
		await report({ entered: this.id });
		return never();
	},

	expose(name, answer) { takeBack[answer] = link.expose(name, () => answer); },
	takeBack(answer) { takeBack[answer](); },

	reload() { setTimeout(() => location.reload()); },
	duplicate() { open(location.href); },
	tab: () => tab,
	said: () => said,
	close() { setTimeout(() => link.close()); },

	/** From now on the bridge comes back without a wait, and when it had time to, the page tells `rested`. */
	hurry() {
		const soon = setTimeout;
		globalThis.setTimeout = (fn) => soon(fn);
		link.on("close", async ({ code }) => {
			for (let i = 0; i < 20; i++) await fetch(hub + "/health");
			report({ rested: code });
		});
	},

	// What this page asks of the hub. What it gets is told as `{ value }` or `{ code, message, data }`.
	call: (...target) => told(link.call(...target)),
	callWithBytes: () => told(link.call("page/describe", Uint8Array.of(1, 2, 3))),
	callForBytes: () => told(link.call("page/bytes", "every byte").then(functions.describe)),
	collect: (name, ...args) => told((async () => {
		const all = [];
		for await (const value of link.call({ function: name, stream: true }, ...args)) all.push(value);
		return all;
	})()),
	leave: () => told((async () => {
		for await (const value of link.call({ function: "page/countForever", stream: true })) {
			if (value === 20) return value;
		}
	})()),
	abandon: () => told(link.call({ function: "page/wait", signal: abandoning.signal })),
	callTooLate: () => told(link.call({ function: "page/wait", signal: AbortSignal.abort(new Error("too late")) })),
	abandonNow() { abandoning.abort(new Error("changed my mind")); },
	async subscribe(topic, start) {
		const follower = (value, at) => report({ followed: { value: value ?? null, at } });
		return told(link.subscribe(topic, follower, start).then((end) => { unsubscribe = end; }));
	},
	unsubscribe() { unsubscribe(); },
	publish: (topic, value) => told(link.publish(topic, value)),
	publishBytes: (topic) => told(link.publish(topic, Uint8Array.of(1, 2, 3))),
};

const takeBack = {}, abandoning = new AbortController();
let unsubscribe;

const told = (promise) => promise.then(
	(value) => ({ value }),
	({ code, name, message, data }) => ({ code, name, message, data }),
);

const about = {
	add: { description: "Adds", params: { a: { type: "number" }, b: { type: "number" } } },
	nothing: { stream: true },
};
for (const [name, fn] of Object.entries(functions)) link.expose(name, fn, about[name]);
