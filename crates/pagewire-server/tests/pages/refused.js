// A page that may not attach. It tells what the bridge says, and how often once it has tried some more.
const soon = setTimeout, Socket = WebSocket, errors = [];
let tries = 0;

// No waits between the bridge's tries.
globalThis.setTimeout = (fn) => soon(fn);
globalThis.WebSocket = class extends Socket {
	constructor(...how) {
		super(...how);
		if (++tries === 4) report({ tries, errors });
	}
};

const link = pagewire.connect({{options}});
link.on("open", () => report({ error: "it may attach", secure: isSecureContext }));
link.on("error", ({ message }) => {
	if (!errors.length) report({ error: message, secure: isSecureContext });
	errors.push(message);
});
