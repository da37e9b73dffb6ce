// Tells the test something. One after the other, so that reports arrive in their order.
const report = ((before) => (value) => before = before.then(() =>
	fetch(`${origin}/report`, { method: "POST", body: JSON.stringify(value) })))(Promise.resolve());

/** Tells the test how attaching went: the page id, or why not. */
const reportOpening = (link) => {
	link.on("open", () => report({ opened: link.page }));
	link.on("error", ({ message }) => report({ opened: `not attached: ${message}` }));
	return link;
};
