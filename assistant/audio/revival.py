"""Opens a speaker that failed, again and again, so that it is known to work before something is to be said."""

from __future__ import annotations

from assistant.errors import DeviceError
from assistant.ports import AudioSink, Clock
from assistant.stages import StageReports

_STAGE = "speaker"
_AGAIN_S = 2.0


async def revive_speaker(sink: AudioSink, stages: StageReports, clock: Clock) -> None:
    """Runs for ever beside the conversation. A speaker that works is left alone."""
    while True:
        await clock.sleep_until(clock.monotonic_s() + _AGAIN_S)
        if not stages.is_failing(_STAGE):
            continue
        try:
            await sink.open()
        except DeviceError as error:
            stages.still_failing(_STAGE, error)
        else:
            stages.works(_STAGE)
