"""The devices, and opening them at the start."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass

from assistant.errors import DeviceError
from assistant.ports import AudioSink, AudioSource, Camera
from assistant.stages import StageReports


@dataclass(frozen=True, slots=True)
class Devices:
    """What the assistant hears, speaks and sees with."""

    microphone: AudioSource
    speaker: AudioSink
    camera: Camera | None


async def open_microphone(microphone: AudioSource, closing: AsyncExitStack, *, wait: bool) -> DeviceError | None:
    """Why the microphone cannot be opened, if the start may go on without one; raises that otherwise."""
    closing.push_async_callback(microphone.close)
    try:
        await microphone.open()
    except DeviceError as error:
        if not wait:
            raise
        return error
    return None


async def open_speaker(speaker: AudioSink, closing: AsyncExitStack, stages: StageReports) -> None:
    """What has no voice can still listen."""
    closing.push_async_callback(speaker.close)
    try:
        await speaker.open()
    except DeviceError as error:
        stages.failed("speaker", error)
