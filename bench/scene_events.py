"""Films before the real watcher, in virtual time: are things followed, and is what happens told, once?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio

from assistant.clock import LoopClock
from assistant.config import VisionConfig
from assistant.events import Box, Event, SceneChange, SceneState, VideoFrame
from assistant.ports import Camera, Clock
from assistant.virtual_time import run_in_virtual_time
from assistant.vision.scene import SceneReader
from assistant.vision.watcher import SceneWatcher
from bench.mot_metrics import Boxes, TrackingFigures, judge
from bench.moving_scenes import FPS, Film, TrueEvent

_LATEST_S, _EARLIEST_S = 1.5, 1.0
"""How far a told time may be from the true one; half an interval of the looks is added."""


class FilmCamera:
    """Shows a film."""

    def __init__(self, film: Film, clock: Clock) -> None:
        self.name = film.name
        self._clock = clock
        self._pictures = [pixels for _, pixels, _ in film.pictures()]

    async def open(self) -> None:
        """Nothing to do: films begin at the time 0."""

    async def read(self) -> VideoFrame | None:
        """The picture of now; None at the end."""
        now_s = self._clock.monotonic_s()
        index = round(now_s * FPS)
        return VideoFrame(now_s, self._pictures[index], self.name) if index < len(self._pictures) else None

    async def close(self) -> None:
        """Nothing to do."""


@dataclass(frozen=True, slots=True)
class EventFigures:
    """How well happenings were told."""

    true: int
    told: int
    right: int
    false: tuple[SceneChange, ...] = ()
    missed: tuple[TrueEvent, ...] = ()

    def __add__(self, other: EventFigures) -> EventFigures:
        return EventFigures(
            self.true + other.true,
            self.told + other.told,
            self.right + other.right,
            self.false + other.false,
            self.missed + other.missed,
        )

    @property
    def precision(self) -> float:
        """Share of what was told that happened."""
        return self.right / self.told if self.told else 1.0

    @property
    def recall(self) -> float:
        """Share of what happened that was told."""
        return self.right / self.true if self.true else 1.0


def watch(camera: Callable[[Clock], Camera], reader: SceneReader, rate_hz: float) -> list[Event]:
    """Everything that a watcher says about what a camera shows, in virtual time."""

    async def main() -> list[Event]:
        clock, events = LoopClock(), list[Event]()
        watcher = SceneWatcher(camera(clock), reader, VisionConfig(rate_hz=rate_hz), clock, events.append)
        with anyio.fail_after(3600):
            await watcher.run()
        return events

    return run_in_virtual_time(main)


def judge_events(film: Film, events: Sequence[Event], rate_hz: float) -> EventFigures:
    """Match what was told with what happened: one to one, the same kind and subject, at about that time."""
    told = [event for event in events if isinstance(event, SceneChange) and event.kind != "motion"]
    open_events, right = list(film.events), 0
    false = []
    for change in told:
        found = next((true for true in open_events if _is_same(change, true, 0.5 / rate_hz)), None)
        if found is None:
            false.append(change)
        else:
            open_events.remove(found)
            right += 1
    return EventFigures(len(film.events), len(told), right, tuple(false), tuple(open_events))


def judge_tracks(film: Film, events: Sequence[Event]) -> TrackingFigures:
    """The tracking figures over the pictures that were looked at."""
    truth: list[Boxes] = []
    tracks: list[Boxes] = []
    true_boxes = {round(at_s * FPS): boxes for at_s, _, boxes in film.pictures()}
    for scene in (event for event in events if isinstance(event, SceneState)):
        boxes: dict[int, tuple[str, Box]] = true_boxes[round(scene.at_s * FPS)]
        truth.append({number: box for number, (_, box) in boxes.items()})
        tracks.append({item.track_id: item.box for item in scene.tracks or () if item.confirmed})
    return judge(truth, tracks)


def _is_same(change: SceneChange, true: TrueEvent, slack_s: float) -> bool:
    late_s = change.at_s - true.at_s
    return (change.kind, change.subject) == (
        true.kind,
        true.subject,
    ) and -_EARLIEST_S - slack_s <= late_s <= _LATEST_S + slack_s
