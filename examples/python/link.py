"""One link of a page to the hub: its requests, the hub's calls, streams with credit, the end (protocol.md 1)."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import itertools
import traceback
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from wire import Json, Message, decode, encode

PAGE_ERROR, NOT_FOUND, BAD_ARGUMENTS = -32000, -32601, -32602  # (1.5, 2)
DEADLINE_MS_MAX = 86_400_000  # No call may take longer (3.1).
CLOSE_REASONS = {4400: "violation", 4403: "refused", 4409: "replaced", 4410: "kicked"}  # (1.10)


class RpcError(Exception):
    """The `error` of a response (1.5)."""

    def __init__(self, code: int, message: str, data: Json = None) -> None:
        super().__init__(message)
        self.code, self.data = code, data

    @classmethod
    def of(cls, exception: Exception) -> RpcError:
        """What a function raises is a page error; its `data` is as the bridge sends it (1.5)."""
        if isinstance(exception, cls):
            return exception
        stack = "".join(traceback.format_exception(exception))
        return cls(PAGE_ERROR, str(exception), {"name": type(exception).__name__, "stack": stack})


class End(NamedTuple):
    """Why a link ended: a reason of (1.10), `refused`, `overloaded` or `lost`; the detail is for people."""

    reason: str
    detail: str = ""


class Callee(Protocol):
    """Who answers the calls of a link."""

    cancelled_calls: int

    def start(self, name: str, arguments: list[Json]) -> Any:
        """Start a function: a coroutine, or an async generator when it streams. `RpcError` when it cannot start."""


@dataclass(frozen=True)
class Call:
    """A call under way: the task that works on it, and a permit for each value that it may send (1.6)."""

    task: asyncio.Task[None]
    credit: asyncio.Semaphore


class Link:
    """One WebSocket. Each side has ids of its own: our 7 and the hub's 7 are two requests (1.1)."""

    def __init__(self, socket: ClientConnection, callee: Callee) -> None:
        self.socket, self.callee = socket, callee
        self.ids = itertools.count()
        self.waiting: dict[int, asyncio.Future[Json]] = {}
        self.calls: dict[int, Call] = {}
        self.end: End | None = None

    async def serve(self) -> End:
        """Handle messages until the link ends."""
        try:
            async for raw in self.socket:
                await self.handle(decode(raw))
        except ConnectionClosed:
            pass
        except (ValueError, KeyError, TypeError, AttributeError) as error:  # Not of the form that (1) gives it.
            self.end = End("violation", f"of the hub: {error!r}")
            await self.bye(4400, *self.end)
        finally:
            self.drop_all()
        code = self.socket.close_code or 0
        return self.end or End(CLOSE_REASONS.get(code, "lost"), f"closed with {code} {self.socket.close_reason}")

    async def request(self, method: str, params: Message) -> Json:
        """Ask the hub. `RpcError` when it answers with an error, `ConnectionError` when the link ends first."""
        request_id = next(self.ids)
        answer = self.waiting[request_id] = asyncio.get_running_loop().create_future()
        try:
            await self.send({"id": request_id, "method": method, "params": params})
            return await answer
        finally:
            del self.waiting[request_id]

    async def send(self, message: Message) -> None:
        """Send a request, a response or, without `id`, a notification."""
        await self.socket.send(encode({"jsonrpc": "2.0", **message}))

    async def bye(self, code: int, reason: str, detail: str = "") -> None:
        """Say that this side closes now, and why; then close (1.10)."""
        with contextlib.suppress(ConnectionClosed):
            await self.send({"method": "$/bye", "params": {"reason": reason, "detail": detail}})
        await self.socket.close(code, reason)

    async def handle(self, message: Message) -> None:
        """Tell apart responses, notifications, requests of the link, and calls (1.1)."""
        method = message.get("method")
        if method is None:
            self.take_response(message)
        elif "id" not in message:
            self.take_notification(method, message.get("params", {}))
        elif method == "$/ping":
            await self.send({"id": message["id"], "result": await health()})
        elif method.startswith("$/"):
            error = {"code": NOT_FOUND, "message": f"unknown request {method}"}
            await self.send({"id": message["id"], "error": error})
        else:
            self.begin_call(message)

    def take_response(self, message: Message) -> None:
        """Wake the request that waits for it. A response that nobody waits for is not a violation (1.10)."""
        answer = self.waiting.get(message["id"])
        if answer is None or answer.done():
            return
        if error := message.get("error"):
            answer.set_exception(RpcError(error["code"], error["message"], error.get("data")))
        else:
            answer.set_result(message["result"])

    def take_notification(self, method: str, params: Message) -> None:
        """`$/credit` (1.6), `$/cancel` (1.5) and `$/bye` (1.10). Others must be ignored (1.1)."""
        if method == "$/credit" and (call := self.calls.get(params["id"])):
            for _ in range(params["n"]):
                call.credit.release()
        elif method == "$/cancel":
            self.stop_call(params["id"])
        elif method == "$/bye":
            self.end = End(params["reason"], params.get("detail", ""))

    def begin_call(self, request: Message) -> None:
        """Work on a call beside the others, in a task of its own."""
        credit = asyncio.Semaphore(request.get("credit", 0))
        self.calls[request["id"]] = Call(asyncio.create_task(self.work(request, credit)), credit)

    def stop_call(self, call_id: int) -> None:
        """Nobody waits any more: stop, and do not answer (1.5). The call may have ended meanwhile."""
        if call := self.calls.pop(call_id, None):
            self.callee.cancelled_calls += 1
            call.task.cancel()

    async def work(self, request: Message, credit: asyncio.Semaphore) -> None:
        """A call from its start to its answer, its `$/cancel` or its deadline, whichever comes first (1.5)."""
        call_id = request["id"]
        seconds_left = request.get("deadline_ms", DEADLINE_MS_MAX) / 1000
        deadline = asyncio.get_running_loop().call_later(seconds_left, self.stop_call, call_id)
        try:
            with contextlib.suppress(ConnectionClosed):
                await self.answer(request, credit)
        finally:
            deadline.cancel()
            self.calls.pop(call_id, None)

    async def answer(self, request: Message, credit: asyncio.Semaphore) -> None:
        """Send the one response: a result or an error, never both (1.5)."""
        try:
            await self.send({"id": request["id"], "result": await self.run(request, credit)})
        except ConnectionClosed:
            raise
        except Exception as exception:  # Whatever a function raises is an answer, too.
            error = RpcError.of(exception)
            body = {"code": error.code, "message": str(error), "data": error.data}
            await self.send({"id": request["id"], "error": body})

    async def run(self, request: Message, credit: asyncio.Semaphore) -> Json:
        """The function's result; when it streams, its values first, each for one credit (1.6)."""
        outcome = self.callee.start(request["method"], request.get("params", []))
        if not inspect.isasyncgen(outcome):
            return await outcome
        async with contextlib.aclosing(outcome) as values:
            async for value in values:
                await credit.acquire()  # A value without credit would end the call as an overrun.
                await self.send({"method": "$/next", "params": {"id": request["id"], "value": value}})
        return None

    def drop_all(self) -> None:
        """The link is gone: nobody waits for our answers, and none will come to us."""
        for call in self.calls.values():
            call.task.cancel()
        for answer in self.waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the link ended"))


async def health() -> Message:
    """The answer to `$/ping` (1.9): by how much the event loop was late; a program is never hidden."""
    loop = asyncio.get_running_loop()
    due = loop.time() + 0.001
    await asyncio.sleep(0.001)
    return {"lag_ms": round((loop.time() - due) * 1000), "hidden": False}
