// What people paste into a page's console: it waits to be told to go on, and hands out one object each time.
const ws = new WebSocket("ws://127.0.0.1:9999");
let page = 0;
ws.onmessage = ({ data }) => {
  page += 1;
  const obj = { page, asked: data, id: "6923456789012345678", items: [page, page * 2] };
  ws.send(JSON.stringify(obj));
};
