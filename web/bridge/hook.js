// Publishes what the page's own WebSockets get and send: sets pagewire.hook. Use: docs/in-page.md, types.d.ts.
// The page must not notice: only the doors to its sockets become proxies.
(() => {
const QUEUE_BYTES_MAX = 8 << 20; // of values not confirmed
const VALUE_BYTES = 256; // of a value beside its payload
const GONE = -32003, OWN = "pagewire.v1"; // links to hubs
const { getOwnPropertyDescriptor: find } = Object;

/** @type {typeof Pagewire.hook} */
const hook = (link, { url = "*", direction } = {}) => {
	const pattern = tool.pattern(url), known = new WeakMap(), seen = new WeakSet(), names = new Set();
	const Native = WebSocket, { prototype } = Native, { prototype: message } = MessageEvent;
	const { addEventListener } = prototype, read = find(message, "data")?.get, ending = new AbortController();
	const { signal } = ending;
	let line = Promise.resolve(), bytes = 0;

	/** @type {Pagewire.Hooking} */
	const my = {
		open() {},
		close() { my.opened = new Promise((resolve) => { my.open = resolve; }); },

		put(socket, value, size = 0) {
			const cost = size + VALUE_BYTES;
			if (bytes + cost > QUEUE_BYTES_MAX) return socket.lost += 1;
			if (socket.lost) my.publish(socket, { kind: "lost", count: socket.lost }, 0);
			socket.lost = 0;
			bytes += cost;
			my.publish(socket, value, cost);
		},

		publish(socket, value, cost) {
			line = line.then(async () => {
				const ready = await value; // all behind a Blob wait
				await my.opened;
				link.publish(socket.topic, ready).then(({ topic }) => {
					if (ready.kind === "open") console.info(`pagewire tail ${topic}`);
				}).catch(({ code, message }) => {
					socket.lost += ready.count ?? 1; // or not, but none comes twice
					if (code !== GONE) console.warn("pagewire:", message);
				}).then(() => { bytes -= cost; });
			});
		},

		follow(target) {
			let socket = known.get(target), number = 1, connection = "";
			if (socket || signal.aborted) return socket;
			known.set(target, socket = { lost: 0 });
			if (target.protocol === OWN || !pattern.test(target.url)) return;
			while (names.has(connection = `${number}-${new URL(target.url).host}`)) number += 1;
			names.add(connection);
			socket.topic = `sockets/${connection}`;
			const open = (how = {}) => my.put(socket, {
				kind: "open", connection, url: tool.unsigned(target.url), ...tool.time(),
				target: !self.document ? "worker" : self === top ? "tab" : "iframe", ...how,
			});
			if (target.readyState === 1) open({ seen: "late" });
			my.on(target, "open", () => open({ status: 101 }));
			my.on(target, "message", my.receive);
			my.on(target, "error", () => my.put(socket, { kind: "error", ...tool.time(), text: "not told why" }));
			my.on(target, "close", ({ code, reason }) => {
				my.put(socket, { kind: "close", ...tool.time(), code, reason });
				names.delete(connection);
			});
			return socket;
		},

		on: (target, type, work) => addEventListener.call(target, type, (event) => {
			tool.safely(() => event.isTrusted && work(event));
		}, { signal }),

		receive(event) {
			// Neither made up nor kept for later.
			if (!event?.isTrusted || !event.eventPhase || !(event.target instanceof Native) || seen.has(event)) return;
			seen.add(event);
			my.frame(event.target, "received", read?.call(event));
		},

		frame(target, way, data) {
			const socket = my.follow(target);
			if (!socket?.topic || signal.aborted || (direction ?? way) !== way) return;
			const binary = tool.bytes(data), text = binary ? undefined : `${data}`.replace(/\p{Cs}/gu, "�");
			const size = binary?.size ?? (binary ?? new TextEncoder().encode(text)).length;
			const value = { kind: binary ? "binary" : "text", direction: way, size, ...tool.time(), text };
			my.put(socket, binary ? tool.filled(value, binary) : value, size);
		},
	};

	const Hooked = new Proxy(Native, {
		construct(native, args, target) {
			const socket = Reflect.construct(native, args, target);
			tool.safely(() => [args[1]].flat()[0] === OWN || my.follow(socket));
			return socket;
		},
	});
	my.close();
	link.call("?").catch(({ code }) => code === GONE || my.open()); // a hub that is there says no
	const ends = [
		() => ending.abort(),
		link.on("open", () => my.open()),
		link.on("close", my.close),
		tool.patch(globalThis, "WebSocket", "value", Hooked),
		tool.patch(prototype, "constructor", "value", Hooked),
		tool.door(prototype, "send", "value", (target, args) => {
			my.receive(self.event); // what the page answers unread
			if (target.readyState === 1 && args.length) my.frame(target, "sent", args[0]);
		}),
		// Shows sockets older than the hook.
		tool.door(message, "data", "get", my.receive),
	];
	return () => ends.forEach((end) => end());
};

/** @type {Pagewire.HookTools} */
const tool = {
	pattern: (url) => new RegExp(`^${url.replace(/\W/g,
		(sign) => sign === "*" ? ".*" : sign === "?" ? "." : `\\${sign}`)}$`, "s"),

	unsigned: (url) => url.replace(/\/\/[^/]*@/, "//REDACTED@").replace(/=[^&]*/g, "=REDACTED"),

	time: () => ({ at_us: Math.round(performance.now() * 1000), time_ms: Date.now() }),

	bytes(data) {
		if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
		const kind = ({}).toString.call(data); // of other frames too
		return kind === "[object ArrayBuffer]" ? new Uint8Array(data) : /Blob|File/.test(kind) ? data : undefined;
	},

	// At once, as the page may change its bytes; a Blob cannot change.
	filled: (value, data) => "text" in data
		? data.arrayBuffer().then((all) => tool.filled(value, new Uint8Array(all)), () => ({ kind: "lost", count: 1 }))
		: { ...value, base64: data.toBase64?.() ?? btoa(data.reduce((text, byte) => text + String.fromCharCode(byte), "")) },

	safely(work) {
		try {
			work();
		} catch (error) {
			console.debug(error);
		}
	},

	door: (owner, name, part, look) => tool.patch(owner, name, part, new Proxy(find(owner, name)?.[part], {
		apply(native, target, args) {
			tool.safely(() => look(target, args));
			return Reflect.apply(native, target, args);
		},
	})),

	patch(owner, name, part, by) {
		const before = find(owner, name) ?? {};
		Object.defineProperty(owner, name, { ...before, [part]: by });
		return () => find(owner, name)?.[part] === by && Object.defineProperty(owner, name, before);
	},
};

globalThis.pagewire = { ...globalThis.pagewire, hook };
})();
