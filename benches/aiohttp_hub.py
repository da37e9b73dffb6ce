"""The job of the hub in Python with aiohttp, as short as it can be: POST to page and back, nothing checked, no limits."""

import asyncio
import itertools
import json

from aiohttp import web

pages, waiting, numbers = [], {}, itertools.count(1)


async def attach(request):
    socket = web.WebSocketResponse(protocols=["pagewire.v1"])
    await socket.prepare(request)
    async for message in socket:
        envelope = json.loads(message.data)
        if envelope.get("method") == "$/hello":
            pages.append(socket)
            await socket.send_json({"jsonrpc": "2.0", "id": envelope["id"], "result": {}})
        else:
            waiting.pop(envelope["id"]).set_result(envelope["result"])
    return socket


async def call(request):
    number = next(numbers)
    answer = waiting[number] = asyncio.get_running_loop().create_future()
    order = {"jsonrpc": "2.0", "id": number, "method": request.match_info["function"]}
    page = pages[number % len(pages)]
    await page.send_json(order | {"params": await request.json()})
    return web.json_response(await answer)


async def main():
    app = web.Application()
    app.add_routes([web.get("/v1/page", attach), web.post("/v1/call/{group}/{function}", call)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(json.dumps({"http": "http://127.0.0.1:%d" % runner.addresses[0][1]}), flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
