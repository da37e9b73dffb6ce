// The page's end of the DevTools carrier: runs pagewire.js over a DevTools binding instead of a WebSocket.
// Pagewire puts it around pagewire.js and runs it in each document before the document's own scripts.
//
// To Pagewire goes one text a task, its lines being messages: as the value of what Pagewire evaluates where the page
// says it at once, else by the binding. From Pagewire come calls of the function that stays under the binding's name.
// The first character of a message says what it is:
//   {  JSON of the page link          b  a binary message of it, base64
//   +  open: wanted, and opened as    -  close
//   d  decode: a function's name and id, its value in the next message; and what came of it
//   t  a WebMCP tool: there, wanted, and what came of it

/** @type {Pagewire.Devtools} */
(config, bridge) => {
const { name, documents, tabs, frames, blank, hub, group, captures } = config;
const { window, opener, document, location, Blob: RealBlob, MessageChannel, queueMicrotask } = globalThis;
const call = globalThis[name];
if (!call || call.link) return; // no binding, or here already
delete globalThis[name];
const framed = window && window.parent !== window;
if (window && !(framed ? frames : tabs)) return;
if (window && !framed && !opener && !blank && location.href === "about:blank") return;
if (!documents.some((pattern) => new RegExp(pattern).test(location.href))) return;

const outbox = [], functions = new Map(), captured = new Map(), tools = new Map(), runs = new Map();
let socket, identity;

// Microtasks that a page has to say something at once.
const TICKS = 32;
// What an evaluation that listens takes along; and whether one has taken something in this task, for what is said
// after that must not overtake it.
let said, listening = 0, taken = false;

const listen = async () => {
	listening += 1;
	for (let tick = 0; tick < TICKS && said === undefined; tick += 1) await undefined;
	listening -= 1;
	const text = said;
	said = undefined;
	taken ||= text !== undefined;
	return text;
};

const flush = () => {
	if (taken || said !== undefined) {
		const { port1, port2 } = new MessageChannel();
		port1.onmessage = () => {
			taken = false;
			flush();
		};
		return port2.postMessage(0);
	}
	// A Blob that the page answered with is read first, and what follows it waits.
	const ready = outbox.findIndex((line) => typeof line !== "string");
	const lines = outbox.splice(0, ready < 0 ? outbox.length : ready);
	if (!lines.length) return;
	const text = lines.join("\n");
	if (listening) said = text;
	else call(text);
};

const post = (line) => {
	outbox.push(line);
	if (outbox.length === 1) queueMicrotask(flush);
	if (typeof line === "string") return;
	const place = () => outbox.indexOf(line);
	line.then((text) => { outbox[place()] = text; }, () => { outbox.splice(place(), 1); }).then(flush);
};

const toBase64 = (bytes) => {
	if (bytes.toBase64) return bytes.toBase64();
	let text = "";
	for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
	return btoa(text);
};

const fromBase64 = (text) => Uint8Array.fromBase64
	? Uint8Array.fromBase64(text) : Uint8Array.from(atob(text), (char) => char.charCodeAt(0));

const view = (part) => ArrayBuffer.isView(part)
	? new Uint8Array(part.buffer, part.byteOffset, part.byteLength) : new Uint8Array(part);

const join = (parts) => {
	const views = parts.map(view), whole = new Uint8Array(views.reduce((sum, { length }) => sum + length, 0));
	views.reduce((at, one) => (whole.set(one, at), at + one.length), 0);
	return whole;
};

// What pagewire.js takes for Blob: it can be read at once where its parts can, so that messages keep their order.
class Parts {
	static [Symbol.hasInstance](value) { return value instanceof RealBlob; }

	constructor(parts) {
		this.parts = parts;
		this.size = parts.reduce((sum, part) => sum + (part.size ?? part.byteLength), 0);
	}

	line() {
		if (!this.parts.some((part) => part instanceof RealBlob)) return `b${toBase64(join(this.parts))}`;
		return new RealBlob(this.parts).arrayBuffer().then((bytes) => `b${toBase64(new Uint8Array(bytes))}`);
	}
}

// What pagewire.js takes for WebSocket.
class Socket {
	protocol = "";

	constructor() {
		socket = this;
		post("+");
	}

	send(data) {
		if (identity) {
			const hello = JSON.parse(data);
			Object.assign(hello.params, identity);
			identity = undefined;
			data = JSON.stringify(hello);
		}
		post(typeof data === "string" ? data : data.line());
	}

	close() {
		post("-");
		drop({ code: 1000, reason: "" });
	}
}

const drop = (how) => {
	const dropped = socket;
	socket = undefined;
	dropped?.onclose({ type: "close", wasClean: true, ...how });
};

const world = { document };
bridge(Socket, Parts, async () => ({ ok: true }), {}, { info() {}, warn() {} }, world);
const link = world.pagewire.connect({ url: hub, group });
const { expose } = link;
link.expose = (key, fn, about) => {
	const back = expose(key, fn, about);
	functions.set(key, fn);
	return back;
};

const outcome = async (head, work) => {
	try {
		const value = await work();
		const bytes = value instanceof ArrayBuffer || ArrayBuffer.isView(value);
		return bytes ? { ...head, base64: toBase64(view(value)) } : { ...head, value: value ?? null };
	} catch (thrown) {
		return { ...head, error: String(thrown?.message ?? thrown) };
	}
};

// One after the other, so that what comes out is in the order of what went in.
let decoding = Promise.resolve();
const decode = ([id, key], value) => {
	decoding = decoding.then(() => outcome({ id: +id }, () => {
		const fn = functions.get(key);
		if (!fn) throw new Error(`no function ${key}`);
		return fn(value);
	})).then((told) => post(`d${JSON.stringify(told)}`)).catch((error) => post(`d${JSON.stringify({ id: +id, error: String(error) })}`));
};

// Runs in the frame that registered the tool; the browser is asked to, as the page's own registry is closed to us.
const tool = ({ name: key, description, schema, removed, id, output, error }) => {
	if (removed) {
		tools.get(key)?.();
		tools.delete(key);
	} else if (id) {
		const { resolve, reject } = runs.get(id) ?? {};
		runs.delete(id);
		if (error !== undefined) reject?.(new Error(error));
		else resolve?.(output);
	} else {
		tools.set(key, link.expose(key, function (input = {}) {
			return new Promise((resolve, reject) => {
				const { id: number, signal } = this;
				runs.set(number, { resolve, reject });
				post(`t${JSON.stringify({ id: number, name: key, input })}`);
				signal.addEventListener("abort", () => post(`t${JSON.stringify({ id: number, cancel: true })}`));
			});
		}, { description, params: [{ name: "input", schema }] }));
	}
};

const receive = (...messages) => {
	taken = false; // that was another task
	for (let at = 0; at < messages.length; at += 1) {
		const message = messages[at], rest = message.slice(1);
		try {
			if (message[0] === "{") {
				socket?.onmessage({ data: message });
			} else if (message[0] === "b") {
				socket?.onmessage({ data: fromBase64(rest).buffer });
			} else if (message[0] === "+" && socket) {
				identity = JSON.parse(rest);
				socket.protocol = "pagewire.v1";
				socket.onopen();
			} else if (message[0] === "-") {
				drop(JSON.parse(rest));
			} else if (message[0] === "d") {
				const value = messages[at += 1];
				decode(rest.split(" "), value[0] === "b" ? fromBase64(value.slice(1)) : value.slice(1));
			} else if (message[0] === "t") {
				tool(JSON.parse(rest));
			}
		} catch (error) {
			console.error(error); // and go on with the next message
		}
	}
	return listen();
};

// Captured values are functions of the page from the beginning; until their place was run they say so.
for (const [key, place] of captures) {
	link.expose(key, (...args) => {
		if (!captured.has(key)) throw new Error(`${key} is not captured yet: ${place} has not been run, or no script has it`);
		const value = captured.get(key);
		return typeof value === "function" ? value(...args) : value;
	});
}
const capture = (key, value) => captured.set(key, value);

Object.defineProperty(globalThis, name, { value: Object.assign(receive, { link, capture }) });
// A document that comes back out of the back/forward cache has lost its link.
globalThis.addEventListener?.("pageshow", ({ persisted }) => persisted && drop({ code: 1001, reason: "" }));
}
