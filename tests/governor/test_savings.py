"""What the steps do to real senses."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from assistant.clock import LoopClock
from assistant.config import Config, EmotionConfig, VisionConfig
from assistant.emotion.monitor import EmotionMonitor
from assistant.events import EmotionEstimate, SceneState, SceneTag, Transcript, VideoFrame
from assistant.governor.savings import LiveSavings
from assistant.models.store import ModelStore
from assistant.senses import LiveSenses
from assistant.stages import StageReports
from assistant.virtual_time import run_in_virtual_time
from assistant.vision.scene import SceneReader
from assistant.vision.watcher import SceneWatcher
from tests.doubles.vision import BrightnessDetector, FakeCamera, GivenFaces, flat_picture


class OneTag:
    def tag(self, frame: VideoFrame) -> list[SceneTag]:
        return [SceneTag("kitchen", 0.9)]


class Flickering:
    """Senses before a scene in which something always moves."""

    def __init__(self) -> None:
        self.scenes: list[SceneState] = []
        clock = LoopClock()
        self.camera = FakeCamera(clock, lambda now_s: flat_picture(int(now_s * 2) * 90 % 250))
        config = VisionConfig(rate_hz=2.0, still_s=60.0)
        reader = SceneReader(BrightnessDetector(), GivenFaces(), OneTag())
        only_text = Config(emotion=EmotionConfig(channels=("text",)))
        emotions = EmotionMonitor.create(only_text, ModelStore(), lambda event: None, 0.0)
        self.senses = LiveSenses(None, emotions, clock, StageReports(clock, self._note))
        self.watcher = self.senses.watcher = SceneWatcher(self.camera, reader, config, clock, self._note)
        self.savings = LiveSavings(self.senses, slow_rate_hz=0.2)

    def _note(self, event: object) -> None:
        if isinstance(event, SceneState):
            self.scenes.append(event)

    async def looks_in(self, seconds: float) -> int:
        """How often it looks from now on."""
        before = len(self.scenes)
        await anyio.sleep(seconds)
        return len(self.scenes) - before

    async def feels(self) -> EmotionEstimate | None:
        return await self.senses.emotions.text(Transcript(0.0, 1, "I am so happy, this is great!", "en", 1.0, True))


def play(script: Callable[[Flickering], Awaitable[None]]) -> None:
    async def main() -> None:
        scene = Flickering()
        async with anyio.create_task_group() as group:
            group.start_soon(scene.watcher.run)
            await anyio.sleep(1.0)
            await script(scene)
            group.cancel_scope.cancel()
        scene.senses.emotions.close()

    run_in_virtual_time(main)


def test_each_step_takes_what_it_says_and_zero_gives_all_back() -> None:
    async def script(scene: Flickering) -> None:
        assert await scene.looks_in(20) == 40
        scene.savings.apply(1)
        assert 3 <= await scene.looks_in(20) <= 5
        assert await scene.feels() is not None
        scene.savings.apply(2)
        assert 3 <= await scene.looks_in(20) <= 5
        assert not scene.scenes[-1].tags
        assert await scene.feels() is None
        scene.savings.apply(3)
        assert await scene.looks_in(20) == 0
        assert not scene.camera.is_open
        scene.savings.apply(0)
        assert await scene.looks_in(20) >= 38
        assert await scene.feels() is not None

    play(script)


def test_a_camera_that_was_muted_stays_closed_when_the_machine_has_recovered() -> None:
    async def script(scene: Flickering) -> None:
        scene.savings.apply(3)
        scene.watcher.pause()
        scene.savings.apply(0)
        assert await scene.looks_in(20) == 0
        assert not scene.camera.is_open
        scene.watcher.resume()
        assert await scene.looks_in(20) >= 38

    play(script)


def test_unmuting_does_not_open_a_camera_that_is_off_to_save() -> None:
    async def script(scene: Flickering) -> None:
        scene.watcher.pause()
        scene.savings.apply(3)
        scene.watcher.resume()
        assert await scene.looks_in(20) == 0
        assert not scene.camera.is_open

    play(script)
