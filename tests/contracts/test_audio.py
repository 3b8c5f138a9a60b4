"""What every microphone and speaker must keep to, in virtual time. The PortAudio ones need devices: see
`tests/audio/test_pulse.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import numpy as np
import pytest

from assistant.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from assistant.audio.scripted import RecordingSpeaker, ScriptedMicrophone, SilentSpeaker
from assistant.clock import LoopClock
from assistant.events import AudioFrame, SpeechChunk
from assistant.ports import AudioSink, AudioSource, Clock
from assistant.virtual_time import run_in_virtual_time

FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ
T = TypeVar("T")


def chunk(seconds: float, sample_rate_hz: int = 24_000) -> SpeechChunk:
    return SpeechChunk(0.0, 1, np.full(round(seconds * sample_rate_hz), 0.5, np.float32), sample_rate_hz, "")


async def listen(source: AudioSource, seconds: float) -> list[AudioFrame]:
    """Frames of an open source, which is closed after `seconds`."""

    async def close_later() -> None:
        await anyio.sleep(seconds)
        await source.close()
        await source.close()

    async with anyio.create_task_group() as group:
        group.start_soon(close_later)
        return [frame async for frame in source.frames()]


def with_device(make: Callable[[Clock], T], work: Callable[[T, Clock], Awaitable[object]]) -> None:
    """Run `work` with a new device on a loop in virtual time."""

    async def main() -> None:
        clock = LoopClock()
        await work(make(clock), clock)

    run_in_virtual_time(main)


@pytest.mark.parametrize("make", [ScriptedMicrophone])
class TestSource:
    def test_delivers_frames_of_one_format_until_it_is_closed(self, make: Callable[[Clock], AudioSource]) -> None:
        async def work(source: AudioSource, clock: Clock) -> None:
            assert source.name
            await source.open()
            frames = await listen(source, 1.01)
            assert len(frames) in (31, 32)
            for frame in frames:
                assert frame.sample_rate_hz == SAMPLE_RATE_HZ
                assert frame.samples.shape == (FRAME_SAMPLES,)
                assert frame.samples.dtype == np.float32
                assert np.abs(frame.samples).max() <= 1.0

        with_device(make, work)

    def test_a_frame_bears_the_time_of_its_last_sample(self, make: Callable[[Clock], AudioSource]) -> None:
        async def work(source: AudioSource, clock: Clock) -> None:
            await source.open()
            opened_at_s = clock.monotonic_s()
            times = [frame.at_s for frame in await listen(source, 1.0)]
            assert times[0] == pytest.approx(opened_at_s + FRAME_S)
            assert np.diff(times) == pytest.approx(FRAME_S)

        with_device(make, work)

    def test_can_be_opened_again(self, make: Callable[[Clock], AudioSource]) -> None:
        """Muting closes the microphone; unmuting opens it."""

        async def work(source: AudioSource, clock: Clock) -> None:
            for _ in range(3):
                await source.open()
                assert await listen(source, 0.5)

        with_device(make, work)


@pytest.mark.parametrize("make", [SilentSpeaker, RecordingSpeaker])
class TestSink:
    def test_plays_one_chunk_after_the_other(self, make: Callable[[Clock], AudioSink]) -> None:
        """`play` returns when the chunk's turn comes: that is the back-pressure."""

        async def work(sink: AudioSink, clock: Clock) -> None:
            assert sink.name
            await sink.open()
            await anyio.sleep(1.0)
            begins_s = []
            for seconds in (0.5, 0.25, 0.25):
                begins_s.append((await sink.play(chunk(seconds))).at_s)
                assert clock.monotonic_s() == pytest.approx(begins_s[-1], abs=0.2)
            assert begins_s == pytest.approx([1.0, 1.5, 1.75], abs=0.2)
            await sink.drain()
            assert clock.monotonic_s() == pytest.approx(begins_s[-1] + 0.25, abs=0.2)
            assert sink.played_s() == pytest.approx(1.0)
            await sink.close()
            await sink.close()

        with_device(make, work)

    def test_falls_silent_at_once_and_counts_only_what_was_heard(self, make: Callable[[Clock], AudioSink]) -> None:
        async def work(sink: AudioSink, clock: Clock) -> None:
            await sink.open()
            await sink.play(chunk(2.0))
            async with anyio.create_task_group() as group:
                group.start_soon(sink.play, chunk(2.0))
                await anyio.sleep(0.5)
                group.cancel_scope.cancel()
            sink.stop()
            stopped_at_s = clock.monotonic_s()
            assert sink.played_s() == pytest.approx(0.5, abs=0.05)
            await sink.drain()
            assert clock.monotonic_s() == pytest.approx(stopped_at_s, abs=0.2)
            sink.stop()
            assert (await sink.play(chunk(0.5))).at_s == pytest.approx(stopped_at_s, abs=0.2)
            await sink.drain()
            assert sink.played_s() == pytest.approx(1.0, abs=0.05)

        with_device(make, work)

    def test_takes_chunks_of_any_rate_and_length(self, make: Callable[[Clock], AudioSink]) -> None:
        async def work(sink: AudioSink, clock: Clock) -> None:
            await sink.open()
            sink.set_volume(0.0)
            for rate_hz in (16_000, 22_050, 24_000, 48_000):
                await sink.play(chunk(0.25, rate_hz))
            await sink.play(chunk(0.0))
            await sink.drain()
            assert sink.played_s() == pytest.approx(1.0, abs=0.01)

        with_device(make, work)

    def test_draining_nothing_returns(self, make: Callable[[Clock], AudioSink]) -> None:
        async def work(sink: AudioSink, clock: Clock) -> None:
            await sink.open()
            await sink.drain()
            assert sink.played_s() == 0.0

        with_device(make, work)


def test_the_scripted_microphone_says_everything_in_order() -> None:
    said = np.linspace(-1.0, -0.1, 1300, dtype=np.float32)

    async def work(microphone: ScriptedMicrophone, clock: Clock) -> None:
        heard: list[AudioFrame] = []

        async def hear() -> None:
            heard.extend([frame async for frame in microphone.frames()])

        async with anyio.create_task_group() as group:
            group.start_soon(hear)
            await microphone.say(said[:700])
            await microphone.say(said[700:])
            await microphone.close()
        sound = np.concatenate([frame.samples for frame in heard])
        assert np.array_equal(sound[sound != 0], said)

    with_device(ScriptedMicrophone, work)


def test_what_is_said_to_a_closed_microphone_takes_its_time_and_is_lost() -> None:
    async def work(microphone: ScriptedMicrophone, clock: Clock) -> None:
        await microphone.close()
        with anyio.fail_after(60):
            await microphone.say(np.ones(SAMPLE_RATE_HZ, np.float32))
        assert clock.monotonic_s() == pytest.approx(1.0)
        await microphone.open()
        assert not any(frame.samples.any() for frame in await listen(microphone, 0.5))

    with_device(ScriptedMicrophone, work)


def test_closing_the_microphone_frees_who_speaks() -> None:
    async def work(microphone: ScriptedMicrophone, clock: Clock) -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(listen, microphone, 0.5)
            with anyio.fail_after(60):
                await microphone.say(np.ones(2 * SAMPLE_RATE_HZ, np.float32))
        assert clock.monotonic_s() == pytest.approx(2.0, abs=0.1)

    with_device(ScriptedMicrophone, work)
