"""Being told what happens, with the real watcher and memory: only the camera and the network are doubles."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from assistant.caption.grounded import GroundedCaptioner
from assistant.clock import LoopClock
from assistant.config import Config, EmotionConfig, VisionConfig
from assistant.emotion.monitor import EmotionMonitor
from assistant.models.store import ModelStore
from assistant.ports import Intent
from assistant.senses import LiveSenses
from assistant.skills.scene_events import SceneEventsSkill
from assistant.stages import StageReports
from assistant.virtual_time import run_in_virtual_time
from assistant.vision.scene import SceneReader
from assistant.vision.watcher import SceneWatcher
from tests.doubles.context import RecordedControls, skill_context
from tests.doubles.vision import BrightnessDetector, FakeCamera, GivenFaces, flat_picture


class StoppableControls(RecordedControls):
    """Cancels what runs, as the live ones do."""

    def start(self, name: str, task: Callable[[], Awaitable[None]]) -> Callable[[], None]:
        scope = anyio.CancelScope()

        async def run() -> None:
            with scope:
                await task()

        assert self.group is not None
        self.group.start_soon(run, name=name)
        return scope.cancel


def _watch_a_dog_that_comes_at(seconds: list[float], *, stop_at_s: float | None = None) -> list[tuple[str, str]]:
    """The dog is there for five seconds each time."""

    async def main() -> list[tuple[str, str]]:
        clock = LoopClock()
        camera = FakeCamera(
            clock, lambda now_s: flat_picture(220 if any(at_s <= now_s < at_s + 5 for at_s in seconds) else 40)
        )
        senses = LiveSenses(
            GroundedCaptioner(min_confidence=0.35, max_age_s=10.0),
            EmotionMonitor.create(Config(emotion=EmotionConfig(channels=())), ModelStore(), lambda _: None, 0.0),
            clock,
            StageReports(clock, lambda _: None),
        )
        reader = SceneReader(BrightnessDetector(), GivenFaces())
        senses.watcher = SceneWatcher(camera, reader, VisionConfig(rate_hz=2.0), clock, lambda _: None)
        skill = SceneEventsSkill()
        async with anyio.create_task_group() as group:
            controls = StoppableControls(group)
            senses.attach(group)
            await clock.sleep_until(1.0)
            slots = {"event": "appeared", "object": "dog"}
            await skill.handle(Intent("scene_watch", slots, "en", ""), skill_context(senses, controls, clock))
            if stop_at_s is not None:
                await clock.sleep_until(stop_at_s)
                await skill.handle(Intent("scene_unwatch", {}, "en", ""), skill_context(senses, controls, clock))
            await clock.sleep_until(60.0)
            group.cancel_scope.cancel()
        return controls.announced

    return run_in_virtual_time(main)


def test_each_time_is_told_once() -> None:
    assert _watch_a_dog_that_comes_at([10.0, 30.0]) == [("A dog appeared.", "en")] * 2


def test_nothing_is_told_of_what_does_not_happen() -> None:
    assert _watch_a_dog_that_comes_at([]) == []


def test_after_being_told_to_stop_it_is_silent() -> None:
    assert _watch_a_dog_that_comes_at([10.0, 30.0], stop_at_s=20.0) == [("A dog appeared.", "en")]
