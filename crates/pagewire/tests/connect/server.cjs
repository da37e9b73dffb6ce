// The same for npm `ws`: an echo with compression on offer, a server that pings, closes and drops. Prints its port first.
"use strict";
const { WebSocketServer } = require("ws");

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: true });

server.on("connection", (socket, request) => {
  switch (request.url) {
    case "/echo":
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
      break;
    case "/extensions":
      socket.send(JSON.stringify({ offered: request.headers["sec-websocket-extensions"] ?? null, used: socket.extensions }));
      break;
    case "/fragments":
      socket.send("one ", { fin: false });
      socket.ping("between");
      socket.send("two", { fin: true });
      break;
    case "/pong":
      socket.on("pong", (data) => socket.send(`pong ${data}`));
      socket.ping("node");
      break;
    case "/close":
      socket.close(4001, "as asked");
      break;
    case "/no-code":
      socket.close();
      break;
    case "/terminate":
      socket.terminate();
      break;
  }
});
server.on("listening", () => console.log(server.address().port));
process.stdin.resume().on("end", () => process.exit(0));
