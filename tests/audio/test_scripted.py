import anyio
import numpy as np

from assistant.audio.scripted import RecordingSpeaker, ScriptedMicrophone
from assistant.clock import LoopClock
from assistant.events import SpeechChunk
from assistant.virtual_time import run_in_virtual_time


def _chunk(seconds: float, value: float) -> SpeechChunk:
    return SpeechChunk(0.0, 1, np.full(round(seconds * 24000), value, np.float32), 24000, "")


def test_the_microphone_speaks_on_the_clock_and_is_silent_otherwise():
    async def main() -> tuple[list[float], list[float]]:
        microphone = ScriptedMicrophone(LoopClock())
        times, levels = [], []

        async def talk() -> None:
            await anyio.sleep(0.1)
            await microphone.say(np.ones(1024, np.float32))
            await anyio.sleep(0.1)
            await microphone.close()

        async with anyio.create_task_group() as group:
            group.start_soon(talk)
            async for frame in microphone.frames():
                times.append(round(frame.at_s, 3))
                levels.append(float(frame.samples.mean()))
        return times, levels

    times, levels = run_in_virtual_time(main)
    assert times[:6] == [0.032, 0.064, 0.096, 0.128, 0.16, 0.192]
    assert levels[:6] == [0, 0, 0, 1, 1, 0]


def test_the_speaker_records_each_chunk_when_it_would_be_heard():
    async def main() -> tuple[list[float], np.ndarray]:
        speaker = RecordingSpeaker(LoopClock())
        await speaker.open()
        await anyio.sleep(1)
        starts = [(await speaker.play(_chunk(0.5, level))).at_s for level in (0.1, 0.2)]
        await speaker.drain()
        return starts, speaker.recording()

    starts, track = run_in_virtual_time(main)
    assert starts == [1.0, 1.5]
    assert [round(float(track[round(at * 24000)]), 1) for at in (0.5, 1.25, 1.75)] == [0, 0.1, 0.2]


def test_stopping_cuts_the_sound_and_counts_what_was_heard():
    async def main() -> tuple[float, np.ndarray]:
        speaker = RecordingSpeaker(LoopClock())
        await speaker.open()
        await speaker.play(_chunk(2.0, 0.5))
        await anyio.sleep(0.5)
        speaker.stop()
        await anyio.sleep(1)
        return speaker.played_s(), speaker.recording()

    played_s, track = run_in_virtual_time(main)
    assert played_s == 0.5
    assert np.count_nonzero(track) == 12000
