"""What an assistant in a process of its own tells of itself: its events file, and the sound that it has lost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from assistant.control.client import ask_at
from assistant.control.protocol import Status, StatusResult
from tests.doubles.command import wait_until

_TIMES = 3


def events_of(file: Path, kind: str) -> list[dict[str, Any]]:
    """The events of that name, the oldest first."""
    text = file.read_text(encoding="utf-8")
    # The last line may be half-written while the assistant runs.
    lines = map(json.loads, text[: text.rfind("\n") + 1].splitlines())
    return [line for line in lines if line["event"] == kind]


def of_turns(file: Path, kind: str, turn_id: int | None = None) -> list[dict[str, Any]]:
    """Those that belong to an answer, or to that of one turn. What the assistant says unasked, such as that its machine
    is too slow, is played, held up and broken off just as an answer is."""
    asked = {event["turn_id"] for event in events_of(file, "TurnStarted") if turn_id in (None, event["turn_id"])}
    return [event for event in events_of(file, kind) if event["turn_id"] in asked]


_RECOVERS_S = 15.0
"""What works again is used again so soon, through a sound server of this machine that others keep busy too. That it is
5 s where nothing else is slow, `tests/faults` tells in virtual time."""


def assert_recovered_in_time(file: Path, stages: Iterable[str], lost_s: float, back_s: float) -> None:
    """What was lost at `lost_s` and back at `back_s`, on the clock of the events (`time.monotonic`), was used again in
    time from then on, or from when its loss was told; unless the assistant told that its machine is too slow."""
    failed, recovered = (
        [(event["stage"], event["at_s"]) for event in events_of(file, kind) if event["at_s"] > lost_s]
        for kind in ("StageFailed", "StageRecovered")
    )
    if "overload" in dict(failed):
        return
    for stage in stages:
        failed_s, recovered_s = (
            next((at_s for name, at_s in told if name == stage), None) for told in (failed, recovered)
        )
        assert failed_s is not None, f"The {stage} was never told to have failed."
        assert recovered_s is not None, f"The {stage} was never told to work again."
        took_s = recovered_s - max(failed_s, back_s)
        assert took_s <= _RECOVERS_S, f"The {stage} was used again {took_s:.1f} s after it was back."


def lost_frames(socket: Path) -> int:
    """Frames of the microphone that the assistant behind a control socket has lost so far."""
    return ask_at([socket], Status(), StatusResult, timeout_s=60).dropped.get("microphone_frames", 0)


def say_until(condition: Callable[[], object], what: str, say: Callable[[], None], socket: Path) -> None:
    """Say something and return when `condition` holds; fail naming `what` otherwise. It is said again only where the
    assistant behind `socket` lost sound meanwhile: what was heard whole must be understood the first time."""
    for times_left in reversed(range(_TIMES)):
        lost = lost_frames(socket)
        say()
        try:
            wait_until(condition, what)
            return
        except AssertionError:
            if times_left == 0 or lost_frames(socket) == lost:
                raise
