"""Whatever a network, a reader or a sensor waits for, the event loop turns meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import numpy as np
import pytest

from assistant.caption.grounded import GroundedCaptioner
from assistant.caption.neural import NeuralCaptioner
from assistant.clock import LoopClock
from assistant.config import Config, EmotionConfig
from assistant.dialogue.respond import Responder
from assistant.emotion.fixed_weights import FixedWeights
from assistant.emotion.fusion import EmotionFusion
from assistant.emotion.monitor import EmotionMonitor
from assistant.events import Box, SceneState, Transcript, VideoFrame
from assistant.governor.governor import Governor
from assistant.governor.reading import Reading as SensorReading
from assistant.vision.looking import Looking
from assistant.vision.reading import Reading
from assistant.vision.scene import SceneReader
from tests.doubles.vision import BrightnessDetector, GivenFaces, flat_picture

FRAME = VideoFrame(1.0, flat_picture(200))
GIVES_UP_S = 10.0
"""A call that the loop waits for would wait for the loop for ever."""


class Backend:
    """Any backend: every call of it is `work`."""

    labels, languages, name, lost = ("dog",), frozenset({"en"}), "text", False
    knows_anyone, names = True, frozenset({"Anna"})

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work

    def _list(self, *_: Any) -> list[Any]:
        self._work()
        return []

    detect = tag = _list

    def _nothing(self, *_: Any) -> None:
        self._work()

    estimate = interpret = _nothing

    def begins(self, *_: Any) -> bool:
        self._work()
        return False

    def write(self, pixels: object) -> str:
        self._work()
        return "a dog"

    def close(self) -> None:
        """Nothing to free."""


class Poses(Backend):
    def estimate(self, frame: VideoFrame, person: Box) -> np.ndarray:
        self._work()
        return np.zeros((17, 3), np.float32)


class People(Backend):
    def name(self, scene: SceneState, *, fresh: bool) -> SceneState:
        self._work()
        return scene


class Lines(Backend):
    read = Backend._list


class Sensors(Backend):
    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(work)
        self.were_read = threading.Event()

    def read(self) -> SensorReading:
        self._work()
        self.were_read.set()
        return SensorReading()


async def _look(**networks: Any) -> None:
    async def nothing(faces: object) -> None:
        """Nobody wants them."""

    given: dict[str, Any] = {"detector": BrightnessDetector(), "faces": GivenFaces(), **networks}
    looking = Looking(SceneReader(**given))
    await looking.look(FRAME, faces=True, tags=True, on_faces=nothing)
    if "pose" in networks:
        await looking.pose(FRAME, Box(0, 0, 1, 1))
    if "people" in networks:
        await looking.names(SceneState(1.0, (), ()), fresh=True)
    looking.close()


async def _read(work: Callable[[], None]) -> None:
    reading = Reading(lambda: Lines(work))
    await reading.read(FRAME)
    reading.close()


async def _write(work: Callable[[], None]) -> None:
    grounded = GroundedCaptioner(min_confidence=0.35, max_age_s=10.0)
    captioner = NeuralCaptioner(Backend(work), grounded, min_confidence=0.35, max_age_s=10.0)
    await captioner.prepare(SceneState(1.0, (), (), frame=FRAME))
    captioner.close()


async def _feel(work: Callable[[], None]) -> None:
    fusion = EmotionFusion(EmotionConfig(), FixedWeights(("text",)))
    monitor = EmotionMonitor({"text": Backend(work)}, fusion, lambda event: None)
    await monitor.text(Transcript(1.0, 1, "I am glad", "en", 0.9, True))
    monitor.close()


async def _understand(work: Callable[[], None], ask: str) -> None:
    responder = Responder(Backend(work), {}, None, Config())
    await getattr(responder, ask)("a sentence", "en")
    responder.close()


async def _govern(work: Callable[[], None]) -> None:
    sensors = Sensors(work)
    governor = Governor(Config.model_validate({"governor": {"every_s": 0.5}}), LoopClock(), sensors)
    async with anyio.create_task_group() as group:
        group.start_soon(governor.run, _NoSavings(), _NoVoice(), lambda event: None)
        while not sensors.were_read.is_set():  # noqa: ASYNC110 (another thread sets it)
            await anyio.sleep(0.01)
        group.cancel_scope.cancel()


class _NoSavings:
    def apply(self, step: int) -> None:
        """Saves nothing."""


class _NoVoice:
    muted = True

    async def announce(self, text: str, language: str) -> None:
        """Says nothing."""


CASES: dict[str, Callable[[Callable[[], None]], Awaitable[None]]] = {
    "object detector": lambda work: _look(detector=Backend(work)),
    "face detector": lambda work: _look(faces=Backend(work)),
    "scene tagger": lambda work: _look(tagger=Backend(work)),
    "poses": lambda work: _look(pose=Poses(work)),
    "people": lambda work: _look(people=People(work)),
    "text reader": _read,
    "neural captioner": _write,
    "emotion channel": _feel,
    "interpreter": lambda work: _understand(work, "intent"),
    "beginning of a request": lambda work: _understand(work, "begins"),
    "sensors": _govern,
}


@pytest.mark.parametrize("case", CASES)
def test_the_event_loop_turns_while_it_works(case: str) -> None:
    begun, turned = threading.Event(), threading.Event()
    saw_it_turn: list[bool] = []

    def work() -> None:
        begun.set()
        saw_it_turn.append(turned.wait(GIVES_UP_S))

    async def turn() -> None:
        while not begun.is_set():  # noqa: ASYNC110 (another thread sets it)
            await anyio.sleep(0.01)
        turned.set()

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(turn)
            await CASES[case](work)

    anyio.run(main)
    assert saw_it_turn[0]
