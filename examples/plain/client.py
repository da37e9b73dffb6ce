"""A client as it stands in the documentation of the Python package websockets: it knows nothing of Pagewire.

Against a hub that was started with --echo it prints what it sent.
"""

import asyncio
import sys

import websockets


async def main(address):
    async with websockets.connect(address) as socket:
        for text in ("hello", '{"n": 12345678901234567890}', "再见"):
            await socket.send(text)
            print(await socket.recv())
        await socket.send(b"\x00\x01\xff")
        print((await socket.recv()).hex())


asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "ws://127.0.0.1:9999"))
