// The script of a simulated room. As at a real site nothing of it can be reached from outside but one signing function: the socket, the decoder and the
// key of this load are in closures.
"use strict";
(() => {
  const load = /*{{LOAD}}*/ null;

  // MD5 (RFC 1321), of a text in UTF-8, as lower-case hexadecimal.
  const md5 = (() => {
    const shifts = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
    const sines = Array.from({ length: 64 }, (_, i) => Math.floor(Math.abs(Math.sin(i + 1)) * 2 ** 32) | 0);
    return (text) => {
      const bytes = new TextEncoder().encode(text);
      const padded = new Uint8Array(((bytes.length + 8) >> 6) * 64 + 64);
      padded.set(bytes);
      padded[bytes.length] = 0x80;
      const words = new DataView(padded.buffer);
      words.setUint32(padded.length - 8, bytes.length * 8, true);
      const sum = [0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476];
      for (let at = 0; at < padded.length; at += 64) {
        let [a, b, c, d] = sum;
        for (let i = 0; i < 64; i++) {
          const round = i >> 4;
          const mixed = [(b & c) | (~b & d), (d & b) | (~d & c), b ^ c ^ d, c ^ (b | ~d)][round];
          const word = [i, 5 * i + 1, 3 * i + 5, 7 * i][round] % 16;
          const turn = (a + mixed + sines[i] + words.getInt32(at + word * 4, true)) | 0;
          const by = shifts[round * 4 + (i % 4)];
          [a, d, c, b] = [d, c, b, (b + ((turn << by) | (turn >>> (32 - by)))) | 0];
        }
        [a, b, c, d].forEach((value, i) => { sum[i] = (sum[i] + value) | 0; });
      }
      return sum.map((value) => {
        const hex = (value >>> 0).toString(16).padStart(8, "0");
        return hex.match(/../g).reverse().join("");
      }).join("");
    };
  })();

  // The simulator's own rule, which is no site's: FNV-1a of the secret, a point and the stub.
  const sign = (stub) => {
    let hash = 0xcbf29ce484222325n;
    for (const byte of new TextEncoder().encode(`${load.secret}.${stub}`)) {
      hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
    }
    return `PW${hash.toString(16).padStart(16, "0")}`;
  };

  const frontierSign = (parameters) => {
    const stub = parameters && parameters["X-MS-STUB"];
    if (!/^[0-9a-f]{32}$/.test(stub)) throw new TypeError("X-MS-STUB is an MD5 in lower-case hexadecimal");
    return { "X-Bogus": sign(stub) };
  };
  Object.defineProperty(window, "roomSigner", { value: Object.freeze({ frontierSign }) });

  // Protobuf, as far as it is needed: numbers and bytes by the number of their field.
  const text = new TextDecoder();
  const decode = (bytes, take) => {
    let at = 0;
    const varint = () => {
      const begin = at;
      while (bytes[at] >= 0x80) at++;
      if (at >= bytes.length || at - begin > 9) throw new RangeError("cut");
      at++;
      if (at - begin <= 7) {
        let value = 0;
        for (let i = at - 1; i >= begin; i--) value = value * 128 + (bytes[i] & 0x7f);
        return value;
      }
      let value = 0n;
      for (let i = at - 1; i >= begin; i--) value = (value << 7n) | BigInt(bytes[i] & 0x7f);
      return value;
    };
    while (at < bytes.length) {
      const tag = Number(varint());
      const skip = { 1: 8, 5: 4 }[tag & 7];
      if ((tag & 7) === 0) {
        take(tag >>> 3, varint());
        continue;
      }
      if ((tag & 7) !== 2 && !skip) throw new RangeError("no wire type");
      const length = skip ?? Number(varint());
      if (length > bytes.length - at) throw new RangeError("cut");
      if (!skip) take(tag >>> 3, bytes.subarray(at, at + length));
      at += length;
    }
  };
  const fields = (bytes) => {
    const found = {};
    if (bytes) decode(bytes, (number, value) => { found[number] = value; });
    return found;
  };
  const said = (bytes) => (bytes ? text.decode(bytes) : "");

  const encode = (parts) => {
    const out = [];
    const varint = (value) => {
      let left = BigInt(value);
      for (; left >= 0x80n; left >>= 7n) out.push(Number(left & 0x7fn) | 0x80);
      out.push(Number(left));
    };
    for (const [number, value] of parts) {
      if (typeof value === "string") {
        const bytes = new TextEncoder().encode(value);
        varint(number * 8 + 2);
        varint(bytes.length);
        for (const byte of bytes) out.push(byte);
      } else {
        varint(number * 8);
        varint(value);
      }
    }
    return new Uint8Array(out);
  };

  const UNPACKED_BYTES = 8 << 20;
  const gunzip = async (bytes) => {
    const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip")).getReader();
    const parts = [];
    let length = 0;
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > UNPACKED_BYTES) {
        await reader.cancel();
        throw new RangeError("unpacks to too much");
      }
      parts.push(value);
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  };

  // What the page shows.
  const totals = { viewers: 0, messages: 0, chats: 0, gifts: 0, value: 0, likes: 0, connections: 0, unreadable: 0 };
  const lines = { "chat-list": [], "gift-list": [] };
  const LINES = 80;
  const element = (id) => document.getElementById(id);
  let drawing = false;
  const draw = () => {
    if (drawing) return;
    drawing = true;
    setTimeout(() => {
      drawing = false;
      for (const [id, value] of Object.entries(totals)) element(id).textContent = String(value);
      for (const [id, waiting] of Object.entries(lines)) {
        const list = element(id);
        list.append(...waiting.splice(0));
        while (list.children.length > LINES) list.firstElementChild.remove();
      }
    }, 100);
  };
  const line = (list, name, what, mark) => {
    const item = document.createElement("li");
    const who = document.createElement("b");
    who.textContent = name;
    item.append(who, what);
    if (mark) {
      const bold = document.createElement("i");
      bold.textContent = ` ${mark}`;
      item.append(bold);
    }
    lines[list].push(item);
    if (lines[list].length > LINES) lines[list].shift();
  };
  const show = (state, words) => {
    document.body.className = state;
    element("status").textContent = words;
  };

  // Messages, each once over all connections.
  const seen = new Set();
  const SEEN = 200_000;
  const combos = new Map();
  const room = { cursor: "", ext: "", polling: load.polling, intervalMs: 1000, heartbeatMs: 10_000, ended: false, saidClose: false };

  const give = (key, sender, gift, total) => {
    const grown = Math.max(0, total - (combos.get(key) ?? 0));
    if (!grown) return;
    combos.set(key, total);
    totals.gifts += grown;
    totals.value += grown * (gift[12] ?? 0);
    line("gift-list", said(sender[3]), said(gift[16]), `× ${total}`);
  };
  const kinds = {
    WebcastChatMessage: (chat) => {
      totals.chats++;
      line("chat-list", said(fields(chat[2])[3]), said(chat[3]));
    },
    WebcastEmojiChatMessage: (chat) => {
      totals.chats++;
      line("chat-list", said(fields(chat[2])[3]), said(chat[5]));
    },
    WebcastGiftMessage: (message, id) => {
      const [sender, gift] = [fields(message[7]), fields(message[15])];
      const key = [sender[1], said(sender[3]), message[2], message[11] ?? id].join(" ");
      give(key, sender, gift, (message[4] ?? 1) * (message[6] ?? 1));
    },
    WebcastLightGiftMessage: (message, id) => {
      const sender = fields(fields(message[1])[15]);
      give(`light ${id}`, sender, fields(message[13]), message[10] ?? 1);
    },
    WebcastLikeMessage: (like) => { totals.likes += like[2] ?? 0; },
    WebcastMemberMessage: (member) => { totals.viewers = member[3] ?? totals.viewers; },
    WebcastControlMessage: (control) => { room.ended ||= control[2] === 3 || control[2] === 4; },
  };
  const takeMessage = (bytes) => {
    const message = fields(bytes);
    const [method, id] = [said(message[1]), String(message[3])];
    const content = fields(message[2]);
    const isNew = !seen.has(id);
    if (isNew) {
      totals.messages++;
      seen.add(id);
      if (seen.size > SEEN) seen.delete(seen.values().next().value);
    }
    // Of a gift that came before the numbers may still have grown.
    if (isNew || method === "WebcastGiftMessage") kinds[method]?.(content, id);
  };
  const takeResponse = (bytes) => {
    const response = {};
    decode(bytes, (number, value) => {
      if (number !== 1) response[number] = value;
    });
    decode(bytes, (number, value) => {
      if (number !== 1) return;
      try {
        takeMessage(value);
      } catch {
        totals.unreadable++;
      }
    });
    room.cursor = said(response[2]) || room.cursor;
    room.ext = said(response[5]) || room.ext;
    if (response[6]) room.polling = response[6] === 2;
    room.intervalMs = response[3] || room.intervalMs;
    room.heartbeatMs = (response[8] || 10) * 1000;
    draw();
    return response;
  };
  const takeFrame = async (bytes, socket) => {
    const [frame, headers] = [{}, {}];
    decode(bytes, (number, value) => {
      if (number !== 5) frame[number] = value;
      else headers[said(fields(value)[1])] = said(fields(value)[2]);
    });
    const kind = said(frame[7]);
    if (kind === "close") {
      room.saidClose = true;
      socket.close();
    }
    if (kind !== "msg") return;
    const packed = headers.compress_type === "gzip";
    const unpacked = packed ? await gunzip(frame[8]) : frame[8];
    // The frame is acknowledged before its messages are looked at.
    const response = fields(unpacked);
    if (response[9] && socket.readyState === WebSocket.OPEN) {
      socket.send(encode([[2, frame[2]], [7, "ack"], [8, headers["im-internal_ext"] || said(response[5])]]));
    }
    takeResponse(unpacked);
    room.cursor = headers["im-cursor"] || room.cursor;
    room.ext = headers["im-internal_ext"] || room.ext;
  };

  const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
  const parameters = () => {
    const all = new URLSearchParams({
      app_name: "douyin_web", version_code: "180800", webcast_sdk_version: "1.0.15", update_version_code: "1.0.15", compress: "gzip",
      device_platform: "web", cookie_enabled: "true", browser_language: navigator.language, browser_online: "true", tz_name: "Asia/Shanghai",
      cursor: room.cursor, internal_ext: room.ext, host: location.origin, aid: "6383", live_id: "1", did_rule: "3", endpoint: "live_pc",
      support_wrds: "1", user_unique_id: load.visitor, im_path: "/webcast/im/fetch/", identity: "audience", need_persist_msg_count: "15",
      insert_task_id: "", live_reason: "", room_id: load.room, heartbeatDuration: "0",
    });
    for (const fault of load.faults) all.append("fault", fault);
    return all;
  };
  const signed = () => {
    const all = parameters();
    const names = ["live_id", "aid", "version_code", "webcast_sdk_version", "room_id", "sub_room_id", "sub_channel_id", "did_rule", "user_unique_id",
      "device_platform", "device_type", "ac", "identity"];
    const line = names.map((name) => `${name}=${all.get(name) ?? ""}`).join(",");
    all.set("signature", window.roomSigner.frontierSign({ "X-MS-STUB": md5(line) })["X-Bogus"]);
    return all;
  };

  const enter = async () => {
    const answer = await fetch(`/webcast/room/web/enter/?aid=6383&app_name=douyin_web&live_id=1&device_platform=web&web_rid=${load.name}`);
    const told = await answer.json();
    return told.data.data[0].status;
  };
  const ask = async () => {
    try {
      const answer = await fetch(`/webcast/im/fetch/?resp_content_type=protobuf&${parameters()}`);
      takeResponse(new Uint8Array(await answer.arrayBuffer()));
    } catch {
      totals.unreadable++;
    }
  };
  // Whether the socket has opened; at its end.
  const listen = () => new Promise((done) => {
    const socket = new WebSocket(`ws://${location.host}/webcast/im/push/v2/?${signed()}`);
    socket.binaryType = "arraybuffer";
    let [opened, heartbeat, frames] = [false, 0, Promise.resolve()];
    socket.onopen = () => {
      opened = true;
      totals.connections++;
      heartbeat = setInterval(() => {
        // A socket that is closing is told nothing.
        if (socket.readyState === WebSocket.OPEN) socket.send(encode([[7, "hb"]]));
      }, room.heartbeatMs);
      show("live", "直播中 Live");
      draw();
    };
    socket.onmessage = (message) => {
      frames = frames.then(() => takeFrame(new Uint8Array(message.data), socket)).catch(() => {
        totals.unreadable++;
        draw();
      });
    };
    socket.onclose = () => {
      clearInterval(heartbeat);
      frames.then(() => done(opened));
    };
  });

  const watch = async () => {
    while (await enter() === 1) {
      show("", "未开播 Not live yet");
      await sleep(1000);
    }
    await ask();
    for (let waitMs = 200; !room.ended; ) {
      if (room.polling) {
        show("live", "直播中 Live (polling)");
        await sleep(room.intervalMs);
        await ask();
        continue;
      }
      const opened = await listen();
      if (room.ended) break;
      show("", "重新连接 Reconnecting");
      waitMs = opened ? 200 : Math.min(waitMs * 2, 5000);
      await sleep(waitMs);
      // Why the socket did not go on is told by asking: perhaps there is none any more.
      if (!opened || room.saidClose) await ask();
      room.saidClose = false;
    }
    show("", "直播已结束 The broadcast has ended");
    draw();
  };
  watch().catch((error) => show("", `出错 Error: ${error.message}`));
})();
