"""Opens a speaker that failed, again and again, so that it is known to work before something is to be said."""

from __future__ import annotations

import numpy as np

from assistant.errors import DeviceError
from assistant.events import SpeechChunk
from assistant.ports import AudioSink, Clock
from assistant.stages import SPEAKER, StageReports

_AGAIN_S = 2.0
_RATE_HZ = 24_000
_SILENCE = np.zeros(_RATE_HZ // 50, np.float32)
"""Only a device that takes it works: one may open and then take nothing."""


async def revive_speaker(sink: AudioSink, stages: StageReports, clock: Clock) -> None:
    """Runs for ever beside the conversation. A speaker that works is left alone."""
    while True:
        await clock.sleep_until(clock.monotonic_s() + _AGAIN_S)
        if not stages.is_failing(SPEAKER):
            continue
        try:
            await sink.open()
            played_s = sink.played_s()
            await sink.play(SpeechChunk(clock.monotonic_s(), 0, _SILENCE, _RATE_HZ, ""))
            await sink.drain()
        except DeviceError as error:
            stages.still_failing(SPEAKER, error)
        else:
            if sink.played_s() > played_s:  # else somebody has stopped it before
                stages.works(SPEAKER)
