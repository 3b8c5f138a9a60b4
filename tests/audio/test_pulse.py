"""The live assistant on real PortAudio: PulseAudio stands in for the sound card, nothing else is a double."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import numpy as np
import pytest

from assistant.asr import RECOGNIZERS
from assistant.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from assistant.audio.microphone import Microphone
from assistant.audio.speaker import Speaker
from assistant.config import AudioConfig, Config
from assistant.errors import DeviceError
from assistant.events import AudioArray, AudioFrame, SpeechChunk
from assistant.models.store import ModelStore
from assistant.registry import resolve
from bench.loudness import LOUD
from bench.virtual_sound import RATE_HZ, Tap, VirtualSound
from tests.doubles.command import Running, assistant, typed, wait_until
from tests.doubles.events_file import assert_recovered_in_time, events_of, of_turns, say_until
from tests.doubles.live_sound import (
    DATE,
    EVENTS,
    HELP,
    SOCKET,
    TIME,
    TIME_ZH,
    recording,
    replies,
    settings,
    wait_for_replies,
)
from tests.doubles.mjpeg import NetworkCamera
from tests.doubles.person import Person

pytestmark = [pytest.mark.pulse, pytest.mark.models]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def said(folder: Path) -> list[object]:
    """All that was heard to its end, asked or not."""
    return [event["text"] for event in events_of(folder / EVENTS, "PlaybackFinished") if event["completed"]]


def wait_for_sound(tap: Tap, since_s: float) -> AudioArray:
    """What the speaker plays from `since_s` on, once it has begun and been quiet for a while."""
    wait_until(lambda: tap.loud_at(since_s), "The speaker plays")
    # Between sentences it may be quiet too.
    wait_until(lambda: time.monotonic() - tap.loud_at(since_s)[-1] > 1.5, "The speaker falls silent")
    return tap.samples(since_s)


@pytest.fixture(scope="module")
def understood(model_store: ModelStore) -> Iterator[Callable[[AudioArray], str]]:
    """Recognises a recording of the speaker: what a listener would have understood."""
    recognizer = resolve(RECOGNIZERS, "whisper", kind="recogniser").create(Config(), model_store)

    def recognize(samples: AudioArray) -> str:
        loud = np.flatnonzero(np.abs(samples) > LOUD)
        stream = recognizer.open("en")
        stream.accept(samples[max(0, loud[0] - RATE_HZ // 4) : loud[-1] + RATE_HZ // 4])
        text: str = stream.result().text
        return text

    yield recognize
    recognizer.close()


def test_a_conversation_with_an_interruption(
    live: Running,
    sound: VirtualSound,
    spoken: Person,
    understood: Callable[[AudioArray], str],
    tmp_path: Path,
) -> None:
    with recording(sound) as speaker:
        since_s = time.monotonic()
        say_until(lambda: replies(tmp_path), "It answers", lambda: sound.speak(spoken(TIME)), tmp_path / SOCKET)
        wait_for_replies(tmp_path, 1, speaker)
        assert "it's" in understood(speaker.samples(since_s)).lower().replace("’", "'")

        since_s = time.monotonic()
        sound.speak(spoken(HELP))
        live.wait_for("first sound", times=2)
        wait_until(lambda: len(speaker.loud_at(since_s)) > 50, "The long reply plays")
        sound.speak(spoken(DATE))
        live.wait_for("what is the date")
        answered_s = time.monotonic()
        wait_for_replies(tmp_path, 3, speaker)
        reply = understood(speaker.samples(answered_s))
    assert any(weekday in reply for weekday in WEEKDAYS), reply
    assert "timer" not in reply, "nothing of the old reply is heard after the interruption"
    assert live.end(signal.SIGTERM) == 0
    assert "Traceback" not in live.output

    interruptions = of_turns(tmp_path / EVENTS, "Interruption")
    assert [event["reason"] for event in interruptions] == ["speech"]
    finished = replies(tmp_path)
    assert [event["completed"] for event in finished] == [True, False, True]
    assert 0.5 < finished[1]["played_s"] < answered_s - since_s


def test_a_lost_sound_server_is_told_and_used_again_when_it_is_back(
    live: Running, sound: VirtualSound, spoken: Person, tmp_path: Path
) -> None:
    lost_s = time.monotonic()
    sound.stop()
    live.wait_for("microphone: ")
    assert live.alive
    assert "delivered nothing" in live.output
    sound.start()
    back_s = time.monotonic()
    live.wait_for("microphone: works again")
    with recording(sound) as speaker:
        say_until(lambda: replies(tmp_path), "It answers", lambda: sound.speak(spoken(TIME)), tmp_path / SOCKET)
        wait_for_replies(tmp_path, 1, speaker)
    assert live.end(signal.SIGTERM) == 0
    failed, recovered = (events_of(tmp_path / EVENTS, kind) for kind in ("StageFailed", "StageRecovered"))
    # On a busy machine sound may be lost besides, which is told as well, and where the server takes its time to come
    # back, that nothing is heard is about to be said aloud before there is a speaker.
    others = ("camera", "overload", "speaker")
    # Opening it again may fail in more than one way until the server is there.
    assert {event["stage"] for event in failed if event["stage"] not in others} == {"microphone"}
    assert any("/dev/video99" in str(event["error"]) for event in failed), "that it cannot see is told too"
    assert {event["stage"] for event in recovered if event["stage"] not in others} == {"microphone"}
    assert_recovered_in_time(tmp_path / EVENTS, ["microphone"], lost_s, back_s)
    assert replies(tmp_path)[-1]["completed"] is True


def test_a_sound_server_that_restarts_between_two_replies_plays_the_second(
    live: Running, sound: VirtualSound, spoken: Person, tmp_path: Path
) -> None:
    """Back before anybody asks, so that no device is looked for anew; the speaker was at rest when it went. It is asked
    in Chinese, and answers so."""

    def failures() -> int:
        return sum(event["stage"] == "speaker" for event in events_of(tmp_path / EVENTS, "StageFailed"))

    lost_s = time.monotonic()
    sound.stop()
    sound.start()
    back_s = time.monotonic()
    live.wait_for("microphone: works again")
    failed_before = failures()
    with recording(sound) as speaker:
        say_until(
            lambda: replies(tmp_path), "It answers", lambda: sound.speak(spoken(TIME_ZH, "zh")), tmp_path / SOCKET
        )
        wait_for_replies(tmp_path, 1, speaker)
    assert replies(tmp_path)[-1]["completed"] is True and "点" in str(replies(tmp_path)[-1]["text"])
    assert failures() == failed_before
    assert_recovered_in_time(tmp_path / EVENTS, ["microphone"], lost_s, back_s)


def test_a_network_camera_that_stalls_is_told_in_the_status_and_aloud_and_seen_through_again(
    sound: VirtualSound, understood: Callable[[AudioArray], str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with (
        NetworkCamera() as camera,
        Running("run", env=sound.env | settings(tmp_path, camera=camera.address)) as running,
    ):

        def status() -> str:
            return typed("status", env=settings(tmp_path, camera="none"), capture=capfd)[1]

        running.wait_for("Listening", timeout_s=120)
        # A camera of which it has seen nothing yet is not missed: this is what it is shown in five seconds.
        wait_until(lambda: camera.sent >= 100, "It sees")
        assert "camera:" not in status()
        with recording(sound) as speaker:
            camera.stalls = True
            wait_until(lambda: "I can't see right now." in said(tmp_path), "That is said")
            heard = understood(wait_for_sound(speaker, events_of(tmp_path / EVENTS, "PlaybackStarted")[-1]["at_s"]))
        assert "see right now" in heard.lower(), heard
        assert f"✗ camera: The camera '{camera.address}'" in status()

        camera.stalls = False
        running.wait_for("camera: works again")
        wait_until(lambda: "I can see again." in said(tmp_path), "That is said")
        assert "camera:" not in status()
        assert running.end(signal.SIGTERM) == 0
    assert "Traceback" not in running.output


def test_say_reaches_the_speaker(sound: VirtualSound, understood: Callable[[AudioArray], str]) -> None:
    with recording(sound) as speaker:
        since_s = time.monotonic()
        result = assistant("say", "Good morning. It is seven o'clock.", env=sound.env)
        # On a busy machine the sound may have a gap, of which ALSA's library tells by itself.
        complaints = [line for line in result.stderr.splitlines() if not line.endswith("underrun occurred")]
        assert (result.returncode, complaints) == (0, [])
        heard = understood(wait_for_sound(speaker, since_s)).lower()
    assert "good morning" in heard and ("seven" in heard or "7" in heard)


def test_devices_lists_microphone_and_speaker(sound: VirtualSound) -> None:
    result = assistant("devices", "--json", env=sound.env)
    assert result.returncode == 0
    listing = json.loads(result.stdout)
    for kind in ("microphones", "speakers"):
        assert {"pulse", "default"} <= {device["name"] for device in listing[kind]}
        assert all(isinstance(device["index"], int) and device["host"] == "ALSA" for device in listing[kind])


def test_listen_prints_what_is_said_and_ends_with_ctrl_c(sound: VirtualSound, spoken: Person) -> None:
    question = spoken(TIME)  # before it listens: making a recording takes all the cores that there are
    with Running("listen", env=sound.env) as running:
        running.wait_for("Listening to")
        sound.speak(question)
        running.wait_for("[en] ")
        assert "what time is it" in running.lines[-1].lower()
        assert running.end(signal.SIGINT) == 130
    assert "Traceback" not in running.output


def chunk(seconds: float, level: float = 0.5) -> SpeechChunk:
    return SpeechChunk(0.0, 1, np.full(round(seconds * 24_000), level, np.float32), 24_000, "")


def test_the_microphone_keeps_its_contract(devices: None, sound: VirtualSound, spoken: Person) -> None:
    async def main() -> list[list[AudioFrame]]:
        microphone = Microphone(AudioConfig())
        openings: list[list[AudioFrame]] = []
        for _ in range(2):  # it can be opened again
            await microphone.open()
            openings.append([])
            speech_is_heard = False
            with anyio.fail_after(60):
                async for frame in microphone.frames():
                    openings[-1].append(frame)
                    speech_is_heard |= np.abs(frame.samples).max() > LOUD
                    if len(openings[-1]) >= 40 and speech_is_heard:
                        break
            await microphone.close()
            await microphone.close()
        return openings

    recording, is_over = spoken(TIME), threading.Event()

    def speak() -> None:
        """Again and again: on a busy machine it takes a while until somebody listens."""
        while not is_over.is_set():
            sound.speak(recording)

    speaking = threading.Thread(target=speak)
    speaking.start()
    try:
        openings = anyio.run(main)
    finally:
        is_over.set()
        speaking.join()
    assert len(openings) == 2
    frames = [frame for opening in openings for frame in opening]
    for frame in frames:
        assert frame.sample_rate_hz == SAMPLE_RATE_HZ
        assert frame.samples.shape == (FRAME_SAMPLES,)
        assert frame.samples.dtype == np.float32
        assert np.abs(frame.samples).max() <= 1.0
    # They follow each other, though a busy driver cannot tell by how much; what one holds is not written over.
    assert (np.diff([frame.at_s for frame in frames]) >= 0).all()
    assert len({frame.samples.ctypes.data for frame in frames}) == len(frames)


def test_the_speaker_keeps_its_contract(devices: None, sound: VirtualSound) -> None:
    async def main() -> tuple[list[float], list[float]]:
        speaker, loop_times, played = Speaker(AudioConfig(volume=1.0)), [], []
        for _ in range(2):  # it can be opened again
            await speaker.open()
            with anyio.fail_after(30):
                loop_times += [(await speaker.play(chunk(0.3))).at_s for _ in range(2)]
                await speaker.drain()
                played.append(speaker.played_s())
                await speaker.play(chunk(20.0))
                speaker.stop()
                await speaker.drain()
            await speaker.close()
            await speaker.close()
        return loop_times, played

    with recording(sound) as tap:
        times, played = anyio.run(main)
        # The stopped chunk would have been heard for 20 s.
        wait_until(lambda: time.monotonic() - tap.loud_at()[-1] > 0.5, "The speaker falls silent", 10)
        heard_s = len(tap.loud_at()) / 100
    # A device that was just opened may make the second chunk wait longer than the first lasts.
    assert times[1] - times[0] > 0.2
    assert played[0] == pytest.approx(0.6, abs=0.01)
    assert 1.0 < heard_s < 5.0


def test_a_device_that_is_not_there_is_named_beside_those_that_are(devices: None) -> None:
    for device in (Microphone(AudioConfig(input="kazoo")), Speaker(AudioConfig(output="kazoo"))):
        with pytest.raises(DeviceError, match=r"kazoo.*pulse") as raised:
            anyio.run(device.open)
        assert raised.value.remedy
