"""Writes what `independent.rs` describes, with the standard library alone and from the descriptions of the formats.

Standard input: a JSON list of cases. Standard output: a line of hex for each.
"""

import base64
import gzip
import hashlib
import json
import struct
import sys
import zlib


def tars_head(tag, kind):
    return bytes([tag << 4 | kind]) if tag < 15 else bytes([0xF0 | kind, tag])


def tars_int(tag, value):
    if value == 0:
        return tars_head(tag, 12)
    for kind, form in enumerate(["b", "h", "i", "q"]):
        try:
            return tars_head(tag, kind) + struct.pack(">" + form, value)
        except struct.error:
            continue
    raise ValueError(value)


def tars(tag, value):
    (kind, of), = value.items()
    if kind == "int":
        return tars_int(tag, of)
    if kind == "float":
        return tars_head(tag, 4) + struct.pack(">f", of)
    if kind == "double":
        return tars_head(tag, 5) + struct.pack(">d", of)
    if kind == "string":
        text = bytes.fromhex(of)
        if len(text) < 256:
            return tars_head(tag, 6) + struct.pack(">B", len(text)) + text
        return tars_head(tag, 7) + struct.pack(">I", len(text)) + text
    if kind == "map":
        pairs = b"".join(tars(0, key) + tars(1, item) for key, item in of)
        return tars_head(tag, 8) + tars_int(0, len(of)) + pairs
    if kind == "list":
        return tars_head(tag, 9) + tars_int(0, len(of)) + b"".join(tars(0, item) for item in of)
    if kind == "struct":
        return tars_head(tag, 10) + tars_fields(of) + tars_head(0, 11)
    if kind == "bytes":
        content = bytes.fromhex(of)
        return tars_head(tag, 13) + tars_head(0, 0) + tars_int(0, len(content)) + content
    raise ValueError(kind)


def tars_fields(fields):
    return b"".join(tars(tag, value) for tag, value in fields)


def stt(items):
    text = ""
    for key, value in items:
        if isinstance(value, list):
            value = stt(value)
        if key is not None:
            text += stt_escape(key) + "@="
        text += stt_escape(value) + "/"
    return text


def stt_escape(text):
    return text.replace("@", "@A").replace("/", "@S")


def douyu(packets):
    frame = b""
    for side, items in packets:
        body = stt(items).encode() + b"\0"
        length = len(body) + 8
        frame += struct.pack("<IIHBB", length, length, side, 0, 0) + body
    return frame


def bilibili(packets):
    frame = b""
    for packet in packets:
        if "zlib" in packet:
            operation, version, body = 5, 2, zlib.compress(bilibili(packet["zlib"]))
        else:
            operation, version, body = packet["operation"], packet["version"], bytes.fromhex(packet["body"])
        frame += struct.pack(">IHHII", 16 + len(body), 16, version, operation, 1) + body
    return frame


def web_socket(frames):
    stream = b""
    for first, mask, payload in frames:
        payload, key = bytes.fromhex(payload), bytes.fromhex(mask)
        bit = 0x80 if key else 0
        if len(payload) < 126:
            stream += struct.pack(">BB", first, bit | len(payload))
        elif len(payload) < 65536:
            stream += struct.pack(">BBH", first, bit | 126, len(payload))
        else:
            stream += struct.pack(">BBQ", first, bit | 127, len(payload))
        stream += key + bytes(byte ^ key[at % 4] if key else byte for at, byte in enumerate(payload))
    return stream


def accept(key):
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    return base64.b64encode(digest)


def gzip_members(members):
    return b"".join(gzip.compress(bytes.fromhex(member)) for member in members)


WRITERS = {
    "tars": tars_fields,
    "stt": lambda items: stt(items).encode(),
    "douyu": douyu,
    "bilibili": bilibili,
    "ws": web_socket,
    "accept": accept,
    "gzip": gzip_members,
}

for case in json.load(sys.stdin):
    (name, of), = case.items()
    print(WRITERS[name](of).hex())
