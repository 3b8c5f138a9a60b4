"""The devices, and opening them at the start."""

from __future__ import annotations

import logging
from contextlib import AsyncExitStack
from dataclasses import dataclass

from assistant.asr.process import RecognizerProcess
from assistant.errors import DeviceError
from assistant.ports import AudioSink, AudioSource, Camera
from assistant.stages import SPEAKER, StageReports
from assistant.tts.process import SpeechProcess

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Devices:
    """What the assistant hears, speaks and sees with."""

    microphone: AudioSource
    speaker: AudioSink
    camera: Camera | None
    voices: SpeechProcess | None = None
    """None has the assistant start its own."""
    recognizer: RecognizerProcess | None = None
    """None too, unless its recogniser needs no process."""
    kept: bool = False
    """Whether the next assistant may use them too: then this one leaves them open, and who made them closes them."""

    def release_with(self, closing: AsyncExitStack, *processes: SpeechProcess | RecognizerProcess | None) -> None:
        """Have what is not kept, and the processes that are used, released at the end of `closing`."""
        if not self.kept:
            for device in (self.camera, self.microphone, self.speaker, *processes):
                if device is not None:
                    closing.push_async_callback(device.close)

    async def close_unwatched(self, *, watched: bool) -> None:
        """Unless it is watched now, close the camera that the last assistant may have left open: its light tells
        people that they are seen."""
        if self.camera is None or watched or not self.kept:
            return
        try:
            await self.camera.close()
        except Exception:  # it is given up either way
            _LOG.warning("The camera '%s' could not be closed.", self.camera.name, exc_info=True)


async def open_microphone(microphone: AudioSource, *, wait: bool) -> DeviceError | None:
    """Why the microphone cannot be opened, if the start may go on without one; raises that otherwise."""
    try:
        await microphone.open()
    except DeviceError as error:
        if not wait:
            raise
        return error
    return None


async def open_speaker(speaker: AudioSink, stages: StageReports) -> None:
    """What has no voice can still listen."""
    try:
        await speaker.open()
    except DeviceError as error:
        stages.failed(SPEAKER, error)
