"""A captioner that is always too slow costs no memory and no rest: it is tried when somebody speaks, and once again."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import cast

import anyio
import numpy as np

from assistant.clock import LoopClock
from assistant.emotion.monitor import EmotionMonitor
from assistant.errors import DeviceError, StageError
from assistant.events import Event, ImageArray, SceneCaption, SceneState, SpeechStarted, StageRecovered, VideoFrame
from assistant.ports import PreparingCaptioner
from assistant.senses import LiveSenses
from assistant.stages import StageReports
from assistant.virtual_time import run_in_virtual_time
from assistant.vision.watcher import SceneWatcher

HOUR_S = 3600.0


class Slow:
    """Is given up after 20 s, and would have needed 25."""

    languages = frozenset({"en"})
    lost = False

    def __init__(self) -> None:
        self.calls = 0
        self._busy_until_s = 0.0

    @property
    def hangs(self) -> bool:
        return anyio.current_time() < self._busy_until_s

    async def prepare(self, scene: SceneState) -> bool:
        if self.hangs:
            raise StageError("The neural captioner still hangs in an earlier call.")
        self.calls += 1
        self._busy_until_s = anyio.current_time() + 25.0
        await anyio.sleep(20.0)
        raise StageError("The neural captioner did not answer within 20 s.")

    def caption(self, scene: SceneState, language: str, now_s: float) -> SceneCaption:
        raise AssertionError("nobody asks")

    def close(self) -> None:
        """Nothing to release."""


class Busy(Slow):
    """Raises at first, and is then at an earlier picture for two calls."""

    async def prepare(self, scene: SceneState) -> bool:
        self.calls += 1
        if self.calls == 1:
            raise StageError("The neural captioner failed.")
        return self.calls > 3


class NewPictures:
    """A watcher with a new picture for whoever looks, of which it keeps none."""

    def __init__(self) -> None:
        self.muted = False
        self._pictures: list[weakref.ref[ImageArray]] = []

    @property
    def alive(self) -> int:
        return sum(picture() is not None for picture in self._pictures)

    def scene(self) -> SceneState | None:
        if self.muted:
            return None
        now_s, pixels = anyio.current_time(), np.zeros((48, 64, 3), np.uint8)
        self._pictures.append(weakref.ref(pixels))
        return SceneState(now_s, (), (), (), "camera", VideoFrame(now_s, pixels, "camera"))

    async def look(self) -> SceneState:
        scene = self.scene()
        if scene is None:
            raise DeviceError("The camera is switched off.")
        return scene

    async def run(self) -> None:
        await anyio.sleep_forever()


def with_a_slow_captioner(
    script: Callable[[LiveSenses, Slow, NewPictures], object],
    make: Callable[[], Slow] = Slow,
    emit: Callable[[Event], None] = lambda event: None,
) -> None:
    """Run an async script while it watches."""

    async def main() -> None:
        captioner, watcher, clock = make(), NewPictures(), LoopClock()
        assert isinstance(captioner, PreparingCaptioner)
        stages = StageReports(clock, emit)
        senses = LiveSenses(captioner, cast("EmotionMonitor", None), clock, stages)
        senses.watcher = cast("SceneWatcher", watcher)
        async with anyio.create_task_group() as group:
            senses.attach(group)
            await script(senses, captioner, watcher)  # type: ignore[misc]
            group.cancel_scope.cancel()

    run_in_virtual_time(main)


def test_it_is_tried_once_again_and_then_when_somebody_speaks() -> None:
    async def script(senses: LiveSenses, captioner: Slow, watcher: NewPictures) -> None:
        senses.on_event(SpeechStarted(0.0))
        most = 0
        for minute in range(1, 6 * 60):
            await anyio.sleep(60.0 * minute - anyio.current_time())
            most = max(most, watcher.alive)
        assert captioner.calls == 2
        assert most <= 2 and watcher.alive == 0
        senses.on_event(SpeechStarted(anyio.current_time()))
        await anyio.sleep(HOUR_S)
        assert captioner.calls == 4, "whoever speaks has it tried"

    with_a_slow_captioner(script)


def test_who_speaks_while_it_hangs_has_it_tried_no_more_often() -> None:
    async def script(senses: LiveSenses, captioner: Slow, watcher: NewPictures) -> None:
        for _ in range(4):  # in each call, and after it
            senses.on_event(SpeechStarted(anyio.current_time()))
            await anyio.sleep(1.0 + 20.0)
        await anyio.sleep(HOUR_S)
        assert captioner.calls <= 4 and watcher.alive == 0

    with_a_slow_captioner(script)


def test_muted_in_between_no_picture_stays() -> None:
    async def script(senses: LiveSenses, captioner: Slow, watcher: NewPictures) -> None:
        senses.on_event(SpeechStarted(0.0))
        await anyio.sleep(21.0)
        assert captioner.hangs
        watcher.muted = True
        assert watcher.alive == 0, "while it waits for the end of the hang it needs none"
        await anyio.sleep(HOUR_S)
        assert captioner.calls == 1

    with_a_slow_captioner(script)


def test_one_that_is_still_at_an_earlier_picture_is_not_said_to_work() -> None:
    events: list[Event] = []

    async def script(senses: LiveSenses, captioner: Slow, watcher: NewPictures) -> None:
        senses.on_event(SpeechStarted(0.0))
        await anyio.sleep(60.0)
        assert captioner.calls == 4

    with_a_slow_captioner(script, Busy, events.append)
    recovered = [event for event in events if isinstance(event, StageRecovered)]
    assert [event.at_s for event in recovered] == [6.0], "tried at once and then every 3 s"
