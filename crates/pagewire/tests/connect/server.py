"""A WebSocket server for the tests of `pagewire connect`: what it does is in the path. Prints its port first."""

import asyncio
import http
import sys

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

drops_left = 2


def refuse(connection, request):
    if request.path == "/401":
        return connection.respond(http.HTTPStatus.UNAUTHORIZED, "show me your \x1b[31mticket\n")
    if request.path == "/long-refusal":
        return connection.respond(http.HTTPStatus.FORBIDDEN, "x" * 5_000)
    if request.path == "/moved":
        response = connection.respond(http.HTTPStatus.FOUND, "")
        response.headers["Location"] = "ws://elsewhere.example/"
        return response
    return None


async def handle(connection):
    path = connection.request.path
    if path == "/echo":
        async for message in connection:
            await connection.send(message)
    elif path == "/fragments":
        await connection.send(["one ", "two ", "three"])
        await connection.send([b"\x00\x01", b"\x02"])
    elif path.startswith("/close/"):
        await connection.close(int(path.rsplit("/", 1)[1]), "as asked")
    elif path == "/ping":
        await (await connection.ping("are you there"))
        await connection.send("the pong came")
    elif path == "/headers":
        for name in ("Origin", "X-Test", "User-Agent", "Authorization"):
            await connection.send(f"{name}: {', '.join(connection.request.headers.get_all(name))}")
        await connection.send(f"subprotocol: {connection.subprotocol}")
    elif path == "/drop":
        global drops_left
        if drops_left:
            drops_left -= 1
            await connection.recv()
            connection.transport.abort()
        else:
            await connection.send("back: " + await connection.recv())
            await connection.wait_closed()
    elif path == "/silent":
        await connection.wait_closed()
    elif path.startswith("/send/"):
        try:
            await connection.send("x" * int(path.rsplit("/", 1)[1]))
        finally:
            await connection.wait_closed()
            print(f"closed {connection.close_code}", flush=True)
    elif path == "/last-code":
        await connection.wait_closed()
        print(f"closed {connection.close_code}", flush=True)


async def main():
    async def quietly(connection):
        try:
            await handle(connection)
        except ConnectionClosed:
            pass

    server = await serve(
        quietly,
        "127.0.0.1",
        0,
        process_request=refuse,
        select_subprotocol=lambda _, offered: "chat.v2" if "chat.v2" in offered else None,
        max_size=None,
        ping_interval=None,
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    # The test's end of the pipe is how this server learns that it is over.
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


asyncio.run(main())
