"""The whole assistant in virtual time, on devices that can fail: real from the sound library's callback to the voice's
process, but for the networks, which hear and see what the test says."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import anyio
import numpy as np
import pytest

from assistant import asr
from assistant.app import Assistant, Devices
from assistant.asr import RECOGNIZERS
from assistant.audio import portaudio
from assistant.audio.microphone import Microphone
from assistant.audio.speaker import Speaker
from assistant.caption import CAPTIONERS
from assistant.clock import LoopClock
from assistant.config import Config
from assistant.dialogue import INTERPRETERS
from assistant.events import (
    AudioFrame,
    Detection,
    Face,
    ImageArray,
    PlaybackFinished,
    SceneCaption,
    SceneState,
    StageFailed,
    StageRecovered,
    Transcript,
    VideoFrame,
)
from assistant.health import Health
from assistant.models.store import ModelStore
from assistant.ports import Camera, Clock, Recognition, TurnObserver
from assistant.tts import SYNTHESIZERS
from assistant.vad import DETECTORS as VOICE_DETECTORS
from assistant.virtual_time import VirtualTimeLoop
from assistant.vision import DETECTORS, FACE_DETECTORS
from tests.doubles import synthesizers
from tests.doubles.conversation import EventLog
from tests.doubles.sound_devices import Card, Room, SoundCards, sound_thread
from tests.doubles.vision import BrightnessDetector, FakeCamera

HERE = "tests.doubles.living"
Script = Callable[[Assistant], Coroutine[Any, Any, object]]
TIME = "Hey Jarvis, what time is it?"
FRAMES, TASKS = 5.0 / 0.032 + 20, 20
"""What `held` may be at most: hardly more frames than the queue of the microphone holds."""
PICTURES = 30
"""What it may hold of a camera: a few, and one for every failed look whose traceback pytest keeps with the log."""
_WEIGHED_EVERY_S, _WEIGHED = 20.0, 10
"""How often, and how many times at most, it is seen how much is held."""
_SLICE_S = 0.1
"""How soon a call that takes time notices that it may go faster, or must go slower."""


class Loudness:
    """A detector for which loud is speech. `breaks` holds what it does instead, call by call."""

    sample_rate_hz, frame_samples = 16_000, 512
    breaks: ClassVar[list[Callable[[], float]]] = []

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Loudness:
        return cls()

    def probability(self, samples: np.ndarray) -> float:
        if self.breaks:
            return self.breaks.pop(0)()
        return float(np.abs(samples).max() > 0.2)

    def reset(self) -> None:
        """Nothing to forget."""


class Words:
    """A recogniser whose next utterance is the next of `texts`: a text, a recognition, `perhaps` something else over a
    reply only, an exception to raise, or a call to make. In silence it hears nothing."""

    languages = frozenset({"en", "zh"})
    streams_partials = False
    texts: ClassVar[list[Any]] = []
    real_time_factor: ClassVar[float] = 0.0
    """How long it takes a second of speech."""
    given: ClassVar[list[float]] = []
    """What it was told of an utterance at a time, in seconds of sound."""
    over_reply: ClassVar[list[bool]] = []
    """Whether what it decoded was said over a reply."""

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Words:
        return cls()

    def open(self, language: str | None) -> _Utterance:
        return _Utterance()

    def close(self) -> None:
        """Nothing to free."""


class _Utterance:
    def __init__(self) -> None:
        self._text: Any = None
        self._seconds = 0.0

    def accept(self, samples: np.ndarray) -> str | None:
        if self._text is None and not samples.any():
            return None
        if self._text is None:
            self._text = Words.texts.pop(0) if Words.texts else ""
        self._seconds += len(samples) / 16_000
        Words.given.append(len(samples) / 16_000)
        if Words.streams_partials:
            self._take_time()
        return None

    def result(self, *, over_reply: bool = False) -> Recognition:
        self._take_time()
        Words.over_reply.append(over_reply)
        text = (self._text() if callable(self._text) else self._text) or ""
        if isinstance(text, Exception):
            raise text
        if isinstance(text, Recognition):
            return text if over_reply else replace(text, perhaps=())
        return Recognition(text, "zh" if any("\u4e00" <= char <= "\u9fff" for char in text) else "en", 0.9)

    def _take_time(self) -> None:
        HangableLoop.current.take(self._seconds, lambda: Words.real_time_factor)
        self._seconds = 0.0


class Dogs(BrightnessDetector):
    """Sees a dog wherever it looks; raises while `broken`."""

    broken_now = False

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Dogs:
        return cls()

    def detect(self, frame: VideoFrame) -> list[Detection]:
        self.broken = type(self).broken_now
        return super().detect(frame)


class NoFaces:
    """Finds no face."""

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> NoFaces:
        return cls()

    def detect(self, frame: VideoFrame) -> list[Face]:
        return []


class Forgetful:
    """A captioner that has no memory left."""

    languages = frozenset({"en", "zh"})

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Forgetful:
        return cls()

    def caption(self, scene: SceneState, language: str, now_s: float) -> SceneCaption:
        raise MemoryError("CUDA out of memory. Tried to allocate 2 GiB.")


class Living:
    """One assistant with a microphone, a speaker and perhaps a camera. `live` runs it while a script goes on."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.sound = SoundCards(folder / "cards")
        self.room = Room()
        self.microphone = self.sound.plug(Card("USB Mic: Audio (hw:1,0)", self.room))
        self.speaker = self.sound.plug(Card("Loudspeaker: Audio (hw:2,0)"))
        self.sound.begin()
        self.picture: Callable[[float], ImageArray | Exception | None] | None = None
        self.make_camera: Callable[[Clock], Camera] | None = None
        self.log = EventLog()
        self.observers: list[TurnObserver] = []
        self.state: Path | None = None
        self.clock: Clock = LoopClock()
        self.settings: dict[str, dict[str, Any]] = {}
        self.holds_at_most = FRAMES, PICTURES
        """Frames of sound and of the camera, whatever fails."""
        patch.setitem(sys.modules, "sounddevice", self.sound)
        patch.setattr(portaudio, "_CARDS", folder / "cards")
        patch.setattr(portaudio, "_cards_seen", None)
        patch.setattr(portaudio, "_ended", False)
        patch.setattr(Loudness, "breaks", [])
        patch.setattr(Words, "texts", [])
        patch.setattr(Words, "real_time_factor", 0.0)
        patch.setattr(Words, "given", [])
        patch.setattr(Words, "over_reply", [])
        patch.setattr(Dogs, "broken_now", False)
        patch.setitem(INTERPRETERS, "hassil", "tests.doubles.conversation:SharedInterpreter")
        patch.setitem(VOICE_DETECTORS, "loudness", f"{HERE}:Loudness")
        patch.setitem(RECOGNIZERS, "words", f"{HERE}:Words")
        patch.setattr(asr, "IN_THIS_PROCESS", {"words"})
        patch.setitem(RECOGNIZERS, "fated", "tests.doubles.fated:Fated")
        patch.setitem(RECOGNIZERS, "slow", "tests.doubles.slow:Slow")
        patch.setitem(DETECTORS, "dogs", f"{HERE}:Dogs")
        patch.setitem(FACE_DETECTORS, "nobody", f"{HERE}:NoFaces")
        patch.setitem(CAPTIONERS, "forgetful", f"{HERE}:Forgetful")
        for voice in synthesizers.VOICES:
            patch.setitem(SYNTHESIZERS, voice.__name__, f"{voice.__module__}:{voice.__name__}")

    def configure(self, section: str, **values: Any) -> None:
        """Settings that differ from the doubles' own."""
        self.settings.setdefault(section, {}).update(values)

    def says(self, *texts: Any) -> None:
        """What is recognised, utterance by utterance."""
        Words.texts.extend(texts)

    def live(self, script: Script, *beside: Script, wait_for_microphone: bool = False) -> list[str]:
        """Live until `script` is done, with what goes on `beside` it; what was said, reply by reply."""

        kept: list[tuple[int, int]] = []

        async def weigh() -> None:
            for _ in range(_WEIGHED):
                await anyio.sleep(_WEIGHED_EVERY_S)
                kept.append(self._frames_held())

        async def main() -> None:
            self.sound.loop = asyncio.get_running_loop()
            camera: Camera | None = None
            if self.make_camera is not None:
                camera = self.make_camera(self.clock)
            elif self.picture is not None:
                camera = FakeCamera(self.clock, self.picture)
            config = self._config()
            self._source = Microphone(config.audio)
            devices = Devices(self._source, Speaker(config.audio), camera)
            models = ModelStore(Path("/nonexistent"))
            observers = [self.log, *self.observers]
            assistant = Assistant(config, devices, models, self.clock, observers, state=self.state)
            try:
                await assistant.start(wait_for_microphone=wait_for_microphone)
                async with anyio.create_task_group() as group:
                    group.start_soon(assistant.run)
                    group.start_soon(weigh)
                    for other in beside:
                        group.start_soon(other, assistant)
                    await script(assistant)
                    kept.append(self._frames_held())
                    group.cancel_scope.cancel()
            finally:
                await assistant.close()

        with self.sound_library():
            anyio.run(main, backend_options={"loop_factory": HangableLoop})
        most_heard, most_seen = self.holds_at_most
        assert all(heard <= most_heard and seen <= most_seen for heard, seen in kept), kept
        self.log.check_dates()
        return self.said

    @contextmanager
    def sound_library(self) -> Iterator[None]:
        """Nobody may misuse it inside."""
        with sound_thread():
            yield
        assert not self.sound.misused

    @property
    def dropped(self) -> int:
        """Frames of the microphone that the assistant has lost."""
        return self._source.dropped

    @property
    def said(self) -> list[str]:
        return [event.text for event in self.log.of(PlaybackFinished)]

    @property
    def heard(self) -> list[str]:
        return [event.text for event in self.log.of(Transcript) if event.is_final]

    def failures(self, stage: str) -> list[StageFailed]:
        return [event for event in self.log.of(StageFailed) if event.stage == stage]

    def recoveries(self, stage: str) -> list[float]:
        return [event.at_s for event in self.log.of(StageRecovered) if event.stage == stage]

    def _frames_held(self) -> tuple[int, int]:
        """How many frames of sound, and how many pictures but for those that the log of events keeps."""
        kinds = Counter(map(type, gc.get_objects()))
        logged = {id(event.frame) for event in self.log.of(SceneState) if event.frame is not None}
        return kinds[AudioFrame], kinds[VideoFrame] - len(logged)

    def _config(self) -> Config:
        own: dict[str, dict[str, Any]] = {
            "audio": {"echo_guard": False},
            "vad": {"backend": "loudness"},
            "asr": {"backend": "words"},
            "vision": {"detector": "dogs", "faces": "nobody", "tagger": "none"},
            "emotion": {"channels": []},
            "tts": {"en": "Tone", "zh": "Tone", "fallback": "HighTone", "preload": []},
        }
        for section, values in self.settings.items():
            own.setdefault(section, {}).update(values)
        return Config.model_validate(own)


async def until(at_s: float) -> None:
    """Return at that time of the loop."""
    await anyio.sleep(max(0.0, at_s - anyio.current_time()))


def held() -> tuple[int, int]:
    """How many frames of sound and how many tasks there are."""
    frames = sum(type(thing) is AudioFrame for thing in gc.get_objects())
    return frames, len(asyncio.all_tasks())


async def health_every(assistant: Assistant, seconds: float, until_s: float) -> list[tuple[float, Health]]:
    """What a supervisor would have seen."""
    seen = []
    while anyio.current_time() < until_s:
        seen.append((anyio.current_time(), assistant.health()))
        await anyio.sleep(seconds)
    return seen


class HangableLoop(VirtualTimeLoop):
    """Virtual time that goes on while some workers hang; otherwise it would wait for them."""

    current: ClassVar[HangableLoop]

    def __init__(self) -> None:
        super().__init__()
        HangableLoop.current = self
        self._calls: Counter[str] = Counter()
        self._hung: set[str] = set()
        self.hangs: list[threading.Event] = []

    def close(self) -> None:
        """Nothing hangs for longer than this."""
        super().close()
        for over in self.hangs:
            over.set()

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        future = super().run_in_executor(executor, func, *args)
        name = getattr(executor, "_name", "")
        self._begin(name)
        future.add_done_callback(lambda _: self._end(name))
        return future

    def take(self, work_s: float, factor: Callable[[], float], *, worker: str = "") -> None:
        """Have the call that runs on a worker's thread, this one unless another is named, take so long, times what
        `factor` is meanwhile."""
        if not factor():
            return
        name, over = worker or threading.current_thread().name, threading.Event()
        self.hangs.append(over)

        def go_on(left_s: float) -> None:
            if left_s > 0.0 and factor():
                part_s = min(left_s, _SLICE_S / factor())
                self.call_later(part_s * factor(), go_on, left_s - part_s)
            else:
                self.come_back(name)
                over.set()

        def begin() -> None:
            self.hang(name)
            go_on(work_s)

        self.call_soon_threadsafe(begin)
        assert over.wait(60.0)

    def hang(self, name: str) -> None:
        """From now on the calls of that worker do not hold the clock."""
        self._hung.add(name)
        self._jumping.outstanding -= self._calls[name]

    def come_back(self, name: str) -> None:
        """They hold it again."""
        if name in self._hung:
            self._hung.discard(name)
            self._jumping.outstanding += self._calls[name]

    def _begin(self, name: str) -> None:
        self._calls[name] += 1
        self._jumping.outstanding -= name in self._hung

    def _end(self, name: str) -> None:
        self._calls[name] -= 1
        self._jumping.outstanding += name in self._hung


def hang(until_s: float) -> Callable[[], float]:
    """A native call that comes back at `until_s` of the running loop; silence is all it then says."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, HangableLoop)
    over = threading.Event()
    loop.hangs.append(over)
    workers: list[str] = []

    def come_back() -> None:
        for name in workers:
            loop.come_back(name)
        over.set()

    loop.call_at(until_s, come_back)

    def call() -> float:
        if not over.is_set():
            workers.append(threading.current_thread().name)
            loop.call_soon_threadsafe(loop.hang, workers[-1])
            assert over.wait(60.0)
        return 0.0

    return call


__all__: Sequence[str] = (
    *("FRAMES", "TASKS", "TIME"),
    *("Dogs", "Living", "Loudness", "Room", "Words", "hang", "health_every", "held", "until"),
)
