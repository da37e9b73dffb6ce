// Pagewire's page side: sets globalThis.pagewire. API: types.d.ts, wire: docs/protocol.md.
//
// Values are as JSON.stringify has them (Date: text; NaN: null), a BigInt text. As the whole
// value, undefined, a function or a symbol is null; an ArrayBuffer, a view of one or a Blob is bytes,
// which arrive as Uint8Array. Bytes elsewhere and cycles are a TypeError.
(() => {
const version = "0.1.0";
const PAGE_ERROR = -32000, TOO_LARGE = -32007, NOT_FOUND = -32601;
const GONE = { code: -32003, message: "not attached" };
const CREDIT = 16;
const utf8 = new TextEncoder();

const { document } = globalThis; // no worker
const served = /^(http.+)\/bridge(\.js|\/)/.exec(document?.currentScript?.src ?? "");

let blocked = "";
addEventListener("securitypolicyviolation", ({ blockedURI }) => { blocked = blockedURI; });

/** @type {Pagewire.Connect} */
const connect = ({ url = served?.[1] ?? "ws://127.0.0.1:9999", group, token = "" }) => {
	const base = new URL(url.replace(/^ws/, "http")).href.replace(/(\/v1\/page)?\/*$/, "");
	const wsBase = base.replace("http", "ws"), key = `pagewire ${base} ${wire.name(group)}`;
	const secret = btoa(token).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
	const protocols = ["pagewire.v1"].concat(token ? `pagewire.token.${secret}` : []);
	const exposed = new Map(), topics = new Set(), calls = new Map(), runs = new Map();
	const events = new EventTarget();
	let greeting = Promise.resolve(); // hello goes first
	let open = false, closed = false, told = "", tries = 0, lastId = 0;

	/** @type {Pagewire.Inner} */
	const my = {
		welcome: {},
		ws: undefined,

		send(message, value, name = "params") {
			const data = wire.encode(message, value, name);
			const max = my.welcome.limits?.message_bytes_max;
			const size = data.size ?? (data.length > max / 3 && utf8.encode(data).length);
			if (size > max) throw wire.fault({ code: TOO_LARGE, message: `${size} bytes are too many` });
			const may = open || message.method === "$/hello";
			if (may) my.ws?.send(data);
			return may;
		},

		request: (message, value, name, sink, id = lastId++) => new Promise((resolve, reject) => {
			if (!my.send({ id, ...message }, value, name)) throw wire.fault(GONE);
			calls.set(id, { resolve, reject, sink });
		}),

		receive(message) {
			const { id, method, params, result, error } = message, call = calls.get(id);
			if (Object.hasOwn(handlers, method)) return handlers[method](params, id);
			if (method) return id && my.answer(message);
			calls.delete(id);
			if (error) call?.reject(wire.fault(error));
			else call?.resolve(result);
		},

		answer({ id, method, params, credit = 0, traceparent }) {
			const entry = exposed.get(method);
			if (!entry) return my.send({ id }, { code: NOT_FOUND, message: `no ${method}` }, "error");
			const run = Object.assign(new AbortController(), { id, credit, traceparent });
			runs.set(id, run);
			const fail = (/** @type {any} */ thrown) =>
				run.signal.aborted || my.send({ id }, wire.error(thrown), "error");
			my.perform(run, entry.fn, params)
				.catch(fail).catch(fail) // or why it can't be sent
				.finally(() => runs.get(id) === run && runs.delete(id));
		},

		async perform(run, fn, params) {
			const { id, signal, traceparent } = run;
			const value = await fn.apply({ id, signal, traceparent }, params);
			const streamed = wire.isIterator(value);
			for await (const item of streamed ? value : []) {
				while (!run.credit) await new Promise((wake) => { run.wake = wake; });
				signal.throwIfAborted();
				run.credit -= 1;
				my.send({ method: "$/next", params: { id } }, item, "value");
			}
			signal.throwIfAborted();
			my.send({ id }, streamed ? null : value, "result");
		},

		tell({ message }) {
			if (message === told || closed) return;
			told = message;
			console.warn("pagewire:", base, message);
			events.dispatchEvent(new ErrorEvent("error", { message }));
		},

		hello: () => my.request({ method: "$/hello" }, {
			group, page: my.welcome.page, epoch: my.welcome.epoch, url: location.href, title: document?.title,
			agent: `pagewire.js/${version}`, functions: [...exposed.values()],
		}).then((welcome) => {
			my.welcome = welcome;
			try { sessionStorage[key] = JSON.stringify(welcome); } catch {} // worker, sandbox
			open = true;
			told = "";
			topics.forEach((entry) => my.follow(entry).catch(my.tell));
			exposed.forEach(my.show);
			events.dispatchEvent(new Event("open"));
		}).catch(my.tell),

		async attach() {
			// Asks for local network access; a WebSocket may not.
			const healthy = await fetch(`${base}/health`).then(({ ok }) => ok, () => false);
			if (closed) return;
			const ws = my.ws = new WebSocket(`${wsBase}/v1/page`, protocols);
			ws.binaryType = "arraybuffer";
			ws.onopen = () => { greeting = my.hello(); };
			ws.onmessage = ({ data }) => my.receive(wire.decode(data));
			ws.onclose = ws.onerror = async (/** @type {any} */ event) => {
				if (event.type === (ws.protocol ? "error" : "close")) return; // CSP: no close
				// No late answer for the next link.
				calls.forEach((_, id) => my.receive({ id, error: GONE }));
				runs.forEach((_, id) => handlers["$/cancel"]({ id, reason: "link lost" }));
				if (event.code === 4409) my.welcome = {}; // a twin tab has the page id
				if ([4400, 4403, 4410].includes(event.code)) closed = true;
				open = false;
				if (ws.protocol) events.dispatchEvent(new CloseEvent("close", event));
				else my.tell({ message: await my.obstacle(healthy) });
				setTimeout(my.attach, Math.random() * Math.min(10_000, 250 * 2 ** tries++));
			};
		},

		async obstacle(healthy) {
			const permission = await navigator.permissions
				?.query({ name: "loopback-network" }).catch(() => {});
			return blocked.includes(base.slice(4))
				? `add ${base} ${wsBase} to the CSP's connect-src`
				: healthy
				? token ? "unknown token" : `refused. Start the hub with --allow-origin ${origin} or pass a token`
				: permission?.state === "denied"
				? "allow local network access in the site settings (https only)"
				: "no answer. Is pagewire serve up? If asked, allow local network access";
		},

		async follow(entry) {
			({ subscription: entry.number, cursor: entry.start.since } =
				await my.request({ method: "$/subscribe" }, entry.start));
			delete entry.start.last;
		},

		deliver(subscription, value, at) {
			const entry = [...topics].find(({ number }) => number === subscription);
			if (!entry) return;
			if (at.cursor) entry.start.since = at.cursor;
			entry.follower(value, at);
		},

		show({ name, params = [] }) {
			const args = wire.json(params.flatMap(({ required, schema }) =>
				required ? [schema?.examples?.[0] ?? wire.samples[schema?.type]] : []));
			const path = [group, name].map(encodeURIComponent).join("/");
			console.info(`curl ${base}/v1/call/${path} -d '${args.replaceAll("'", "'\\''")}'`);
		},
	};

	/** @type {Pagewire.Handlers} */
	const handlers = {
		"$/next": ({ id, value }) => calls.get(id)?.sink?.enqueue(value),
		"$/credit"({ id, n }) {
			const run = runs.get(id) ?? {};
			run.credit += n;
			run.wake?.();
		},
		"$/cancel"({ id, reason }) {
			runs.get(id)?.abort(new DOMException(reason,
				reason === "timeout" ? "TimeoutError" : "AbortError"));
			handlers["$/credit"]({ id, n: 1 }); // wakes a stream
		},
		"$/event": ({ subscription, value, time_ms: time, ...at }) =>
			my.deliver(subscription, value, { ...at, time }),
		"$/gap": ({ subscription, ...gap }) => my.deliver(subscription, undefined, { gap }),
		"$/ping"(_, id) {
			tries = 0; // the link lasts
			const asked = performance.now(), { port1, port2 } = new MessageChannel();
			port1.onmessage = () => my.send({ id }, {
				lag_ms: Math.round(performance.now() - asked), hidden: document?.hidden,
			}, "result");
			port2.postMessage(0); // hidden tabs hold timers back
		},
	};

	try { my.welcome = JSON.parse(sessionStorage[key]); } catch {}
	my.attach().catch(my.tell);
	return {
		get page() { return my.welcome.page; },

		expose(name, fn, { params, ...about } = {}) {
			const list = Array.isArray(params) ? params : params
				&& Object.entries(params).map(([name, schema]) => ({ name, required: true, schema }));
			const entry = { ...about, name: wire.name(name), params: list, fn };
			exposed.set(name, entry);
			greeting.then(() => my.send({ method: "$/expose" }, { functions: [entry] }));
			if (open) my.show(entry);
			return () => {
				if (exposed.get(name) !== entry) return;
				exposed.delete(name);
				greeting.then(() => my.send({ method: "$/retract" }, { names: [name] }));
			};
		},

		publish: (topic, value) => my.request({ method: "$/publish", params: { topic } }, value, "value"),

		call(target, ...args) {
			const { function: name, timeout: deadline_ms, signal, stream } =
				typeof target === "string" ? { function: target } : target;
			const id = lastId++, params = args.length === 1 && wire.isBytes(args[0]) ? args[0] : args;
			const cancel = () => {
				calls.get(id)?.reject(signal?.reason);
				if (calls.delete(id)) my.send({ method: "$/cancel" }, { id, reason: "caller" });
			};
			let /** @type {any} */ sink;
			const items = new ReadableStream({ start(controller) { sink = controller; } }).getReader();
			signal?.addEventListener("abort", cancel);
			const end = my.request({
				method: name.replace("/", "."), deadline_ms, credit: stream ? CREDIT : 0,
			}, params, "params", sink, id).finally(() => signal?.removeEventListener("abort", cancel));
			if (signal?.aborted) cancel();
			if (!stream) return end;
			end.finally(() => sink.close()).catch(() => {});
			return (async function* () {
				try {
					for (;;) {
						const { done, value } = await items.read();
						if (done) return await end; // its error comes after its values
						yield value;
						my.send({ method: "$/credit" }, { id, n: 1 });
					}
				} finally {
					cancel();
				}
			})();
		},

		async subscribe(topic, follower, start) {
			const entry = { start: { ...start, topic }, follower, number: 0 };
			if (open) await my.follow(entry);
			topics.add(entry);
			return () => {
				if (topics.delete(entry)) my.send(
					{ id: lastId++, method: "$/unsubscribe" }, { subscription: entry.number });
			};
		},

		on(type, listener) {
			events.addEventListener(type, listener);
			return () => events.removeEventListener(type, listener);
		},

		close() {
			closed = true;
			my.ws?.close(1000);
		},
	};
};

/** @type {Pagewire.Wire} */
const wire = {
	isBytes: (value) =>
		value instanceof ArrayBuffer || ArrayBuffer.isView(value) || value instanceof Blob,

	isIterator: (value) => value?.[Symbol.asyncIterator] || (value?.[Symbol.iterator] && value.next),

	json: (value) => JSON.stringify(value, (_, inner) => {
		if (wire.isBytes(inner)) throw new TypeError("bytes may only be the whole value");
		return typeof inner === "bigint" ? String(inner) : inner;
	}) ?? "null",

	encode(message, value, name) {
		const bytes = wire.isBytes(value), type = bytes && value.type || undefined;
		const head = JSON.stringify({ jsonrpc: "2.0", ...message, type });
		if (bytes) {
			const header = utf8.encode(head);
			return new Blob([Uint8Array.of(header.length >> 8, header.length), header, value]);
		}
		const end = name === "value" ? -2 : -1; // in `params`
		return `${head.slice(0, end)},"${name}":${wire.json(value)}${head.slice(end)}`;
	},

	decode(data) {
		if (typeof data === "string") return JSON.parse(data);
		const start = 2 + new DataView(data).getUint16(0);
		const message = JSON.parse(new TextDecoder().decode(data.slice(2, start)));
		const bytes = new Uint8Array(data.slice(start));
		if (message.params) message.params.value = bytes;
		else Object.assign(message, { params: [bytes], result: bytes });
		return message;
	},

	fault: ({ code, message, data }) => Object.assign(new Error(message), { code, data }),

	error(thrown) {
		const { code, name, message = wire.json(thrown), stack } = Object(thrown);
		return { code: code === TOO_LARGE ? code : PAGE_ERROR, message: `${message}`, data: { name, stack } };
	},

	samples: { string: "text", number: 1, integer: 1, boolean: true, array: [], object: {} },

	name(name = "") {
		if (/^[\p{L}\p{N}_-]{1,64}$/u.test(name)) return name;
		throw new TypeError(`not a name: ${name}`);
	},
};

globalThis.pagewire = { connect, version };
})();
