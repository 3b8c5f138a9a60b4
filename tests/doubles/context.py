"""What a skill is given, with a world and an assistant that the test sets up and looks at."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import anyio
from anyio.abc import TaskGroup

from assistant.events import (
    EMOTION_LABELS,
    Box,
    EmotionContribution,
    EmotionLabel,
    EmotionState,
    SceneCaption,
    SceneChange,
    SceneChangeKind,
    SceneState,
)
from assistant.ports import Clock, ReadText, TextLine
from assistant.skills import SkillContext
from tests.doubles.clock import ManualClock

T = TypeVar("T")


@dataclass
class GivenSenses:
    """`Senses` that report what they are given."""

    current_scene: SceneState | None = None
    captions: dict[str, SceneCaption] = field(default_factory=dict)
    current_emotion: EmotionState | None = None
    broken: dict[str, str] = field(default_factory=dict)
    captioner_raises: bool = False
    changes: list[SceneChange] = field(default_factory=list)
    """What has happened; `watch` gives what is appended later."""
    looks_since_s: float | None = 0.0
    blind_to: frozenset[SceneChangeKind] = frozenset()
    written: Sequence[tuple[str, float]] | Exception = ()
    """Lines with their confidence, or what reading raises."""
    read_at_s: float = 0.0
    reading_takes_s: float = 0.0

    def happened(self) -> list[SceneChange]:
        return self.changes

    def looking_since_s(self) -> float | None:
        return self.looks_since_s

    def can_watch(self, kind: SceneChangeKind) -> bool:
        return kind not in self.blind_to

    async def watch(self, kinds: Collection[SceneChangeKind]) -> AsyncGenerator[SceneChange, None]:
        told = len(self.changes)
        while True:
            for change in self.changes[told:]:
                told += 1
                if change.kind in kinds:
                    yield change
            await anyio.sleep(0.01)

    async def read(self) -> ReadText:
        if isinstance(self.written, Exception):
            raise self.written
        await anyio.sleep(self.reading_takes_s)
        return ReadText(tuple(TextLine(text, sure, Box(0, 0, 1, 1)) for text, sure in self.written), self.read_at_s)

    def scene(self) -> SceneState | None:
        return self.current_scene

    def caption(self, language: str) -> SceneCaption | None:
        if self.captioner_raises:
            raise RuntimeError("the captioner broke")
        return self.captions.get(language)

    def emotion(self) -> EmotionState | None:
        return self.current_emotion

    def unavailable(self) -> dict[str, str]:
        return self.broken


@dataclass
class RecordedControls:
    """`Controls` that remember what was asked of them; background tasks run in `group`."""

    group: TaskGroup | None = None
    loudness: float = 0.5
    said_last: str = ""
    not_said: str = ""
    muted: bool = False
    announced: list[tuple[str, str]] = field(default_factory=list)
    deaf: bool = False
    """Whether nobody can hear what is announced."""
    nobody_reacts: bool = False
    """Whether what rings goes on until it is cancelled."""

    def volume(self) -> float:
        return self.loudness

    def set_volume(self, volume: float) -> None:
        self.loudness = min(1.0, max(0.0, volume))

    async def mute(self) -> None:
        self.muted = True

    def last_reply(self) -> str:
        return self.said_last

    def unsaid(self) -> str:
        return self.not_said

    async def announce(self, text: str, language: str) -> bool:
        self.announced.append((text, language))
        return not self.deaf

    async def ring(self, text: str, language: str, rung: Callable[[], None]) -> bool:
        """Somebody reacts to the first, if they can hear it and are there."""
        if heard := await self.announce(text, language):
            rung()
            if self.nobody_reacts:
                await anyio.sleep_forever()
        return heard

    def keep(self, what: str, value: T, write: Callable[[T], None]) -> None:
        write(value)

    def recall(self, what: str, read: Callable[[], T], otherwise: T) -> T:
        return read()

    def start(self, name: str, task: Callable[[], Awaitable[None]]) -> Callable[[], None]:
        """Runs the task, and drops its outcome once it is cancelled, as a task group would."""
        cancelled: list[bool] = []

        async def run() -> None:
            if not cancelled:
                await task()

        if self.group is not None:
            self.group.start_soon(run, name=name)
        return lambda: cancelled.append(True)


def skill_context(
    senses: GivenSenses | None = None,
    controls: RecordedControls | None = None,
    clock: Clock | None = None,
    turn_id: int = 1,
    state: Path | None = None,
) -> SkillContext:
    """A context over doubles, calm and empty unless given otherwise."""
    return SkillContext(turn_id, clock or ManualClock(), senses or GivenSenses(), controls or RecordedControls(), state)


def feeling(label: EmotionLabel | None, confidence: float = 0.9, channel: str = "face") -> EmotionState:
    """A fused estimate that rests on one channel."""
    certain = tuple(1.0 if name == label else 0.0 for name in EMOTION_LABELS)
    evidence = EmotionContribution(channel, 1.0, label, confidence, 0.5, None if label else "not confident")
    return EmotionState(0.0, label, certain, 0.0, 0.0, confidence, (evidence,))
