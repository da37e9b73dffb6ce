"""The steps of a scenario, and the checks they make: a step that differs from protocol.md says where and how."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from hub import JSON, Answer, Hub
from wire import Message

Step = Callable[[Hub], str]
STEPS: list[tuple[str, str, Step]] = []  # Section, name and function of each, in the order they run.


class Differs(Exception):
    """Something is not as the protocol says."""


def step(section: str, name: str) -> Callable[[Step], Step]:
    """Add a step to the scenario. It returns what it saw and raises `Differs`."""

    def add(function: Step) -> Step:
        STEPS.append((section, name, function))
        return function

    return add


def same(what: str, saw: object, wanted: object) -> None:
    """Check one value."""
    if saw != wanted:
        raise Differs(f"{what}: saw {saw!r}, the protocol says {wanted!r}")


def same_soon(what: str, see: Callable[[], object], wanted: object) -> None:
    """Check a value that may take a moment, at most five seconds."""
    deadline = time.monotonic() + 5
    while see() != wanted and time.monotonic() < deadline:
        time.sleep(0.02)
    same(what, see(), wanted)


def result(answer: Answer) -> Any:
    """The JSON result of a call (3.1), or the answer to a publish (3.3)."""
    same("status", (answer.status, answer.body if answer.status != 200 else b""), (200, b""))
    same("content type", answer.type, JSON)
    return answer.json


def problem(answer: Answer, status: int, code: str) -> Message:
    """The problem object of a refused request or a failed call (2)."""
    same("status", answer.status, status)
    same("content type", answer.type, "application/problem+json")
    parts: Message = answer.json
    same("problem", [parts[key] for key in ("type", "status", "code")], [f"urn:pagewire:error:{code}", status, code])
    return parts


def run(hub: Hub) -> bool:
    """Run all steps, one line each. A step that differs does not keep the others from running."""
    good = True
    for section, name, function in STEPS:
        try:
            mark, saw = "ok     ", function(hub)
        except Exception as error:  # Whatever goes wrong in a step is a difference.
            mark, saw, good = "DIFFERS", f"{type(error).__name__}: {error}", False
        print(f"{mark} {section:4} {name}: {saw}", flush=True)
    return good
