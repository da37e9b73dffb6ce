"""A program that uses a Pagewire hub, written from `docs/protocol.md` alone; its page is `page.py`.

Each step checks one promise of that document, prints what it saw, and names the section.
The client is in `hub.py`, the checks are in `checks.py`.
Exit code 0: all is as the protocol says. 1: at least one step differs.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import json
import secrets
import sys
import threading
import time
from http.client import HTTPResponse, IncompleteRead

from checks import Differs, problem, result, run, same, same_soon, step
from hub import NDJSON, SSE, Answer, Hub, first, ndjson_values, socket_records, sse_events, topic_address
from wire import Json, Message

NOTES = f"programs/py/{secrets.token_hex(4)}/ü"  # New for each run, and not ASCII.
PUBLISHES_MAX = 4096  # So many values of 64 KiB must push the first one out of what a hub keeps.


@step("3.5", "health")
def health(hub: Hub) -> str:
    same("ok", hub.get("/health")["ok"], True)
    return "the hub is up"


@step("3.2", "pages")
def pages(hub: Hub) -> str:
    page = only_page(hub)
    same("carrier", page["carrier"], "ws")
    names = {function["name"] for function in page["functions"]}
    same("functions", names, {"add", "slow", "fail", "count", "reverse", "split", "cancelled", "tick"})
    same("the page by its id", hub.get(f"/v1/pages/{page['id']}")["epoch"], page["epoch"])
    return f"page {page['id']} epoch {page['epoch']} exposes {len(names)} functions"


@step("3.1", "a call")
def call(hub: Hub) -> str:
    answer = hub.call("add", 2, 3)
    same("result", result(answer), 5)
    same("Pagewire-Page", answer.headers["Pagewire-Page"], only_page(hub)["id"])
    same("1e22, byte for byte as the page wrote it (1.5)", hub.call("add", 1e22, 0.0).body, b"1e+22")
    return f"add(2, 3) = 5 in call {int(answer.headers['Pagewire-Call'])}"


@step("3.1", "argument forms")
def argument_forms(hub: Hub) -> str:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    same("array as `curl -d` sends it", result(hub.ask("POST", hub.call_address("add"), b"[2,3]", form)), 5)
    same("array without content type", result(hub.ask("POST", hub.call_address("add"), b"[2,3]")), 5)
    same("one value that is no array", result(hub.post(hub.call_address("slow"), 1)), 1)
    same("empty body", type(result(hub.ask("POST", hub.call_address("cancelled")))), int)
    return "an array, one value and an empty body were understood"


@step("3.1", "bytes")
def bytes_both_ways(hub: Hub) -> str:
    answer = hub.ask("POST", hub.call_address("reverse"), bytes(range(256)), {"Content-Type": "image/png"})
    same("answer", (answer.status, answer.type), (200, "image/png"))
    same("bytes", answer.body, bytes(reversed(range(256))))
    stream = hub.ask("POST", hub.call_address("split"), b"\x00\xff", {"Content-Type": "image/png"})
    values = list(ndjson_values(stream.body.splitlines()))
    same("streamed bytes", values, [{"base64": text, "type": "image/png"} for text in ("AA==", "/w==")])
    return "256 bytes came back reversed, as image/png; streamed ones as base64"


@step("3.1", "exactly this page")
def exact_page(hub: Hub) -> str:
    same("result", result(hub.call("add", 1, 1, page=only_page(hub)["id"])), 2)
    problem(hub.call("add", 1, 1, page="p_nobody"), 404, "not_found")
    problem(hub.call("add", 1, 1, colour="red"), 400, "bad_request")
    return "its id is taken, an unknown id is not_found, an unknown parameter is bad_request"


@step("2", "not found")
def not_found(hub: Hub) -> str:
    problem(hub.call("nothing"), 404, "not_found")
    problem(hub.ask("POST", "/v1/call/nobody_home/add", b"[1,2]"), 404, "not_found")
    problem(hub.ask("GET", "/v1/nowhere"), 404, "no_such_address")
    problem(hub.ask("GET", hub.call_address("add")), 405, "method_not_allowed")
    return "function, group, address and method are told apart"


@step("2", "bad arguments")
def bad_arguments(hub: Hub) -> str:
    for arguments in ((1,), (1, 2, 3), ("1", 2)):
        parts = problem(hub.call("add", *arguments), 422, "bad_arguments")
        same("page: the hub checked, no page was asked", "page" in parts, False)
    same("page: it refused by itself", "page" in problem(hub.call("reverse", "no bytes"), 422, "bad_arguments"), True)
    return "too few, too many and a string for a number were refused before the page, no bytes by the page"


@step("2", "page error")
def page_error(hub: Hub) -> str:
    parts = problem(hub.call("fail", "broken"), 500, "page_error")
    error = parts["error"]
    same("error", (error["code"], error["message"], error["data"]["name"]), (-32000, "broken", "ValueError"))
    same("page", parts["page"], only_page(hub)["id"])
    return f"{parts['title']}: {parts['detail']}"


@step("1.5", "timeout")
def timeout(hub: Hub) -> str:
    before = cancelled(hub)
    problem(hub.call("slow", 60_000, timeout="200ms"), 504, "timeout")
    same_soon("calls that the page stopped", lambda: cancelled(hub), before + 1)
    return "504, and the page stopped working"


@step("3.1", "hanging up")
def hanging_up(hub: Hub) -> str:
    before = cancelled(hub)
    with contextlib.suppress(TimeoutError), hub.open("POST", hub.call_address("slow"), b"[60000]", seconds_max=0.5):
        raise Differs("slow(60000) answered within half a second")
    same_soon("calls that the page stopped", lambda: cancelled(hub), before + 1)
    return "the page stopped working when the caller had left"


@step("3.1", "a stream as NDJSON")
def stream_ndjson(hub: Hub) -> str:
    with hub.stream("count", 100, accept=NDJSON) as response:
        same("content type", response.headers.get_content_type(), NDJSON)
        same("values", list(ndjson_values(response)), list(range(1, 101)))
    return "count(100) gave 1 to 100: more than the first credit (1.6)"


@step("3.1", "a stream that breaks")
def stream_breaks(hub: Hub) -> str:
    with hub.stream("count", 1000, 50, accept=NDJSON, timeout="400ms") as response:
        body, whole = read_until_broken(response)
    same("the chunked body is complete", whole, False)
    values = list(ndjson_values(body.splitlines()))
    same("last line", values.pop()["pagewire:error"]["code"], "timeout")
    same("values before it", values, list(range(1, len(values) + 1)))
    return f"{len(values)} values, then the problem, then an incomplete body"


@step("3.1", "a stream as SSE")
def stream_sse(hub: Hub) -> str:
    with hub.stream("count", 3, accept=SSE) as response:
        same("content type", response.headers.get_content_type(), SSE)
        *values, end = list(sse_events(response))
    same("values", [json.loads(event.data) for event in values], [1, 2, 3])
    same("last event", end.name, "end")
    with hub.stream("add", 2, 3, accept=SSE) as response:
        events = list(sse_events(response))
    same("a function without a stream", (events[0].data, [event.name for event in events]), ("5", ["message", "end"]))
    with hub.stream("count", 100, 50, accept=SSE, timeout="200ms") as response:
        error = list(sse_events(response))[-1]
    same("event of a broken stream", (error.name, json.loads(error.data)["code"]), ("error", "timeout"))
    return "values, then `end`; a timeout is `error`"


@step("3.3", "publish")
def publish(hub: Hub) -> str:
    one, two = (result(publish_note(hub, {"n": n})) for n in (1, 2))
    same("topic", one["topic"], NOTES)
    same("the next seq", two["seq"], one["seq"] + 1)
    return f"seq {one['seq']} and {two['seq']} of {NOTES}"


@step("3.4", "one record, four forms")
def four_forms(hub: Hub) -> str:
    publish_note(hub, {"n": 3})
    hub.ask("POST", topic_address(NOTES), b"\x00\xff", {"Content-Type": "image/png"})
    records: list[Message] = hub.get(topic_address(NOTES, last="2"))["records"]
    same("JSON value", records[0]["value"], {"n": 3})
    same("bytes value", (base64.b64decode(records[1]["base64"]), records[1]["type"]), (b"\x00\xff", "image/png"))
    same("age below a minute", abs(records[1]["time_ms"] / 1000 - time.time()) < 60, True)
    with hub.follow(NOTES, NDJSON, last="2") as response:
        same("NDJSON", first(2, ndjson_values(response)), records)
    with hub.follow(NOTES, SSE, last="2") as response:
        events = first(2, sse_events(response))
    same("SSE data", [json.loads(event.data) for event in events], records)
    same("SSE id", [event.id for event in events], [record["cursor"] for record in records])
    with hub.follow_socket(NOTES, last="2") as socket:
        same("WebSocket", socket_records(socket, 2), records)
    return "a JSON value and bytes were the same as JSON, NDJSON, SSE and over WebSocket"


@step("3.4", "long polling")
def long_polling(hub: Hub) -> str:
    start = hub.get(topic_address(NOTES))["next"]
    same("records without `wait`", hub.get(topic_address(NOTES, since=start))["records"], [])
    later = threading.Timer(0.3, publish_note, [hub, "late"])
    later.start()
    records = hub.get(topic_address(NOTES, since=start, wait="10s"))["records"]
    later.join()
    same("values", [record["value"] for record in records], ["late"])
    return "an empty answer at once; with `wait`, the value that came 0.3 s later"


@step("1.7", "a page publishes")
def follow_page(hub: Hub) -> str:
    topic = f"pages/{hub.group}/ticks"
    result(hub.call("tick", "earlier"))
    with hub.follow_socket(topic) as socket:
        answers = [result(hub.call("tick", value)) for value in ("a", {"b": None})]
        answers.append(result(hub.ask("POST", hub.call_address("tick"), b"\xff", {"Content-Type": "image/png"})))
        records = socket_records(socket, 3)
    same("values", [record.get("value") for record in records], ["a", {"b": None}, None])
    same("bytes value", (records[2]["base64"], records[2]["type"]), ("/w==", "image/png"))
    wanted = [(topic, record["seq"]) for record in records]
    same("what the page was answered", [(answer["topic"], answer["seq"]) for answer in answers], wanted)
    with hub.follow_socket(topic, since=records[0]["cursor"]) as socket:
        same("resumed after the first", socket_records(socket, 2), records[1:])
    with hub.open("GET", topic_address(topic), headers={"Accept": SSE, "Last-Event-ID": records[0]["cursor"]}) as sse:
        same("resumed over SSE", [json.loads(event.data) for event in first(2, sse_events(sse))], records[1:])
    return f"seq {records[0]['seq']} to {records[2]['seq']} came as they happened; again by cursor from the second on"


@step("3.4", "a gap: another run's cursor")
def gap_reset(hub: Hub) -> str:
    kept = hub.get(topic_address(NOTES))["records"]
    gap, *rest = hub.get(topic_address(NOTES, since=f"x{kept[0]['cursor']}"))["records"]
    same("gap", (gap["gap"]["reset"], gap["gap"]["seq"]), (True, kept[0]["seq"]))
    same("the others", rest, kept)
    return f"reset, then all {len(kept)} kept values"


@step("3.4", "a gap: values no longer kept")
def gap_lost(hub: Hub) -> str:
    topic = f"{NOTES}/many"
    begin = result(hub.post(topic_address(topic), 0))
    oldest = publish_until_lost(hub, topic, begin["seq"] + 1)
    with hub.follow_socket(topic, since=begin["cursor"]) as socket:
        gap, record = socket_records(socket, 2)
    lost = oldest - begin["seq"] - 1
    same("gap", (gap["gap"]["lost"], gap["gap"]["seq"]), (lost, oldest))
    same("next record", record["seq"], oldest)
    return f"{lost} lost, then seq {oldest}"


@step("4", "access")
def access(hub: Hub) -> str:
    problem(hub.ask("GET", "/v1/pages", headers={"Host": "evil.example"}), 421, "wrong_host")
    stranger = Hub(f"http://{hub.host}", hub.group)
    problem(stranger.ask("GET", "/v1/pages", headers={"Origin": "https://evil.example"}), 403, "forbidden")
    stranger.access = {"Authorization": "Bearer not-a-token"}
    problem(stranger.ask("GET", "/v1/pages"), 401, "unauthorized")
    return "a strange host, a strange origin and an unknown token were refused"


def only_page(hub: Hub) -> Message:
    """The one page of the group; the steps about cancelled calls need that there is no other."""
    found: list[Message] = [page for page in hub.get("/v1/pages")["pages"] if page["group"] == hub.group]
    same("number of pages in the group", len(found), 1)
    return found[0]


def cancelled(hub: Hub) -> int:
    """How many calls the page stopped so far."""
    return int(result(hub.call("cancelled")))


def publish_note(hub: Hub, value: Json) -> Answer:
    """Publish one JSON value."""
    return hub.post(topic_address(NOTES), value)


def publish_until_lost(hub: Hub, topic: str, seq: int) -> int:
    """Publish until the value `seq` is no longer kept. Returns the oldest seq that is."""
    for n in range(PUBLISHES_MAX):
        result(hub.post(topic_address(topic), "x" * 65_536))
        if n % 16 == 0:
            oldest: dict[str, int] = {entry["topic"]: entry["oldest_seq"] for entry in hub.get("/v1/topics")["topics"]}
            if oldest[topic] > seq:
                return oldest[topic]
    raise Differs(f"seq {seq} is still kept after {PUBLISHES_MAX} values of 64 KiB")


def read_until_broken(response: HTTPResponse) -> tuple[bytes, bool]:
    """A body, and whether it was complete. (Reading by line, `http.client` would not tell.)"""
    try:
        return response.read(), True
    except IncompleteRead as cut:
        return cut.partial, False


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="A program that uses a Pagewire hub")
    parser.add_argument("--hub", default="http://127.0.0.1:9999")
    parser.add_argument("--group", default="py")
    parser.add_argument("--token")
    options = parser.parse_args()
    sys.exit(0 if run(Hub(options.hub, options.group, options.token)) else 1)
