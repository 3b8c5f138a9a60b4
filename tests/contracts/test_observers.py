"""What every observer must keep to: it sees every event, in any order, and never raises."""

from __future__ import annotations

import io
import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console as RichConsole

from assistant.clock import LoopClock
from assistant.config import Config
from assistant.events import AudioFrame
from assistant.governor.governor import Governor
from assistant.ports import TurnObserver
from assistant.replay import Recording
from assistant.telemetry.console import Console
from assistant.telemetry.events_file import EventsFile
from assistant.telemetry.examples import EXAMPLES
from assistant.telemetry.metrics import Metrics
from assistant.telemetry.recorder import Recorder
from assistant.telemetry.timeline import Timeline
from tests.doubles.clock import ManualClock


class _Broken(io.StringIO):
    """A pipe whose reader has gone."""

    encoding = "ascii"

    def write(self, text: str) -> int:
        raise BrokenPipeError


OBSERVERS: dict[str, Callable[[Path], TurnObserver]] = {
    "console": lambda _: Console(LoopClock(), RichConsole(file=io.StringIO())),
    "console of a closed pipe": lambda _: Console(LoopClock(), RichConsole(file=_Broken())),
    "events file": lambda folder: EventsFile(folder / "events.jsonl"),
    "events file on a full disk": lambda _: EventsFile(Path("/dev/full")),
    "timeline": lambda _: Timeline(),
    "recording": lambda _: Recording(),
    "governor": lambda _: Governor(Config(), LoopClock()),
    "metrics": lambda _: Metrics(),
    "recorder": lambda folder: Recorder(60.0, folder, ManualClock()),
}


@pytest.fixture(params=OBSERVERS)
def observer(request: pytest.FixtureRequest, tmp_path: Path) -> TurnObserver:
    return OBSERVERS[request.param](tmp_path)


def _end(observer: TurnObserver) -> None:
    if isinstance(observer, EventsFile):
        observer.close()


def test_takes_every_event(observer: TurnObserver) -> None:
    for event in EXAMPLES:
        observer.on_event(event)
    _end(observer)


@pytest.mark.parametrize("seed", range(5))
def test_takes_events_in_any_order_and_more_than_once(observer: TurnObserver, seed: int) -> None:
    """A stage may fail, or a turn be cut off, at any moment."""
    for event in random.Random(seed).choices(EXAMPLES, k=4 * len(EXAMPLES)):
        observer.on_event(event)
    _end(observer)


def test_takes_events_after_it_was_closed(tmp_path: Path) -> None:
    events = EventsFile(tmp_path / "events.jsonl")
    events.close()
    for event in EXAMPLES:
        events.on_event(event)
    events.close()


@pytest.mark.parametrize("log_content", [False, True])
def test_the_events_file_has_a_line_an_event(tmp_path: Path, log_content: bool) -> None:
    events = EventsFile(tmp_path / "events.jsonl", log_content=log_content)
    for event in EXAMPLES:
        events.on_event(event)
    events.close()
    lines = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["event"] for line in lines] == [type(e).__name__ for e in EXAMPLES if not isinstance(e, AudioFrame)]


def test_the_examples_hold_every_event() -> None:
    """So that a new event is tested here with no new wiring."""
    import assistant.events as module

    known = {
        kind.__name__
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, module.Event) and kind is not module.Event
    }
    assert {type(event).__name__ for event in EXAMPLES} == known
