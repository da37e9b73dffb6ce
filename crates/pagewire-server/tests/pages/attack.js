// Everything that a web page can do to a server which it does not own. Each attack has a name, what it asks of the
// hub, and `run`, which gives what the page gained: text it could read, or "open" for what opened. `stopped`: the
// browser itself does not let a page of another origin ask.

const call = "/v1/call/victim/secret", publish = "/v1/topics/programs/evil";
const topic = "/v1/topics/pages/victim/price", socket = "/v1/page";
const body = '["attack"]';
const attacks = [], windows = [];
let addresses = 0;

const attack = (name, asks, run, { stopped = false } = {}) => attacks.push({ name, asks, run, stopped });

/** An address of its own for each element, so that none takes its answer from another's. */
const fresh = (path) => `${hub}${path}?${++addresses}`;

/** What a window or frame shows. Throws nothing: not being let in is the point. */
const inside = (view) => {
	try { return view.document.body.innerText; } catch { return ""; }
};

// --- Ways in that tell how they went ---

const read = (response) => response.type === "opaque" ? "" : response.text();
const tryFetch = (path, options) => fetch(hub + path, options).then(read).catch(() => "");

const tryRequest = (method, path, { type, cookies = false, later = true } = {}) => new Promise((resolve) => {
	const request = new XMLHttpRequest();
	request.onload = () => resolve(request.responseText);
	request.onerror = () => resolve("");
	request.open(method, hub + path, later);
	request.withCredentials = cookies;
	if (type) request.setRequestHeader("content-type", type);
	try { request.send(method === "POST" ? body : null); } catch { resolve(""); }
});

const tryEvents = (path, options) => new Promise((resolve) => {
	const source = new EventSource(hub + path, options);
	const end = (gained) => {
		source.close();
		resolve(gained);
	};
	source.onopen = () => end("open");
	source.onerror = () => end("");
});

/** A page socket that opens is used to attach: the page gains a welcome. */
const trySocket = (path, protocols) => new Promise((resolve) => {
	const ws = new WebSocket(hub.replace("http", "ws") + path, protocols);
	ws.onopen = () => {
		if (path !== socket) return resolve("open");
		const params = { group: "evil", functions: [{ name: "trap" }] };
		ws.send(JSON.stringify({ jsonrpc: "2.0", id: 0, method: "$/hello", params }));
	};
	ws.onmessage = ({ data }) => resolve(data);
	ws.onclose = () => resolve("");
});

const tryElement = (tag, attributes) => new Promise((resolve) => {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
	element.onload = () => resolve(inside(element.contentWindow));
	element.onerror = () => resolve("");
	document.body.append(element);
});

const tryForm = (method, path, enctype) => new Promise((resolve) => {
	const frame = document.createElement("iframe");
	frame.name = `frame${++addresses}`;
	document.body.append(frame);
	frame.onload = () => resolve(inside(frame.contentWindow));
	submit(method, path, enctype, frame.name);
});

/** Sends a form without fields: the hub takes an empty body for a call without arguments. */
const submit = (method, path, enctype, target) => {
	const form = document.createElement("form");
	Object.assign(form, { method, action: hub + path, enctype, target });
	document.body.append(form);
	form.submit();
};

/** Runs `code` in a worker, where the functions above that need no document are there too. */
const inWorker = (code) => new Promise((resolve) => {
	const tryImport = (path) => {
		try { importScripts(hub + path); return "open"; } catch { return ""; }
	};
	const constants = { hub, socket, body }, functions = { read, tryFetch, tryEvents, trySocket, tryImport };
	const worker = new Worker(URL.createObjectURL(new Blob([
		...Object.entries(constants).map(([name, value]) => `const ${name} = ${JSON.stringify(value)};`),
		...Object.entries(functions).map(([name, value]) => `const ${name} = ${value};`),
		`(async () => postMessage(await ${code}))();`,
	])));
	worker.onmessage = ({ data }) => resolve(data);
	worker.onerror = ({ message }) => resolve(`the worker failed: ${message}`);
});

// --- Ways in that tell nothing: the hub's own account says how they went ---

const blindly = (act) => () => {
	act();
	return "";
};

const addStyle = (textContent) =>
	document.head.append(Object.assign(document.createElement("style"), { textContent }));

const clickPing = (path) => {
	const frame = Object.assign(document.createElement("iframe"), { name: `frame${++addresses}` });
	const link = Object.assign(document.createElement("a"), { href: "about:blank", target: frame.name, ping: hub + path });
	document.body.append(frame, link);
	link.click();
};

// --- The attacks ---

for (const path of ["/v1/pages", "/v1/topics", topic]) {
	const get = (name, run) => attack(`${name} ${path}`, `GET ${path}`, run);
	get("fetch", () => tryFetch(path));
	get("fetch with cookies", () => tryFetch(path, { credentials: "include" }));
	get("fetch no-cors", () => tryFetch(path, { mode: "no-cors" }));
	get("XMLHttpRequest", () => tryRequest("GET", path));
	get("XMLHttpRequest with cookies", () => tryRequest("GET", path, { cookies: true }));
}

const plain = { "content-type": "text/plain" }, json = { "content-type": "application/json" };
const urlencoded = { "content-type": "application/x-www-form-urlencoded" };
for (const path of [call, publish]) {
	const post = (name, options, more) => attack(`fetch POST ${name} ${path}`, `POST ${path}`,
		() => tryFetch(path, { method: "POST", body, ...options }), more);
	post("text", {});
	post("text/plain", { headers: plain });
	post("form", { headers: urlencoded });
	post("JSON", { headers: json });
	post("text with cookies", { credentials: "include" });
	post("JSON with cookies", { headers: json, credentials: "include" }, { stopped: true });
	post("with a header of its own", { headers: { "x-odd": "1" } }, { stopped: true });
	post("no-cors", { mode: "no-cors" });
	post("no-cors form with cookies", { mode: "no-cors", headers: urlencoded, credentials: "include" });
	post("that outlives the page", { keepalive: true });
	post("same-origin only", { mode: "same-origin" }, { stopped: true });

	const send = (name, options) => attack(`XMLHttpRequest POST ${name} ${path}`, `POST ${path}`,
		() => tryRequest("POST", path, options));
	send("text", { type: "text/plain" });
	send("JSON", { type: "application/json" });
	send("text with cookies", { type: "text/plain", cookies: true });
	send("text, waiting", { type: "text/plain", later: false });

	for (const type of ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"]) {
		attack(`POST form ${type} ${path}`, `POST ${path}`, () => tryForm("POST", path, type));
	}
	const silent = (name, act, more) => attack(`${name} ${path}`, `POST ${path}`, blindly(act), more);
	silent("beacon", () => navigator.sendBeacon(hub + path, body));
	silent("beacon, form", () => navigator.sendBeacon(hub + path, new URLSearchParams()));
	silent("beacon, JSON", () => navigator.sendBeacon(hub + path, new Blob([body], { type: "application/json" })),
		{ stopped: true });
	silent("<a ping>", () => clickPing(path));
}

for (const path of [topic, call]) {
	const get = (name, run) => attack(`${name} ${path}`, `GET ${path}`, run);
	get("<img>", () => tryElement("img", { src: fresh(path) }));
	get("<img crossorigin>", () => tryElement("img", { src: fresh(path), crossorigin: "use-credentials" }));
	get("<script>", () => tryElement("script", { src: fresh(path) }));
	get("<script type=module>", () => tryElement("script", { src: fresh(path), type: "module" }));
	get("<link stylesheet>", () => tryElement("link", { href: fresh(path), rel: "stylesheet" }));
	get("<iframe>", () => tryElement("iframe", { src: fresh(path) }));
	get("GET form", () => tryForm("GET", path, ""));
	get("EventSource", () => tryEvents(path));
	get("EventSource with cookies", () => tryEvents(path, { withCredentials: true }));
	get("<link prefetch>", blindly(() => tryElement("link", { href: fresh(path), rel: "prefetch" })));
	get("<link preload>", blindly(() => tryElement("link", { href: fresh(path), rel: "preload", as: "image" })));
	get("<object>", blindly(() => tryElement("object", { data: fresh(path) })));
	get("<embed>", blindly(() => tryElement("embed", { src: fresh(path) })));
	get("<video>", blindly(() => tryElement("video", { src: fresh(path), preload: "auto" })));
	get("<audio>", blindly(() => tryElement("audio", { src: fresh(path), preload: "auto" })));
	get("a style's import", blindly(() => addStyle(`@import "${fresh(path)}"`)));
	get("a style's image", blindly(() => tryElement("p", { style: `background: url("${fresh(path)}")` })));
}

attack("WebSocket of a page", `GET ${socket}`, () => trySocket(socket, ["pagewire.v1"]));
attack("WebSocket of a page, no protocol", `GET ${socket}`, () => trySocket(socket));
attack("WebSocket of a topic", `GET ${topic}`, () => trySocket(topic));
attack("WebSocket of a topic, pagewire.v1", `GET ${topic}`, () => trySocket(topic, ["pagewire.v1"]));

const fromWorker = (code, asks) => attack(`worker: ${code}`, asks, () => inWorker(code));
fromWorker(`tryFetch("${topic}")`, `GET ${topic}`);
fromWorker(`tryFetch("${call}", { method: "POST", body })`, `POST ${call}`);
fromWorker(`tryFetch("${call}", { method: "POST", body, mode: "no-cors" })`, `POST ${call}`);
fromWorker(`tryImport("${topic}")`, `GET ${topic}`);
fromWorker(`tryEvents("${topic}")`, `GET ${topic}`);
fromWorker(`trySocket("${topic}")`, `GET ${topic}`);
fromWorker(`trySocket("${socket}", ["pagewire.v1"])`, `GET ${socket}`);

// Last, because a page behind a window loads no more films.
for (const path of [call, publish]) {
	attack(`POST form into a window ${path}`, `POST ${path}`, blindly(() => submit("POST", path, "text/plain", "_blank")));
}
for (const path of [topic, call, "/v1/pages"]) {
	attack(`window.open ${path}`, `GET ${path}`, blindly(() => windows.push(open(fresh(path)))));
}

attack("fetch DELETE", `DELETE ${victim}`, () => tryFetch(victim, { method: "DELETE" }));

(async () => {
	const done = [];
	for (const { run, ...about } of attacks) {
		const gained = await Promise.resolve().then(run).catch((error) => `could not be tried: ${error}`);
		done.push({ ...about, gained });
	}
	const shown = windows.map(inside).join("");
	const report = JSON.stringify({ origin, attacks: done, shown });
	await fetch(`${site}/report`, { method: "POST", mode: "no-cors", body: report });
})();
