"""A page stand-in for a Pagewire hub, written from `docs/protocol.md` alone.

It attaches, exposes the functions of `Demo` and stays until SIGTERM or Ctrl-C. Numbers in brackets, such as
(1.5), are sections of that document. The messages are in `wire.py`, one link is in `link.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import inspect
import itertools
import random
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from websockets.asyncio.client import connect
from websockets.client import process_exception
from websockets.exceptions import ConnectionClosed, WebSocketException

from link import BAD_ARGUMENTS, NOT_FOUND, End, Link, RpcError
from wire import NEAR, Bytes, Json, Message

PROTOCOL = "pagewire.v1"
OVERLOADED = -32004
HELLO_SECONDS = 10.0
WAIT_SECONDS_FIRST, WAIT_SECONDS_MAX = 0.25, 15.0
FINAL_REASONS = {"violation", "refused", "kicked"}  # Coming back would end the same way, or is not wanted.

EXPOSED: dict[str, Message] = {}  # The functions by name, as `$/hello` carries them (1.4).


class Detached(Exception):
    """The page is off the hub and must not come back by itself."""


class Page:
    """An identity that outlives its links (1.3, 1.10). A subclass exposes functions."""

    def __init__(self, hub: str, group: str, token: str | None) -> None:
        self.address, self.group, self.token = f"{hub}/v1/page", group, token
        self.identity: Message = {}  # `page` and `epoch` of the last welcome (1.3)
        self.link: Link | None = None
        self.cancelled_calls = 0

    async def run(self) -> None:
        """Attach, and come back after each lost link with growing, jittered waits (1.10). `Detached` at the end."""
        waits = growing_waits()
        while True:
            identity = self.identity
            end = await self.attach_or_lost()
            if end.reason in FINAL_REASONS:
                raise Detached(f"{end.reason} {end.detail}")
            print(f"page.py: {end.reason} {end.detail}, coming back", file=sys.stderr)
            if self.identity is not identity:
                waits = growing_waits()  # There was a welcome: begin with short waits again.
            if end.reason == "replaced":
                self.identity = {}  # A twin has the page id: come back without it (1.3).
            await asyncio.sleep(next(waits))

    async def attach_or_lost(self) -> End:
        """As `attach`, but failures that may pass are ends to come back from; the others are `Detached`."""
        try:
            return await self.attach()
        except RpcError as error:  # The hub's answer to hello (1.3).
            if error.code != OVERLOADED:
                raise Detached(f"hello refused: {error.code} {error}") from error
            return End("overloaded", str(error))
        except (OSError, WebSocketException) as error:
            if process_exception(error) is not None:
                raise Detached(f"cannot attach: {error}") from error
            return End("lost", str(error))

    async def attach(self) -> End:
        """Open one link and serve it to its end (1.1)."""
        async with connect(self.address, subprotocols=self.subprotocols(), **NEAR) as socket:
            if socket.subprotocol != PROTOCOL:
                raise Detached(f"the hub does not speak {PROTOCOL}")
            link = self.link = Link(socket, self)
            reader = asyncio.create_task(link.serve())
            try:
                with contextlib.suppress(ConnectionError, ConnectionClosed):
                    await self.hello(link)
                return await reader
            except asyncio.CancelledError:
                await link.bye(1000, "closing")
                raise

    def subprotocols(self) -> list[Any]:
        """The protocol, and the token as a second one, in base64url without padding (1.1)."""
        if self.token is None:
            return [PROTOCOL]
        token = base64.urlsafe_b64encode(self.token.encode()).decode().rstrip("=")
        return [PROTOCOL, f"pagewire.token.{token}"]

    async def hello(self, link: Link) -> None:
        """Say who we are and what we expose, and keep the identity that the hub answers (1.3)."""
        functions = list(EXPOSED.values())
        params = {"group": self.group, "title": "page.py", "agent": "page.py/1", "functions": functions}
        async with asyncio.timeout(HELLO_SECONDS):
            welcome = await link.request("$/hello", {**params, **self.identity})
        self.identity = {"page": welcome["page"], "epoch": welcome["epoch"]}
        print(f"attached page={welcome['page']} epoch={welcome['epoch']}", flush=True)

    def start(self, name: str, arguments: list[Json]) -> Any:
        """Start an exposed function. The hub has checked the arguments; a page that answers alone checks, too."""
        if name not in EXPOSED:
            raise RpcError(NOT_FOUND, f"no function {name}")
        function = getattr(self, name)
        try:
            inspect.signature(function).bind(*arguments)
        except TypeError as error:
            raise RpcError(BAD_ARGUMENTS, str(error)) from error
        return function(*arguments)

    async def publish(self, topic: str, value: Json) -> Json:
        """Publish below `pages/{group}/`. As a request it is answered with the topic and the seq (1.7)."""
        if self.link is None:
            raise ConnectionError("not attached")
        return await self.link.request("$/publish", {"topic": topic, "value": value})


def growing_waits() -> Iterator[float]:
    """Doubling waits in seconds, each cut by up to half at random so that pages do not come back in step."""
    for doublings in itertools.count():
        longest = min(WAIT_SECONDS_MAX, WAIT_SECONDS_FIRST * 2 ** min(doublings, 16))
        yield longest * random.uniform(0.5, 1.0)


def exposed(result: Json, **params: Message) -> Callable[[Any], Any]:
    """Declare a method as a function of the page (1.4): its result's schema, its Content Descriptors by name."""

    def declare(method: Any) -> Any:
        EXPOSED[method.__name__] = {
            "name": method.__name__,
            "description": method.__doc__,
            "params": [{"name": name, **descriptor} for name, descriptor in params.items()],
            "result": result,
            "stream": inspect.isasyncgenfunction(method),
        }
        return method

    return declare


def required(**schema: Json) -> Message:
    """A Content Descriptor without its name: an argument that must be there and fit the schema."""
    return {"required": True, "schema": schema}


class Demo(Page):
    """The functions that `program.py` calls."""

    @exposed(result={"type": "number"}, a=required(type="number"), b=required(type="number"))
    async def add(self, a: float, b: float) -> float:
        """The sum of two numbers"""
        return a + b

    @exposed(result={"type": "number"}, ms=required(type="number", minimum=0))
    async def slow(self, ms: float) -> float:
        """Answers with `ms` after so many milliseconds; stops when it is cancelled"""
        await asyncio.sleep(ms / 1000)
        return ms

    @exposed(result={}, message=required(type="string"))
    async def fail(self, message: str) -> None:
        """Throws"""
        raise ValueError(message)

    @exposed(
        result={"type": "integer"},
        n=required(type="integer", minimum=0),
        pause_ms={"schema": {"type": "number"}, "description": "between two values"},
    )
    async def count(self, n: int, pause_ms: float = 0) -> AsyncIterator[int]:
        """Streams 1 to n"""
        for number in range(1, n + 1):
            yield number
            await asyncio.sleep(pause_ms / 1000)

    @exposed(result={}, value=required())
    async def reverse(self, value: Bytes) -> Bytes:
        """The bytes in reverse order, of the same media type"""
        if not isinstance(value, Bytes):
            raise RpcError(BAD_ARGUMENTS, "reverse takes bytes")
        return Bytes(value.data[::-1], value.type)

    @exposed(result={}, value=required())
    async def split(self, value: Bytes) -> AsyncIterator[Bytes]:
        """Streams the bytes one by one, each a value"""
        for number in value.data:
            yield Bytes(bytes([number]), value.type)

    @exposed(result={"type": "integer"})
    async def cancelled(self) -> int:
        """How many calls were stopped by `$/cancel` or at their deadline"""
        return self.cancelled_calls

    @exposed(result={"type": "object"}, value=required())
    async def tick(self, value: Json) -> Json:
        """Publishes a value, or bytes, to topic `ticks`; answers with what the hub answered"""
        return await self.publish("ticks", value)


async def main() -> None:
    """Run the page until a signal or the hub ends it."""
    parser = argparse.ArgumentParser(description="A Pagewire page stand-in")
    parser.add_argument("--hub", default="ws://127.0.0.1:9999")
    parser.add_argument("--group", default="py")
    parser.add_argument("--token")
    options = parser.parse_args()
    page = asyncio.create_task(Demo(options.hub, options.group, options.token).run())
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, page.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await page


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except Detached as end:
        sys.exit(f"page.py: {end}")
