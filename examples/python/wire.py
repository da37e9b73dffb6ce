"""The messages of a page link: JSON-RPC objects, as text or with one value as bytes (protocol.md 1.1, 1.2)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

Json = Any
Message = dict[str, Any]

# How to open a WebSocket to a hub: it is on this machine or near, so neither through a proxy nor compressed;
# it is trusted to bound what it sends, and says its limits only after the socket is open (1.3).
NEAR: dict[str, Any] = {"proxy": None, "compression": None, "max_size": None}


@dataclass(frozen=True)
class Bytes:
    """A value that is bytes instead of JSON (1.2)."""

    data: bytes
    type: str = "application/octet-stream"


def encode(message: Message) -> str | bytes:
    """A text message; a binary one when the value is `Bytes`: length of header, header, the bytes (1.2)."""
    holder, key = value_place(message)
    value = holder.get(key)
    if not isinstance(value, Bytes):
        return json_text(message)
    del holder[key]
    header = json_text({**message, "type": value.type}).encode()
    return len(header).to_bytes(2, "big") + header + value.data


def decode(raw: str | bytes) -> Message:
    """The object of a message, with `Bytes` where its value is bytes. `ValueError` when it is not understood (1.10)."""
    if isinstance(raw, str):
        return json_object(raw)
    header, value = decode_binary(raw)
    holder, key = value_place(header)
    holder[key] = [value] if key == "params" else value
    return header


def decode_binary(raw: bytes) -> tuple[Message, Bytes]:
    """The header and the bytes of a binary message (1.2). On a topic the header is the record itself (3.4)."""
    end = 2 + int.from_bytes(raw[:2], "big")
    if len(raw) < max(2, end):
        raise ValueError("binary message cut short")
    header = json_object(raw[2:end].decode())
    return header, Bytes(raw[end:], header.pop("type", Bytes.type))


def value_place(message: Message) -> tuple[Message, str]:
    """The member that bytes may stand for, and the object that holds it: the table of (1.2)."""
    if "method" not in message:
        return message, "result"
    if message["method"].startswith("$/"):
        return message.setdefault("params", {}), "value"
    return message, "params"


def json_object(text: str) -> Message:
    """A JSON object. `ValueError` for anything else."""
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON-RPC object")
    return value


def json_text(value: Json) -> str:
    """Compact JSON. `ValueError` for NaN and infinity, which Python would write and JSON does not have."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
