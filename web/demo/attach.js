// What `pagewire demo` runs in the sample page, as `pagewire attach --script FILE` would. `pagewire` is the page's link.
pagewire.expose("add", (a, b) => market.add(a, b), {
  description: "Adds two numbers",
  params: { a: { type: "number" }, b: { type: "number" } },
  result: { type: "number" },
});

pagewire.expose("greet", (name, ms) => market.greet(name, ms), {
  description: "Waits, then greets",
  params: [{ name: "name", required: true, schema: { type: "string" } },
           { name: "ms", schema: { type: "number", maximum: 60000 } }],
  result: { type: "string" },
});

pagewire.expose("countdown", (from) => market.countdown(from), {
  description: "Counts down, one value at a time",
  params: { from: { type: "integer", minimum: 0, maximum: 1000 } },
  stream: true,
});

pagewire.expose("draw", (width, height) => market.draw(width, height), {
  description: "Draws a PNG and gives its bytes",
  params: { width: { type: "integer", minimum: 1, maximum: 4096 }, height: { type: "integer", minimum: 1, maximum: 4096 } },
});

pagewire.expose("userAgent", () => navigator.userAgent, { description: "The browser's own user agent", params: [] });

pagewire.expose("openRoom", (url) => market.openRoom(url), {
  description: "Opens a page in a tab of its own",
  params: { url: { type: "string" } },
});
