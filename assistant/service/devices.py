"""This machine's own devices, left open from one assistant to the next where what they are made from stays the same."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Hashable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast

from assistant.app import Devices
from assistant.asr.loading import recognizer_process
from assistant.audio.microphone import Microphone
from assistant.audio.scripted import SilentSpeaker
from assistant.audio.speaker import Speaker
from assistant.config import AudioConfig, Config
from assistant.events import VideoFrame
from assistant.kept import file_identity
from assistant.models.store import ModelStore
from assistant.models.used import MODELS_OF
from assistant.ports import AudioSink, Camera, Clock
from assistant.service.rehearsal import BEGINNINGS
from assistant.telemetry.recorder import Recorder
from assistant.tts.process import SpeechProcess
from assistant.vision.camera import open_camera
from assistant.vision.live_camera import LiveCamera

_LOG = logging.getLogger(__name__)
D = TypeVar("D")


class _OpenOnce:
    """A camera that is left open and opened by the next who looks through it."""

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._was_tried = self._is_open = False
        self.name = camera.name
        self.seen: Callable[[VideoFrame], Awaitable[None]] | None = None
        """Told of every picture that is taken, before whoever asked for it."""

    async def open(self) -> None:
        """Start capturing, unless it does already. Raises `DeviceError` or `MediaError`."""
        if not self._is_open:
            self._was_tried = True
            await self._camera.open()
            self._is_open = True

    async def read(self) -> VideoFrame | None:
        """As the camera does."""
        frame = await self._camera.read()
        if frame is not None and self.seen is not None:
            await self.seen(frame)
        return frame

    def forget_if_replaced(self) -> None:
        """As a live camera does."""
        if isinstance(self._camera, LiveCamera):
            self._camera.forget_if_replaced()

    async def close(self) -> None:
        """Release the device, unless nobody has tried to open it; safe to call twice."""
        if self._was_tried:
            self._was_tried = self._is_open = False
            await self._camera.close()


class KeptDevices:
    """Gives each assistant its devices, and closes those that no assistant uses any more."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[str, tuple[object, Any]] = {}
        """Role → what it was made from, and the device."""

    async def of(self, config: Config) -> tuple[Devices, Microphone]:
        """The devices that `config` names, and the microphone once more as what it is. Raises `MediaError` for a camera
        that names nothing."""
        audio, vision = config.audio, config.vision
        # Each is given no more of the configuration than it is kept by, so that nothing else can make a difference.
        heard = AudioConfig(input=audio.input, queue_s=audio.queue_s)
        microphone = await self._keep("microphone", heard, lambda: Microphone(heard))
        played = AudioConfig(output=audio.output)
        speaker = await self._keep("speaker", played, lambda: self._speaker(played))
        spoken = Config(tts=config.tts, models=config.models)
        root = ModelStore(config.models.dir).root
        made_from = spoken, root, _voices_files(spoken, root)
        voices = await self._keep("voices", made_from, lambda: SpeechProcess(spoken, root, beginnings=BEGINNINGS))
        # What it loads it keeps by itself, from one configuration to the next.
        models, recognised = ModelStore(root), config.asr.backend
        recognizer = await self._keep("recogniser", (root, recognised), lambda: recognizer_process(config, models))
        seen, clock = (vision.camera, vision.frozen_s), self._clock
        if vision.camera == "none":
            await self._release("camera")
            camera = None
        else:
            make = partial(open_camera, vision.camera, clock, frozen_s=vision.frozen_s)
            camera = await self._keep("camera", seen, lambda: _OpenOnce(make()))
        return Devices(microphone, speaker, camera, voices, recognizer, kept=True), microphone

    def record_with(self, recorder: Recorder | None) -> None:
        """Have what is heard and seen from now on recorded there, or nowhere."""
        for role, (_, device) in self._kept.items():
            if role == "microphone":
                device.heard = recorder and recorder.heard
            elif role == "camera":
                device.seen = recorder and recorder.seen

    def look_anew(self) -> None:
        """Take another camera that was put in the place of one that is gone. Whose owner asks for a reload means it,
        whether or not anything was configured."""
        _, camera = self._kept.get("camera", (None, None))
        if camera is not None:
            camera.forget_if_replaced()

    async def close(self) -> None:
        """Release them all."""
        for role in list(self._kept):
            await self._release(role)

    async def _keep(self, role: str, made_from: object, make: Callable[[], D]) -> D:
        """The device that is there, or a new one; two in one role are never open at once."""
        if role in self._kept and self._kept[role][0] == made_from:
            return cast("D", self._kept[role][1])
        await self._release(role)
        device = make()
        self._kept[role] = made_from, device
        return device

    async def _release(self, role: str) -> None:
        _, device = self._kept.pop(role, (None, None))
        if device is None:
            return
        try:
            await device.close()
        except Exception:  # it is given up either way, and the others have to be closed too
            _LOG.warning("The %s could not be closed.", role, exc_info=True)

    def _speaker(self, config: AudioConfig) -> AudioSink:
        return SilentSpeaker(self._clock) if config.output == "none" else Speaker(config)


def _voices_files(config: Config, root: Path) -> tuple[Hashable, ...]:
    """What tells the models of its voices from those that a pull puts in their place."""
    engines = config.tts.en, config.tts.zh, config.tts.fallback
    return tuple(file_identity(root / name) for engine in engines for name in MODELS_OF.get(engine, ()))
