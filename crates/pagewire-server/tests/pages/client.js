// The site's own script, which knows nothing of Pagewire. It keeps its sockets to itself.

const client = (() => {
	const hex = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
	const digest = async (lines) =>
		hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(lines.join("\n"))));
	const shown = async (data) => typeof data === "string" ? `text ${data}`
		: data instanceof Blob ? `blob ${hex(await data.arrayBuffer())}`
		: `buffer ${hex(data)}`;

	/** One of each kind that `send` takes. */
	const kinds = [
		(i) => `answer ${i} 你好`,
		(i) => Uint8Array.of(i, i >> 8).buffer,
		(i) => Uint8Array.of(9, i, i >> 8, 9).subarray(1, 3),
		(i) => new DataView(Uint8Array.of(9, i).buffer, 1),
		(i) => new Blob(["blob ", Uint8Array.of(i)]),
		() => 42,
		() => new URL("https://shop.example/"),
		() => "half \ud800 a character",
		() => new ArrayBuffer(0),
		() => "",
	];

	/** Follows a socket to its end with every kind of listener, answers each tenth message, and tells what it saw. */
	const listen = (url, binaryType) => new Promise((resolve) => {
		const socket = new WebSocket(url);
		socket.binaryType = binaryType;
		const saw = [], order = [];
		const counts = { onmessage: 0, replaced: 0, added: 0, object: 0, once: 0, removed: 0, stopped: 0, made: 0 };
		let i = -1;
		const count = (name) => {
			counts[name] += 1;
			if (i < 20) order.push(`${name} ${i}`);
		};
		const removed = () => {
			count("removed");
			if (counts.removed === 10) socket.removeEventListener("message", removed);
		};
		const object = { handleEvent({ target }) { if (this === object && target === socket) count("object"); } };
		socket.addEventListener("message", (event) => {
			i += 1;
			saw.push(shown(event.data));
			if (i % 10 === 0) socket.send(kinds[i / 10 % kinds.length](i));
			if (i === 7) event.stopImmediatePropagation();
			else count("stopped");
		});
		socket.onmessage = () => {
			count("onmessage");
			if (i === 100) socket.onmessage = ({ data }) => {
				count("replaced");
				// Gives the bytes away: whoever looks later finds none.
				if (data instanceof ArrayBuffer) structuredClone(data, { transfer: [data] });
			};
		};
		socket.addEventListener("message", () => count("added"), { passive: true });
		socket.addEventListener("message", object);
		socket.addEventListener("message", object);
		socket.addEventListener("message", () => count("once"), { once: true });
		socket.addEventListener("message", removed);
		socket.addEventListener("message", async ({ data }) => {
			if (data !== "end") return;
			socket.addEventListener("message", ({ isTrusted }) => { if (!isTrusted) counts.made += 1; });
			socket.dispatchEvent(new MessageEvent("message", { data: "made up" }));
			socket.send("done");
		});
		socket.onclose = async ({ code, reason, wasClean }) => resolve({
			counts, order, end: [code, reason, wasClean], count: saw.length, digest: await digest(await Promise.all(saw)),
		});
	});

	/** What a page can find out about its sockets. */
	const facts = async (url) => {
		const attempt = (work) => {
			try {
				return String(work());
			} catch (error) {
				return `${error.constructor.name} ${error.name}: ${error.message}`;
			}
		};
		class Own extends WebSocket {
			made = new.target === Own;
			hello() { return "hello"; }
		}
		const { prototype } = WebSocket, plain = new WebSocket(url), own = new Own(url);
		const of = (owner, name) => {
			const { value, get, set, ...flags } = Object.getOwnPropertyDescriptor(owner, name);
			const fn = value ?? get;
			return [name, fn.name, fn.length, typeof fn, typeof set, flags, /\{ \[native code\] \}$/.test(fn), Object.getOwnPropertyNames(fn)];
		};
		const all = {
			kinds: [plain, own].map((socket) => [socket instanceof WebSocket, socket instanceof Own, socket instanceof EventTarget]),
			makers: [plain.constructor === WebSocket, own.constructor === Own, prototype.constructor === WebSocket],
			chain: [
				Object.getPrototypeOf(Own) === WebSocket, Object.getPrototypeOf(WebSocket) === EventTarget,
				Object.getPrototypeOf(plain) === prototype, Object.getPrototypeOf(own) === Own.prototype,
			],
			own: [own.made, own.hello(), Reflect.ownKeys(own), Reflect.ownKeys(plain), String(plain)],
			statics: [WebSocket.CONNECTING, WebSocket.OPEN, WebSocket.CLOSING, WebSocket.CLOSED],
			parts: [of(globalThis, "WebSocket"), of(prototype, "constructor"), of(prototype, "send"), of(MessageEvent.prototype, "data")],
			members: Reflect.ownKeys(prototype).map(String),
			realm: attempt(() => Reflect.construct(WebSocket, [url], Array) instanceof Array),
			refusals: [
				() => WebSocket(url), () => new WebSocket(), () => new WebSocket("not an address"), () => new WebSocket(url, "no protocol"),
				() => new WebSocket(url, ["a", "a"]), () => plain.send("too early"), () => plain.send(), () => plain.send(Symbol("s")),
				() => prototype.send.call({}, "x"), () => MessageEvent.prototype.data, () => plain.send({ toString() { throw new RangeError("mine"); } }),
			].map(attempt),
			made: new MessageEvent("message", { data: "made up" }).data,
		};
		await Promise.all([plain, own].map((socket) => new Promise((resolve) => {
			socket.onopen = () => {
				all.refusals.push(attempt(() => socket.send()), attempt(() => socket.send(Symbol("s"))));
				socket.close();
			};
			socket.onclose = resolve;
		})));
		all.refusals.push(attempt(() => plain.send("too late")));
		return all;
	};

	const sockets = [];
	return {
		listen, facts,

		/** Opens a socket that counts what it gets; answers when it is open. */
		open: (url, protocols) => new Promise((resolve) => {
			const socket = new WebSocket(url, protocols);
			let got = 0, kept;
			socket.binaryType = "arraybuffer";
			socket.onmessage = (event) => {
				kept ??= event;
				got += 1;
				report({ got, data: typeof event.data === "string" && event.data.length < 100 ? event.data : null });
			};
			socket.onopen = () => resolve();
			socket.onclose = () => report({ closed: got });
			sockets.push({ socket, peek: () => kept.data });
		}),
		/** Opens one that answers messages without a look into them. */
		openBlind: (url) => new Promise((resolve) => {
			const socket = new WebSocket(url);
			socket.onmessage = () => socket.send("noticed");
			socket.onopen = () => resolve();
		}),
		/** Opens one that fails; answers with the code of its end. */
		fail: (url) => new Promise((resolve) => { new WebSocket(url).onclose = ({ code }) => resolve(code); }),
		frame(src) { document.body.append(Object.assign(document.createElement("iframe"), { src })); },
		work(source) { new Worker(URL.createObjectURL(new Blob([source]))); },
		/** Looks again into the first message that it got. */
		peek: (at) => sockets[at].peek(),
		send: (at, text) => sockets[at].socket.send(text),
		close: (at) => sockets[at].socket.close(),
	};
})();
