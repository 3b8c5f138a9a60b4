"""When a frame was heard, as far as the driver knows."""

from __future__ import annotations

import asyncio

import anyio
import numpy as np

from assistant.audio.microphone import Microphone
from assistant.config import AudioConfig
from tests.doubles.living import HangableLoop, Living


def test_the_times_of_frames_never_go_back_whatever_ages_a_busy_driver_tells(living: Living) -> None:
    async def main() -> list[float]:
        living.sound.loop = asyncio.get_running_loop()
        microphone, times = Microphone(AudioConfig()), []
        await microphone.open()
        async for frame in microphone.frames():
            times.append(frame.at_s)
            living.microphone.late_s = 0.1 if len(times) % 2 else 0.0
            if len(times) == 20:
                break
        await microphone.close()
        return times

    with living.sound_library():
        times = anyio.run(main, backend_options={"loop_factory": HangableLoop})
    assert (np.diff(times) >= 0.0).all()
    assert times[-1] - times[0] > 0.5, "and they go on"
