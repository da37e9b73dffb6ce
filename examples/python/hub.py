"""A program's client for a Pagewire hub: calls, streams, publish and subscribe over HTTP (protocol.md 3)."""

from __future__ import annotations

import base64
import contextlib
import http.client
import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from http.client import HTTPResponse
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit

from websockets.sync.client import ClientConnection, connect

from wire import NEAR, Json, Message, decode_binary, json_object

SECONDS_MAX = 20.0  # Nothing in the scenario takes longer.
T = TypeVar("T")
JSON, NDJSON, SSE = "application/json", "application/x-ndjson", "text/event-stream"


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def type(self) -> str:
        """The media type, without parameters."""
        return self.headers.get_content_type()

    @property
    def json(self) -> Any:
        """The body, which must be JSON."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Event:
    """A Server-Sent Event: a value, a record, `end`, `error` or `gap` (3.1, 3.4)."""

    name: str
    data: str
    id: str


class Hub:
    """One hub, spoken to as a program: no `Origin`, and a token where one is needed (4)."""

    def __init__(self, address: str, group: str, token: str | None = None) -> None:
        self.host, self.group = urlsplit(address).netloc, group
        self.access = {"Authorization": f"Bearer {token}"} if token else {}

    @contextlib.contextmanager
    def open(
        self,
        method: str,
        address: str,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        seconds_max: float = SECONDS_MAX,
    ) -> Iterator[HTTPResponse]:
        """An answer that is read as it comes. Leaving early hangs up, which cancels a call (3.1)."""
        connection = http.client.HTTPConnection(self.host, timeout=seconds_max)
        try:
            connection.request(method, address, body, {**self.access, **(headers or {})})
            yield connection.getresponse()
        finally:
            connection.close()

    def ask(self, method: str, address: str, body: bytes = b"", headers: dict[str, str] | None = None) -> Answer:
        """A whole answer."""
        with self.open(method, address, body, headers) as response:
            return Answer(response.status, response.headers, response.read())

    def get(self, address: str) -> Any:
        """The JSON at an address. `ValueError` when there is none."""
        answer = self.ask("GET", address)
        if answer.status != 200:
            raise ValueError(f"{address}: {answer.status} {answer.body!r}")
        return answer.json

    def call_address(self, function: str, **query: str) -> str:
        """Where a function of the group is called (3.1)."""
        return with_query(f"/v1/call/{quote(self.group)}/{quote(function)}", query)

    def call(self, function: str, *arguments: Json, **query: str) -> Answer:
        """A call whose body is a JSON array: the arguments in their order (3.1)."""
        return self.post(self.call_address(function, **query), arguments)

    def post(self, address: str, value: Json) -> Answer:
        """POST a JSON body."""
        return self.ask("POST", address, json.dumps(value).encode(), {"Content-Type": JSON})

    def stream(
        self, function: str, *arguments: Json, accept: str, **query: str
    ) -> contextlib.AbstractContextManager[HTTPResponse]:
        """A call of a function that streams, as NDJSON or SSE (3.1)."""
        headers = {"Content-Type": JSON, "Accept": accept}
        return self.open("POST", self.call_address(function, **query), json.dumps(arguments).encode(), headers)

    def follow(self, topic: str, accept: str, **query: str) -> contextlib.AbstractContextManager[HTTPResponse]:
        """The values of a topic, as NDJSON or SSE (3.4)."""
        return self.open("GET", topic_address(topic, **query), headers={"Accept": accept})

    def follow_socket(self, topic: str, **query: str) -> contextlib.AbstractContextManager[ClientConnection]:
        """The values of a topic over WebSocket (3.4)."""
        address = f"ws://{self.host}{topic_address(topic, **query)}"
        socket: ClientConnection = connect(address, additional_headers=self.access, **NEAR)
        return socket


def with_query(address: str, query: dict[str, str]) -> str:
    """An address with query parameters, percent-encoded (3.1)."""
    return f"{address}?{urlencode(query)}" if query else address


def topic_address(topic: str, **query: str) -> str:
    """The address of a topic: its name is the rest of the path (3.4)."""
    return with_query(f"/v1/topics/{quote(topic)}", query)


def ndjson_values(lines: Iterable[bytes]) -> Iterator[Json]:
    """The values of an NDJSON stream. Empty lines only keep the connection alive (3.4)."""
    for line in lines:
        if line.strip():
            yield json.loads(line)


def sse_events(lines: Iterable[bytes]) -> Iterator[Event]:
    """The events of an SSE stream. Comment lines only keep the connection alive (3.4)."""
    fields: dict[str, list[str]] = {}
    for line in (raw.decode().rstrip("\r\n") for raw in lines):
        name, _, value = line.partition(":")
        if name:
            fields.setdefault(name, []).append(value.removeprefix(" "))
        elif not line and fields:
            data = "\n".join(fields.get("data", []))
            yield Event(fields.get("event", ["message"])[-1], data, fields.get("id", [""])[-1])
            fields = {}


def socket_record(message: str | bytes) -> Message:
    """The record of a message, as the other forms have it: bytes, here a binary message, as base64 (3.4)."""
    if isinstance(message, str):
        record = json_object(message)
        if "base64" in record:
            raise ValueError("bytes in a text message")
        return record
    header, value = decode_binary(message)
    return {**header, "base64": base64.b64encode(value.data).decode(), "type": value.type}


def socket_records(socket: ClientConnection, n: int) -> list[Message]:
    """The next `n` records, of which each must come in time."""
    return [socket_record(socket.recv(timeout=SECONDS_MAX)) for _ in range(n)]


def first(n: int, values: Iterable[T]) -> list[T]:
    """The first `n` of a stream that may go on."""
    return list(itertools.islice(values, n))
