"""This machine's own devices, left open from one assistant to the next where what they are made from stays the same."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar, cast

from assistant.app import Devices
from assistant.audio.microphone import Microphone
from assistant.audio.scripted import SilentSpeaker
from assistant.audio.speaker import Speaker
from assistant.config import AudioConfig, Config
from assistant.models.store import ModelStore
from assistant.ports import AudioSink, Clock
from assistant.tts.process import SpeechProcess
from assistant.vision.camera import open_camera

_LOG = logging.getLogger(__name__)
D = TypeVar("D")


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
        speaker.set_volume(audio.volume)
        spoken = Config(tts=config.tts, models=config.models)
        root = ModelStore(config.models.dir).root
        voices = await self._keep("voices", (spoken, root), lambda: SpeechProcess(spoken, root))
        seen, clock = (vision.camera, vision.frozen_s), self._clock
        if vision.camera == "none":
            await self._release("camera")
            camera = None
        else:
            camera = await self._keep("camera", seen, lambda: open_camera(seen[0], clock, frozen_s=seen[1]))
        return Devices(microphone, speaker, camera, voices, kept=True), microphone

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
