// A client as it stands in the documentation of the npm package ws: it knows nothing of Pagewire.
// Against a hub that was started with --echo it prints what it sent.
import { createRequire } from "node:module";

const { WebSocket } = createRequire(`${process.cwd()}/`)("ws");
const socket = new WebSocket(process.argv[2] ?? "ws://127.0.0.1:9999");
const texts = ["hello", '{"n": 12345678901234567890}', "再见"];

socket.on("error", console.error);
socket.on("open", () => socket.send(texts[0]));
socket.on("message", (data) => {
  console.log(data.toString());
  texts.shift();
  if (texts.length > 0) socket.send(texts[0]);
  else socket.close();
});
