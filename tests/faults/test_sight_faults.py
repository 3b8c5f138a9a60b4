"""What looks at pictures hangs or dies in a native call while the assistant lives."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import psutil
import pytest

from assistant.app import Assistant
from assistant.caption import CAPTIONERS
from assistant.caption.grounded import GroundedCaptioner
from assistant.caption.neural import NeuralCaptioner
from assistant.config import Config
from assistant.events import Box, Detection, ImageArray, VideoFrame
from assistant.models.store import ModelStore
from assistant.ports import TextLine
from assistant.vision import DETECTORS, TEXT_READERS, file_cameras
from tests.doubles.fated import Fates
from tests.doubles.living import TIME, Dogs, HangableLoop, Living, hang, health_every, until
from tests.faults.test_camera_faults import RECOVERS_S, SEE, noise

HANGS_S, BACK_S = 10.0, 60.0


class Hanging:
    """Does its work, once `call` has returned."""

    call: ClassVar[Callable[[], object]] = staticmethod(lambda: None)


class HangingDogs(Dogs, Hanging):
    def detect(self, frame: VideoFrame) -> list[Detection]:
        self.call()
        return super().detect(frame)


class HangingWriter(Hanging):
    lost = False

    def write(self, pixels: ImageArray) -> str:
        self.call()
        return "a dog in the snow"

    def close(self) -> None:
        """Nothing to free."""


class HangingCaptioner:
    @classmethod
    def create(cls, config: Config, models: ModelStore) -> NeuralCaptioner:
        grounded = GroundedCaptioner.create(config, models)
        return NeuralCaptioner(HangingWriter(), grounded, min_confidence=0.1, max_age_s=10.0)


class Film(Hanging):
    """A capture that shows noise without end."""

    def isOpened(self) -> bool:  # noqa: N802 (as OpenCV calls it)
        return True

    def get(self, what: int) -> float:
        return 10.0

    def grab(self) -> bool:
        self.call()
        return True

    def retrieve(self) -> tuple[bool, ImageArray]:
        return True, noise(HangableLoop.current.time())

    def release(self) -> None:
        """Nothing to free."""


class HangingReader(Hanging):
    @classmethod
    def create(cls, config: Config, models: ModelStore) -> HangingReader:
        return cls()

    def read(self, frame: VideoFrame) -> list[TextLine]:
        self.call()
        return [TextLine("Exit", 0.99, Box(0.4, 0.1, 0.6, 0.2))]


@pytest.fixture
def sight(living: Living, monkeypatch: pytest.MonkeyPatch) -> Living:
    """Networks that can hang, before a camera that works."""
    monkeypatch.setitem(DETECTORS, "hanging", f"{__name__}:HangingDogs")
    monkeypatch.setitem(CAPTIONERS, "hanging", f"{__name__}:HangingCaptioner")
    monkeypatch.setitem(TEXT_READERS, "hanging", f"{__name__}:HangingReader")
    monkeypatch.setattr(Hanging, "call", staticmethod(lambda: None))
    living.picture = noise
    return living


def told_of(said: Sequence[str]) -> list[str]:
    """Whose words each reply has: the network writes of snow too, and both of a dog."""
    whose = {
        (True, True): "the network's words",
        (False, True): "the detector's words",
        (False, False): "neither",
    }
    return [whose["snow" in text, "dog" in text] for text in said]


def test_a_detector_that_hangs_is_told_and_sees_once_it_is_back(sight: Living) -> None:
    sight.configure("vision", detector="hanging")
    sight.says(TIME, SEE, SEE)

    async def script(assistant: Assistant) -> None:
        await until(HANGS_S)
        Hanging.call = staticmethod(hang(BACK_S))
        await until(30.0)
        assert "object detector" in assistant.health().unavailable["vision"]
        assert assistant.health().hung == ("object detector",), "nothing but a restart brings sight back for sure"
        sight.room.say(30.0)
        sight.room.say(38.0)
        await until(BACK_S + RECOVERS_S)
        assert assistant.health().unavailable == {}
        assert assistant.health().ok
        sight.room.say(70.0)
        await until(78.0)

    said = sight.live(script)
    assert said[0] == "I can't see right now."
    assert said[1].startswith("It's")
    assert said[2] == "I can't see right now. The camera isn't working."
    assert said[3] == "I can see again."
    assert "dog" in said[4]
    assert len(sight.failures("vision")) == len(sight.recoveries("vision")) == 1


def test_a_captioner_that_hangs_costs_its_own_words_only(sight: Living) -> None:
    sight.configure("vision", captioner="hanging")
    sight.says(SEE, SEE, TIME, SEE, SEE)

    async def script(assistant: Assistant) -> None:
        sight.room.say(3.0)
        await until(HANGS_S)
        Hanging.call = staticmethod(hang(BACK_S))
        sight.room.say(HANGS_S)
        await until(40.0)
        assert "neural captioner" in assistant.health().unavailable["neural captioner"]
        assert assistant.health().ok, "the detector's words take its place, and a restart would end the conversation"
        sight.room.say(40.0)
        sight.room.say(48.0)
        await until(BACK_S + RECOVERS_S)
        assert assistant.health().unavailable == {}, "though nobody has spoken since"
        sight.room.say(70.0)
        await until(78.0)

    said = sight.live(script)
    assert told_of(said) == [
        "the network's words",
        "the detector's words",
        "neither",
        "the detector's words",
        "the network's words",
    ]
    assert len(sight.recoveries("neural captioner")) == 1


def test_a_captioner_that_raises_costs_its_own_words_only(sight: Living) -> None:
    sight.configure("vision", captioner="hanging")
    sight.says(SEE, SEE, TIME, SEE)

    def no_memory() -> None:
        raise MemoryError("CUDA out of memory. Tried to allocate 2 GiB.")

    async def script(assistant: Assistant) -> None:
        sight.room.say(3.0)
        await until(HANGS_S)
        Hanging.call = staticmethod(no_memory)
        sight.room.say(HANGS_S)
        await until(18.0)
        assert "out of memory" in assistant.health().unavailable["neural captioner"]
        assert assistant.health().ok, "the detector's words take its place"
        sight.room.say(18.0)
        await until(BACK_S)
        assert "neural captioner" in assistant.health().unavailable
        Hanging.call = staticmethod(lambda: None)
        await until(BACK_S + RECOVERS_S)
        assert assistant.health().unavailable == {}, "though nobody has spoken since"
        sight.room.say(70.0)
        await until(78.0)

    said = sight.live(script)
    assert told_of(said) == ["the network's words", "the detector's words", "neither", "the network's words"]
    assert len(sight.failures("neural captioner")) == len(sight.recoveries("neural captioner")) == 1


@pytest.fixture
def fates(sight: Living, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fates:
    """Of a captioner whose network has a process of its own."""
    monkeypatch.setitem(CAPTIONERS, "fated", "tests.doubles.fated:FatedCaptioner")
    sight.configure("vision", captioner="fated")
    return Fates(tmp_path / "fates", monkeypatch)


@pytest.mark.parametrize(("fate", "told"), [("SIGKILL", "SIGKILL"), ("SIGSEGV", "SIGSEGV"), ("hang", "did nothing")])
def test_a_captioner_whose_process_dies_or_hangs_costs_its_own_words_only(
    sight: Living, fates: Fates, fate: str, told: str
) -> None:
    sight.says(SEE, SEE, TIME, SEE)
    fates.writing("works", fate, "SIGKILL")  # so does the one in its place, or it would be back before the answer

    async def script(assistant: Assistant) -> None:
        sight.room.say(3.0)
        sight.room.say(HANGS_S)
        await until(12.0)
        assert "neural captioner" in assistant.health().unavailable
        assert assistant.health().ok, "the detector's words take its place"
        await until(HANGS_S + RECOVERS_S)
        assert assistant.health().unavailable == {}, "though nobody has spoken since"
        sight.room.say(18.0)
        sight.room.say(26.0)
        await until(34.0)

    said = sight.live(script)
    assert told_of(said) == ["the network's words", "the detector's words", "neither", "the network's words"]
    failures, recoveries = sight.failures("neural captioner"), sight.recoveries("neural captioner")
    assert told in failures[0].error
    assert len(recoveries) == 1 and recoveries[0] - failures[0].at_s < RECOVERS_S
    assert fates.count("load") == 3


def test_a_captioner_that_dies_while_nobody_speaks_is_there_again_before_it_is_needed(
    sight: Living, fates: Fates
) -> None:
    sight.says(SEE, SEE)

    async def script(assistant: Assistant) -> None:
        assert not writers(), "it takes no memory before it is used"
        sight.room.say(3.0)
        await until(HANGS_S)
        [killed] = writers()
        killed.kill()
        wait_until_dead(killed)
        await until(HANGS_S + RECOVERS_S)
        assert writers() and assistant.health().unavailable == {}
        sight.room.say(HANGS_S + RECOVERS_S)
        await until(22.0)

    said = sight.live(script)
    assert ["snow" in text for text in said] == [True, True]
    assert ["SIGKILL" in failure.error for failure in sight.failures("neural captioner")] == [True]
    assert len(sight.recoveries("neural captioner")) == 1


def writers() -> list[psutil.Process]:
    """The captioner's processes."""
    running = (child for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE)
    return [child for child in running if "assistant.caption.worker_main" in child.cmdline()]


def wait_until_dead(process: psutil.Process) -> None:
    while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)  # no time of the assistant's passes


def test_a_reader_that_hangs_is_told_to_who_asked_and_reads_once_it_is_back(sight: Living) -> None:
    read = "Hey Jarvis, what does this say?"
    sight.configure("vision", text_reader="hanging")
    sight.says(read, TIME, read, read)

    async def script(assistant: Assistant) -> None:
        await until(HANGS_S)
        Hanging.call = staticmethod(hang(BACK_S))
        sight.room.say(HANGS_S)
        await until(45.0)
        assert "text reader" in assistant.health().last_failures["skill scene_read"].reason
        assert assistant.health().ok, "it is not worth the conversation"
        sight.room.say(45.0)
        sight.room.say(52.0)
        await until(BACK_S + 1.0)
        sight.room.say(BACK_S + 1.0)
        await until(BACK_S + 8.0)
        assert assistant.health().unavailable == assistant.health().last_failures == {}

    said = sight.live(script)
    assert said[0] == said[2] == "Sorry, I couldn't read it."
    assert said[1].startswith("It's")
    assert "Exit" in said[3]


def test_a_film_that_hangs_is_a_camera_that_is_lost(
    sight: Living, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    film = tmp_path / "film.avi"
    film.touch()
    monkeypatch.setattr(file_cameras, "open_capture", lambda *_: Film())
    sight.make_camera = lambda clock: file_cameras.VideoFileCamera(film, clock)
    sight.says(TIME)

    async def script(assistant: Assistant) -> None:
        await until(HANGS_S)
        hangs = hang(100.0)
        # Opened anew, the film can be read.
        Hanging.call = staticmethod(lambda: (setattr(Hanging, "call", staticmethod(lambda: None)), hangs()))
        seen = await health_every(assistant, 0.1, 75.0)
        assert any("video" in health.unavailable.get("camera", "") for _, health in seen)
        assert all(health.ok for _, health in seen), "the next process would read the same file"
        assert assistant.health().unavailable == {}
        sight.room.say(75.0)
        await until(82.0)

    assert sight.live(script)[-1].startswith("It's")
