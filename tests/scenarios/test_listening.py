"""The listener through losses, mutes and failures of its microphone, in virtual time."""

import threading
from collections.abc import AsyncIterator, Callable

import anyio
import numpy as np
import pytest

from assistant.asr.transcriber import Transcriber
from assistant.audio.echo import EchoGuard
from assistant.audio.hearing import Hearing
from assistant.audio.listener import Listener
from assistant.clock import LoopClock
from assistant.config import AsrConfig, VadConfig
from assistant.errors import DeviceError, StageError
from assistant.events import AudioFrame, Event, SpeechDiscarded, SpeechEnded, SpeechStarted, StageFailed, StageRecovered
from assistant.vad.endpointing import Endpointer
from assistant.virtual_time import run_in_virtual_time
from assistant.worker import hung_workers
from tests.doubles.conversation import EventLog, KnownWords, utterance
from tests.doubles.speech_like import speech_like


class Loudness:
    """A detector for which loud is speech; it breaks on the value 9."""

    sample_rate_hz, frame_samples = 16000, 512

    def probability(self, samples: np.ndarray) -> float:
        if samples[0] == 9:
            raise RuntimeError("the network broke")
        return float(samples[0])

    def reset(self) -> None:
        """Nothing to forget."""


class Tape:
    """A microphone that plays (seconds, value) pieces; a value that is an exception is raised, once."""

    name = "tape"
    virtual = False
    devices_changed = None
    dropped = 0

    def __init__(self, *pieces: tuple[float, float | Exception]) -> None:
        self._pieces = list(pieces)
        self.opened = 0
        self.is_open = False
        self.takes_to_open_s = 0.0

    async def open(self) -> None:
        self.opened += 1
        await anyio.sleep(self.takes_to_open_s)
        self.is_open = True

    async def frames(self) -> AsyncIterator[AudioFrame]:
        while self._pieces:
            seconds, value = self._pieces.pop(0)
            if isinstance(value, Exception):
                raise value
            for _ in range(round(seconds / 0.032)):
                await anyio.sleep(0.032)
                samples = np.full(512, value, np.float32)
                samples[1::2] += 1e-4  # a microphone is never silent to the last bit
                yield AudioFrame(anyio.current_time(), samples, 16000)

    async def close(self, *, failed: bool = False) -> None:
        self.is_open = False


def _listen(tape: Tape, meanwhile: Callable[[Listener], object] | None = None) -> tuple[list[Event], EventLog]:
    log = EventLog()

    async def main() -> list[Event]:
        listener = Listener(tape, Loudness(), Endpointer(VadConfig()), LoopClock(), log.on_event)
        async with anyio.create_task_group() as group:
            if meanwhile is not None:
                group.start_soon(meanwhile, listener)
            heard = [event async for event in listener.events()]
            group.cancel_scope.cancel()
        return heard

    return run_in_virtual_time(main), log


def _kinds(events: list[Event]) -> list[str]:
    kinds = (SpeechStarted, SpeechEnded, SpeechDiscarded)
    return [type(event).__name__ for event in events if isinstance(event, kinds)]


def test_a_microphone_lost_in_mid_word_gives_what_was_said_and_comes_back():
    tape = Tape((1.0, 1.0), (0, DeviceError("The cable was pulled.")), (1.0, 1.0), (1.0, 0.0))
    heard, log = _listen(tape)
    assert _kinds(heard) == ["SpeechStarted", "SpeechEnded"] * 2
    assert [event.error for event in log.of(StageFailed)] == ["The cable was pulled."]
    assert len(log.of(StageRecovered)) == 1
    assert tape.opened == 2


def test_a_detector_that_breaks_does_not_end_the_listening():
    heard, log = _listen(Tape((0.1, 9.0), (1.0, 1.0), (1.0, 0.0)))
    assert _kinds(heard) == ["SpeechStarted", "SpeechEnded"]
    assert log.of(StageFailed)[0].stage == "voice-activity detector"


def test_after_a_loss_the_networks_begin_anew_and_only_once():
    class Noted(Loudness):
        def __init__(self):
            self.done = []

        def probability(self, samples: np.ndarray) -> float:
            self.done.append("frame")
            return super().probability(samples)

        def process(self, samples: np.ndarray) -> float:
            self.done.append("frame")
            return 0.0

        def reset(self) -> None:
            self.done.append("reset")

    detector, first_stage = Noted(), Noted()

    async def main() -> None:
        tape = Tape((0.32, 0.0), (0, DeviceError("The cable was pulled.")), (0.64, 0.0))
        endpointer = Endpointer(VadConfig())
        listener = Listener(tape, detector, endpointer, LoopClock(), lambda event: None, first_stage=first_stage)
        async for _ in listener.events():
            raise AssertionError("nobody speaks")

    run_in_virtual_time(main)
    assert detector.done == first_stage.done == ["frame"] * 10 + ["reset"] + ["frame"] * 20


def test_who_takes_nothing_for_longer_than_a_recogniser_may_need_has_stopped():
    async def main() -> list[bool]:
        clock, seen = LoopClock(), []
        hearing = Hearing(clock, behind_s=20.0)
        tape = Tape((1.0, 1.0), (1.0, 0.0))
        listener = Listener(tape, Loudness(), Endpointer(VadConfig()), clock, lambda event: None, hearing=hearing)
        async for event in listener.events():
            if isinstance(event, SpeechEnded):
                for _ in range(2):
                    await anyio.sleep(15.0)
                    hears, reason, a_restart_mends_nothing = hearing.state()
                    assert not hears and "taken by the recogniser" in reason
                    seen.append(a_restart_mends_nothing)
        return seen

    assert run_in_virtual_time(main) == [True, False]


def test_muted_twice_it_hears_again_when_unmuted_once():
    async def mute_twice(listener: Listener) -> None:
        await anyio.sleep(1.0)
        await listener.pause()
        await anyio.sleep(1.0)
        await listener.pause()
        await anyio.sleep(1.0)
        listener.resume()

    heard, _ = _listen(Tape((1.5, 0.0), (1.0, 1.0), (1.0, 0.0)), mute_twice)
    assert _kinds(heard) == ["SpeechStarted", "SpeechEnded"]


def test_muting_and_unmuting_at_once_does_not_end_it():
    async def toggle(listener: Listener) -> None:
        await anyio.sleep(0.5)
        await listener.pause()
        listener.resume()

    heard, _ = _listen(Tape((1.0, 1.0), (1.0, 0.0), (1.0, 1.0), (1.0, 0.0)), toggle)
    assert _kinds(heard) == ["SpeechStarted", "SpeechDiscarded", "SpeechStarted", "SpeechEnded"]


def test_muted_while_it_is_being_opened_it_is_closed_again():
    tape, open_while_muted = Tape((1.0, 1.0), (1.0, 0.0)), []
    tape.takes_to_open_s = 0.5

    async def mute_at_once(listener: Listener) -> None:
        await anyio.sleep(0.2)
        await listener.pause()
        await anyio.sleep(5.0)
        open_while_muted.append(tape.is_open)
        listener.resume()

    heard, _ = _listen(tape, mute_at_once)
    assert open_while_muted == [False]
    assert _kinds(heard) == ["SpeechStarted", "SpeechEnded"]


@pytest.mark.parametrize("muted_s", [0.0, 5.0])
def test_muted_while_nobody_takes_what_it_heard_it_is_closed_at_once(muted_s: float):
    tape, open_while_muted = Tape((1.0, 1.0), (1.0, 0.0), (1.0, 1.0), (1.0, 0.0)), []

    async def main() -> list[str]:
        heard: list[Event] = []
        listener = Listener(tape, Loudness(), Endpointer(VadConfig()), LoopClock(), lambda event: None)

        async def mute() -> None:
            await anyio.sleep(3.0)
            await listener.pause()
            open_while_muted.append(tape.is_open)
            await anyio.sleep(muted_s)
            listener.resume()

        async with anyio.create_task_group() as group:
            group.start_soon(mute)
            async for event in listener.events():
                if isinstance(event, SpeechEnded) and not open_while_muted:
                    await anyio.sleep(4.0)  # a recogniser that is behind
                heard.append(event)
        return _kinds(heard)

    assert run_in_virtual_time(main) == ["SpeechStarted", "SpeechEnded"] * 2
    assert open_while_muted == [False]


def test_a_result_that_comes_late_is_never_taken_for_another_utterance():
    given_up = threading.Event()

    class Slow(KnownWords):
        """The first result comes only when it has been given up."""

        def open(self, language):
            stream = super().open(language)
            return stream if given_up.is_set() else _Late(stream)

    class _Late:
        def __init__(self, stream):
            self.accept = stream.accept
            self._stream = stream

        def result(self, *, over_reply):
            assert given_up.wait(30.0)
            return self._stream.result(over_reply=over_reply)

    async def main() -> list[str]:
        config = AsrConfig(timeout_s=0.3)
        heard = ["turn it up", "what it is tried with", "what time is it"]
        transcriber, texts = Transcriber(Slow(heard), LoopClock(), config), []
        with pytest.raises(StageError, match="hangs in an earlier call"):
            await transcriber.recognize(utterance(0.0, 0.05))
        given_up.set()
        with anyio.fail_after(30.0):
            while "recogniser" in hung_workers():  # noqa: ASYNC110 (nothing tells of it)
                await anyio.sleep(0.01)
        for _ in range(2):
            texts.append((await transcriber.recognize(utterance(5.0, 6.0))).recognition.text)
        transcriber.close()
        return texts

    assert anyio.run(main) == ["what time is it"] * 2


class Headset(Tape):
    """Its sound is noise, 0.5 for speech."""

    async def frames(self) -> AsyncIterator[AudioFrame]:
        noise = np.random.default_rng(0)
        async for frame in super().frames():
            level = 0.5 if frame.samples[0] else 1e-4
            yield AudioFrame(frame.at_s, noise.normal(0.0, level, 512).astype(np.float32), 16000)


class Energy(Loudness):
    def probability(self, samples: np.ndarray) -> float:
        return float(np.abs(samples).mean() > 0.1)


class Undecided(EchoGuard):
    """It never knows whether what it hears is an echo, until it must."""

    def __init__(self) -> None:
        super().__init__()
        self._frames: list[AudioFrame] = []

    def clean(self, frame: AudioFrame) -> list[AudioFrame]:
        self._frames.append(frame)
        return []

    def rest(self) -> list[AudioFrame]:
        frames, self._frames = self._frames, []
        return frames


@pytest.mark.parametrize("end", (DeviceError("It was unplugged."), 0.0), ids=("lost", "ended"))
def test_what_the_echo_guard_withheld_is_heard_when_the_sound_stops(end):
    async def main() -> list[Event]:
        source, endpointer = Tape((0.5, 0.0), (0.5, 1.0), (0.1, 0.0), (0.0, end)), Endpointer(VadConfig())
        listener = Listener(source, Loudness(), endpointer, LoopClock(), lambda event: None, guard=Undecided())
        return [event async for event in listener.events()]

    heard = run_in_virtual_time(main)
    assert [type(event) for event in (heard[0], heard[-1])] == [SpeechStarted, SpeechEnded]
    assert heard[-1].utterance.started_at_s < 0.6


def test_over_a_reply_that_no_microphone_hears_speech_is_known_two_frames_sooner():
    def first_known_s(reply: np.ndarray) -> float:
        async def main() -> float:
            guard = EchoGuard()
            source, endpointer = Headset((4.0, 0.0), (1.0, 1.0), (1.0, 0.0)), Endpointer(VadConfig())
            listener = Listener(source, Energy(), endpointer, LoopClock(), lambda event: None, guard=guard)
            if reply.size:
                guard.reference(0.2, reply, 24_000)
            return min([event.at_s async for event in listener.events() if isinstance(event, SpeechStarted)])

        return run_in_virtual_time(main)

    sooner_s = first_known_s(np.zeros(0)) - first_known_s(speech_like(seconds=6.0, sample_rate_hz=24_000))
    assert sooner_s == pytest.approx(0.064)
