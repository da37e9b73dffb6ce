// The page side of Pagewire: sets globalThis.pagewire. API: types.d.ts. Wire: docs/protocol.md.
//
// Values are as JSON.stringify has them (Date: text; NaN: null; Map: {}), but a BigInt is text. As the
// whole value, undefined, a function or a symbol is null, and an ArrayBuffer, a view of one or a Blob
// is bytes, which arrive as Uint8Array. Bytes elsewhere and cycles are a TypeError.
(() => {
"use strict";

const version = "0.1.0";
const PAGE_ERROR = -32000, PAGE_GONE = -32003, TOO_LARGE = -32007, NOT_FOUND = -32601;
const CREDIT = 16, WAIT_MS_MAX = 10_000;

const { document } = globalThis; // a worker has none
const script = /** @type {any} */ (document?.currentScript)?.src;
const home = /^(http.+)\/bridge(\.js|\/)/.exec(script)?.[1] ?? "ws://127.0.0.1:9999";

let /** @type {any} */ violation;
addEventListener("securitypolicyviolation", (event) => { violation = event; });

/** @type {typeof Pagewire.connect} */
const connect = ({ url = home, group, token }) => {
	const base = new URL(url.replace(/^ws/, "http")).href.replace(/(\/v1\/page)?\/*$/, "");
	const wsBase = base.replace("http", "ws"), key = `pagewire ${base} ${wire.name(group)}`;
	const protocols = ["pagewire.v1"];
	if (token) protocols.push(`pagewire.token.${wire.base64url(token)}`);
	const functions = new Map(), topics = new Set(), calls = new Map(), runs = new Map();
	const events = new EventTarget();
	let lastId = 0, bytesMax = 2 ** 24, tries = 0, told = "";

	/** @type {Pagewire.Inner} */
	const my = {
		state: "connecting",
		identity: {},
		ws: undefined,

		/** Sends `message` with `value` as its member `name`, if the socket is open. */
		send(message, value, name = "params") {
			const data = wire.encode(message, value, name), { size } = new Blob([data]);
			if (size > bytesMax) throw wire.fault(TOO_LARGE, `${size} bytes; the hub takes ${bytesMax}`);
			if (my.ws?.readyState === 1) my.ws.send(data);
		},

		request: (message, value, name, next, id = lastId++) => new Promise((resolve, reject) => {
			if (my.ws?.readyState !== 1) throw wire.fault(PAGE_GONE, "not attached to the hub");
			my.send({ id, ...message }, value, name);
			calls.set(id, { resolve, reject, next });
		}),

		cancel(id, reason) {
			calls.get(id)?.reject(reason);
			if (calls.delete(id)) my.send({ method: "$/cancel" }, { id, reason: "caller" });
		},

		async *values(id, items, end) {
			for await (const value of items) {
				yield value;
				my.send({ method: "$/credit" }, { id, n: 1 });
			}
			await end; // an error comes after the values before it
		},

		receive(message) {
			const { id, method, params, result, error } = message, call = calls.get(id);
			if (Object.hasOwn(handlers, method)) return handlers[method](params, id);
			if (method) return id && my.answer(message);
			calls.delete(id);
			if (error) call?.reject(wire.fault(error.code, error.message, error.data));
			else call?.resolve(result);
		},

		async answer({ id, method, params = [], credit = 0 }) {
			const { fn } = functions.get(method) ?? {};
			if (!fn) return my.send({ id }, { code: NOT_FOUND, message: `no ${method}` }, "error");
			const run = Object.assign(new AbortController(), { credit, wake() {} }), { signal } = run;
			runs.set(id, run);
			try {
				let value = await fn.apply({ id, signal }, params);
				if (wire.isStream(value)) value = await my.stream(id, run, value);
				if (!signal.aborted) my.send({ id }, value, "result");
			} catch (thrown) {
				if (!signal.aborted) my.send({ id }, wire.error(thrown), "error");
			}
			if (runs.get(id) === run) runs.delete(id);
		},

		async stream(id, run, values) {
			for await (const value of values) {
				while (!run.credit && !run.signal.aborted) {
					await new Promise((wake) => { run.wake = wake; });
				}
				if (run.signal.aborted) return; // leaving the loop returns the generator
				run.credit -= 1;
				my.send({ method: "$/next", params: { id } }, value, "value");
			}
		},

		stop(run, why) {
			run?.abort(new DOMException(why, why === "timeout" ? "TimeoutError" : "AbortError"));
			run?.wake();
		},

		tell(message) {
			if (message === told || my.state === "closed") return;
			console.warn("pagewire:", told = message);
			events.dispatchEvent(new ErrorEvent("error", { message }));
		},

		remember({ page, epoch }) {
			my.identity = { page, epoch };
			try { sessionStorage[key] = JSON.stringify(my.identity); } catch {} // a worker, a sandbox
		},

		hello: () => my.request({ method: "$/hello" }, {
			group, ...my.identity, url: location.href, title: document?.title,
			agent: `pagewire.js/${version}`, functions: [...functions.values()],
		}).then((welcome) => {
			bytesMax = welcome.limits.message_bytes_max;
			my.remember(welcome);
			my.state = "open";
			told = "";
			topics.forEach(my.follow);
			functions.forEach(my.show);
			events.dispatchEvent(new Event("open"));
		}, ({ code, message }) => {
			if (code !== PAGE_GONE) my.tell(`the hub refused this page: ${message}`);
		}),

		async attach() {
			// A fetch makes the browser ask for local network access; a WebSocket may not.
			const healthy = await fetch(`${base}/health`).then(({ ok }) => ok, () => false);
			if (my.state === "closed") return;
			const ws = my.ws = new WebSocket(`${wsBase}/v1/page`, protocols);
			ws.binaryType = "arraybuffer";
			ws.onopen = my.hello;
			ws.onmessage = ({ data }) => my.receive(wire.decode(data));
			ws.onclose = async (event) => {
				// What was under way ends here: no late answer may reach the next connection.
				calls.forEach(({ reject }) => reject(wire.fault(PAGE_GONE, "the link was lost")));
				calls.clear();
				runs.forEach((run) => my.stop(run, "link lost"));
				runs.clear();
				if (event.code === 4409) my.remember({}); // a twin of this tab has the page id now
				if (my.state === "open") my.state = "connecting";
				if ([4400, 4403, 4410].includes(event.code)) my.state = "closed";
				events.dispatchEvent(new CloseEvent("close", event));
				if (!ws.protocol) my.tell(`no link to ${base}: ${await my.obstacle(healthy)}`);
				setTimeout(my.attach, Math.random() * Math.min(WAIT_MS_MAX, 250 * 2 ** tries++));
			};
		},

		async obstacle(healthy) {
			const name = /\/\/(127\.|localhost|\[::1)/.test(base) ? "loopback-network" : "local-network";
			const permission = await navigator.permissions?.query({ name }).catch(() => {});
			return healthy ? `it refuses origin ${origin}. Start it with --allow-origin ${origin} or pass a token`
				: violation?.blockedURI.endsWith("/health")
					? `add ${base} ${wsBase} to the page's ${violation.effectiveDirective} or use pagewire attach`
				: permission?.state !== "denied" ? "no answer. Does pagewire serve run? If asked, allow local network access"
				: isSecureContext ? "allow local network access in the site settings"
				: "a plain http page may not; use https or pagewire attach";
		},

		/** Subscribes; after a lost link from where it was. */
		follow(entry) {
			const { topic, since, last } = entry;
			my.request({ method: "$/subscribe" }, { topic, since, last }).then(({ subscription }) => {
				entry.number = subscription;
				entry.resolve(() => {
					if (!topics.delete(entry)) return;
					my.send({ id: lastId++, method: "$/unsubscribe" }, { subscription: entry.number });
				});
			}, (error) => {
				if (error.code === PAGE_GONE) return; // again at the next welcome
				topics.delete(entry);
				entry.reject(error);
			});
		},

		deliver(number, value, at) {
			const entry = [...topics].find((entry) => entry.number === number);
			if (!entry) return;
			entry.since = at.cursor ?? entry.since;
			entry.follower(value, at);
		},

		/** Prints the command that calls a function. */
		show({ name, params = [] }) {
			const args = JSON.stringify(params.filter(({ required }) => required).map(wire.sample));
			const path = [group, name].map(encodeURIComponent).join("/");
			console.info(`curl ${base}/v1/call/${path} -d '${args.replaceAll("'", "'\\''")}'`);
		},
	};

	/** @type {Pagewire.Handlers} */
	const handlers = {
		"$/next": ({ id, value }) => calls.get(id)?.next?.(value),
		"$/credit"({ id, n }) {
			const run = runs.get(id);
			if (!run) return;
			run.credit += n;
			run.wake();
		},
		"$/cancel": ({ id, reason }) => my.stop(runs.get(id), reason),
		"$/event": ({ subscription, value, time_ms: time, ...at }) =>
			my.deliver(subscription, value, { ...at, time }),
		"$/gap": ({ subscription, ...gap }) => my.deliver(subscription, undefined, { gap }),
		"$/ping"(_, id) {
			tries = 0; // the link lasts
			const asked = performance.now(), { port1, port2 } = new MessageChannel();
			port1.onmessage = () => my.send({ id }, {
				lag_ms: Math.round(performance.now() - asked), hidden: document?.hidden,
			}, "result");
			port2.postMessage(0); // no timer: a hidden tab's are held back
		},
	};

	try { my.identity = JSON.parse(sessionStorage[key]); } catch {} // none yet
	my.attach();
	return {
		get page() { return my.identity.page; },
		get state() { return my.state; },

		expose(name, fn, { params, ...about } = {}) {
			const list = Array.isArray(params) ? params : params
				&& Object.entries(params).map(([name, schema]) => ({ name, required: true, schema }));
			const entry = { ...about, name: wire.name(name), params: list, fn };
			functions.set(name, entry);
			my.send({ method: "$/expose" }, { functions: [entry] });
			if (my.state === "open") my.show(entry);
			return () => {
				if (functions.get(name) !== entry) return;
				functions.delete(name);
				my.send({ method: "$/retract" }, { names: [name] });
			};
		},

		publish: (topic, value) => my.request({ method: "$/publish", params: { topic } }, value, "value"),

		call(target, ...args) {
			const { function: name, timeout: deadline_ms, signal, stream } =
				typeof target === "string" ? { function: target } : target;
			const message = { method: name.replace("/", "."), deadline_ms, credit: stream && CREDIT };
			const id = lastId++, params = args.length === 1 && wire.isBytes(args[0]) ? args[0] : args;
			const cancel = () => my.cancel(id, signal?.reason);
			let sink;
			const items = new ReadableStream({ start(controller) { sink = controller; }, cancel });
			signal?.addEventListener("abort", cancel);
			const end = my.request(message, params, "params", (value) => sink.enqueue(value), id)
				.finally(() => signal?.removeEventListener("abort", cancel));
			if (!stream) return end;
			end.finally(() => sink.close()).catch(() => {}); // a left loop has closed it
			return my.values(id, items, end);
		},

		subscribe: (topic, follower, { since, last } = {}) => new Promise((resolve, reject) => {
			const entry = { topic, follower, since, last, resolve, reject };
			topics.add(entry);
			if (my.state === "open") my.follow(entry);
		}),

		on(type, listener) {
			events.addEventListener(type, listener);
			return () => events.removeEventListener(type, listener);
		},

		close() {
			my.state = "closed";
			my.ws?.close(1000);
		},
	};
};

/** How values travel. @type {Pagewire.Wire} */
const wire = {
	isBytes: (value) =>
		value instanceof ArrayBuffer || ArrayBuffer.isView(value) || value instanceof Blob,

	/** Iterators, such as a generator's. Arrays, Maps and strings have no `next`. */
	isStream: (value) => value?.[Symbol.asyncIterator] || (value?.[Symbol.iterator] && value.next),

	json: (value) => JSON.stringify(value, (_, inner) => {
		if (wire.isBytes(inner)) throw new TypeError("bytes may only be the whole value");
		return typeof inner === "bigint" ? String(inner) : inner;
	}) ?? "null",

	/** Text, or the binary form (section 1.2). */
	encode(message, value, name) {
		const type = value instanceof Blob && value.type || undefined;
		const head = JSON.stringify({ jsonrpc: "2.0", ...message, type });
		if (wire.isBytes(value)) {
			const header = new TextEncoder().encode(head);
			return new Blob([Uint8Array.of(header.length >> 8, header.length), header, value]);
		}
		const end = name === "value" ? -2 : -1; // `value` is a member of `params`
		return `${head.slice(0, end)},"${name}":${wire.json(value)}${head.slice(end)}`;
	},

	decode(data) {
		if (typeof data === "string") return JSON.parse(data);
		const start = 2 + new DataView(data).getUint16(0);
		const message = JSON.parse(new TextDecoder().decode(data.slice(2, start)));
		const bytes = new Uint8Array(data.slice(start));
		if (message.params) message.params.value = bytes;
		else if (message.method) message.params = [bytes];
		else message.result = bytes;
		return message;
	},

	fault: (code, message, data) => Object.assign(new Error(message), { code, data }),

	/** The error object for what a function threw. */
	error(thrown) {
		try {
			const { code, name, message = wire.json(thrown), stack } = Object(thrown);
			return { code: code === TOO_LARGE ? code : PAGE_ERROR, message: `${message}`, data: { name, stack } };
		} catch {
			return { code: PAGE_ERROR, message: "what was thrown can't be shown" };
		}
	},

	/** A value to show for an argument. */
	sample: ({ schema: { type, examples } = {} }) => examples?.[0]
		?? { string: "text", number: 1, integer: 1, boolean: true, array: [], object: {} }[type] ?? null,

	name(name) {
		if (/^[\p{L}\p{N}_-]{1,64}$/u.test(name)) return name;
		throw new TypeError(`not 1 to 64 letters, digits, _ or -: ${name}`);
	},

	base64url: (text) => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""),
};

Object.assign(globalThis, { pagewire: { connect, version } });
})();
