"""The microphone is pulled, stalls, hangs and comes back while the assistant lives."""

from __future__ import annotations

import anyio
import numpy as np
import pytest

from assistant.app import Assistant
from assistant.audio import portaudio
from assistant.errors import DeviceError, ModelError
from assistant.events import PlaybackFinished, SpeechEnded
from tests.doubles.living import TIME, Living, Loudness, until
from tests.doubles.sound_devices import Card

RECOVERS_S = 5.0
LONG = " ".join(["Dinner is ready, and this is a long sentence."] * 10)


def test_a_microphone_pulled_in_mid_word_gives_what_was_said_and_is_found_again(living: Living) -> None:
    living.says(TIME, TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0, 2.0)
        await until(3.0)
        living.sound.pull(living.microphone)
        await until(9.0)
        health = assistant.health()
        assert (health.hears, health.waiting, health.ok) == (False, True, True)
        assert "no microphone" in health.reason
        assert "no microphone" in assistant.senses.unavailable()["microphone"]
        await until(20.0)
        living.sound.plug(living.microphone)
        await until(20.0 + RECOVERS_S)
        assert assistant.health().hears
        living.room.say(26.0)
        await until(32.0)

    said = living.live(script)
    assert living.log.of(SpeechEnded)[0].utterance.samples.size >= 16_000, "what reached it whole is not lost"
    assert said[0].startswith("It's"), "the half sentence was understood and answered"
    assert said[1:3] == ["I can't hear anything right now.", "I can hear you again."]
    assert said[3].startswith("It's")
    errors = [failure.error for failure in living.failures("microphone")]
    assert "delivered nothing" in errors[0] and "no microphone" in errors[1]
    assert len(errors) == 2, "told once each, however often it is tried"
    assert len(living.recoveries("microphone")) == 1


@pytest.mark.parametrize("wanted", ["0", "usb mic"])
def test_a_microphone_that_returns_under_another_index_is_known_by_its_name(living: Living, wanted: str) -> None:
    living.configure("audio", input=wanted)
    living.says(TIME)
    webcam = Card("Webcam: Audio (hw:0,0)", lambda at_s, count: np.zeros(count))

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        living.sound.pull(living.microphone)
        living.sound.plug(webcam, at=0)
        await until(8.0)
        assert "USB Mic" in assistant.health().reason or "usb mic" in assistant.health().reason
        living.microphone.name = "USB Mic: Audio (hw:3,0)"
        living.sound.plug(living.microphone)
        await until(8.0 + RECOVERS_S)
        assert assistant.health().hears
        living.room.say(14.0)
        await until(20.0)

    assert living.live(script)[-1].startswith("It's")
    assert webcam.opened == 0


@pytest.mark.parametrize("keeps", ["address", "index"])
def test_of_two_microphones_of_a_kind_the_chosen_one_is_opened_again(living: Living, keeps: str) -> None:
    living.configure("audio", input="1")
    living.says(TIME)
    twin = living.sound.plug(Card("USB Mic: Audio (hw:0,0)", lambda at_s, count: np.zeros(count)), at=0)
    living.sound.begin()

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        assert assistant.controls is not None
        await assistant.controls.mute()
        if keeps == "address":
            living.sound.plug(Card("Headset: Audio (hw:2,0)"), at=0)
        else:
            living.microphone.name = "USB Mic: Audio (hw:3,0)"
        living.sound.begin()
        await assistant.controls.unmute()
        await until(4.0)
        living.room.say(4.0)
        await until(9.0)

    assert living.live(script)[-1].startswith("It's")
    assert twin.opened == 0 and living.microphone.opened > 1


def test_a_microphone_that_knows_no_16_khz_is_heard_as_it_sounds(living: Living) -> None:
    living.says(TIME)
    random = np.random.default_rng(1)

    def tone(at_s: float, count: int) -> np.ndarray:
        times = at_s + np.arange(count) / 48_000
        sounds = (times >= 2.0) & (times < 3.0)
        return np.where(sounds, 0.5 * np.sin(2 * np.pi * 440 * times), 3e-5 * random.integers(-1, 2, count))

    living.microphone.takes_hz, living.microphone.sound = 48_000, tone

    async def script(assistant: Assistant) -> None:
        await until(8.0)
        assert assistant.health().hears

    assert living.live(script)[0].startswith("It's")
    assert not living.failures("microphone")
    [heard] = [event.utterance for event in living.log.of(SpeechEnded)]
    assert heard.ended_at_s - heard.started_at_s == pytest.approx(1.0, abs=0.1)
    pitch_hz = np.argmax(np.abs(np.fft.rfft(heard.samples))) * 16_000 / heard.samples.size
    assert pitch_hz == pytest.approx(440.0, abs=5.0)


def test_a_stream_that_stops_while_the_device_stays_is_opened_again(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        await until(3.0)
        living.microphone.stalls = True
        await until(4.0)
        living.microphone.stalls = False
        await until(5.0)
        assert not living.failures("microphone"), "a hiccup is none"
        living.microphone.stalls = True
        await until(9.0)
        assert not assistant.health().ok
        living.microphone.stalls = False
        await until(9.0 + RECOVERS_S)
        assert assistant.health().ok

    living.live(script)
    assert "delivered nothing" in living.failures("microphone")[0].error


def test_two_blips_of_the_microphone_are_not_worth_a_word_and_the_loss_after_them_is(living: Living) -> None:
    async def stall(from_s: float, until_s: float) -> None:
        await until(from_s)
        living.microphone.stalls = True
        await until(until_s)
        living.microphone.stalls = False

    async def script(assistant: Assistant) -> None:
        await stall(3.0, 5.1)
        await stall(6.0, 8.1)
        await until(20.0)
        assert [len(living.failures("microphone")), len(living.recoveries("microphone"))] == [2, 2]
        assert living.recoveries("microphone")[1] < living.failures("microphone")[0].at_s + 4.0
        assert living.said == []
        await stall(20.0, 30.0)
        await until(40.0)

    assert living.live(script) == ["I can't hear anything right now.", "I can hear you again."]


def test_a_loss_that_is_over_before_anybody_could_be_told_is_not_told(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        assert assistant.controls is not None
        async with anyio.create_task_group() as group:
            group.start_soon(assistant.controls.announce, f"{LONG} {LONG}", "en")
            await until(3.0)
            living.microphone.stalls = True
            await until(10.0)
            living.microphone.stalls = False
        assert living.failures("microphone")[0].at_s + 4.0 < living.recoveries("microphone")[0] < anyio.current_time()
        await until(anyio.current_time() + 15.0)

    assert living.live(script) == [f"{LONG} {LONG}"]


def test_a_loss_that_nobody_could_be_told_of_is_told_once_there_is_a_speaker_again(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        await until(3.0)
        living.sound.pull(living.speaker)
        living.sound.pull(living.microphone)
        await until(30.0)
        assert {"microphone", "speaker"} <= assistant.health().unavailable.keys()
        living.sound.plug(living.speaker)
        await until(45.0)
        living.sound.plug(living.microphone)
        await until(45.0 + RECOVERS_S)
        assert assistant.health().hears

    said = living.live(script)
    assert [text for text in said if text] == ["I can't hear anything right now.", "I can hear you again."]


def test_a_source_that_hangs_without_a_word_is_noticed(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the source's own timeout does not work."""
    monkeypatch.setattr("assistant.audio.microphone._SILENT_DEVICE_S", 1e6)
    living.says(TIME, TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(1.9)
        await until(3.0)  # all was said, and nobody knows that it was
        living.microphone.stalls = True
        await until(7.0)
        assert "hangs" in assistant.health().reason
        await until(14.0)
        living.microphone.stalls = False
        await until(14.0 + RECOVERS_S)
        assert assistant.health().hears
        living.room.say(14.0 + RECOVERS_S + 1.0)
        await until(14.0 + RECOVERS_S + 6.0)

    answered, *told, again = living.live(script)
    assert answered.startswith("It's") and again.startswith("It's")
    assert told == ["I can't hear anything right now.", "I can hear you again."]


@pytest.mark.parametrize(
    "raised",
    [
        SystemExit(0),
        KeyboardInterrupt(),
        StopIteration(),
        ModelError("The engine failed."),
    ],
)
def test_whatever_a_network_raises_the_assistant_goes_on(living: Living, raised: BaseException) -> None:
    """As `sys.exit` in a library: on a thread of its own it would end nothing but the thread, and on the event loop the
    assistant, with a status that no supervisor minds."""

    def fail() -> float:
        raise raised

    living.says(fail, fail, TIME)  # it is asked in the pause, and at the end again

    async def script(assistant: Assistant) -> None:
        await until(3.0)
        Loudness.breaks.append(fail)
        await until(3.0 + RECOVERS_S)
        assert assistant.health().hears
        living.room.say(9.0)
        await until(14.0)
        living.room.say(15.0)
        await until(21.0)

    assert any(text.startswith("It's") for text in living.live(script))
    told = str(raised) if isinstance(raised, ModelError) else type(raised).__name__
    assert told in living.failures("voice-activity detector")[0].error
    assert told in living.failures("recognizer")[0].error


def test_without_a_microphone_a_person_is_told_at_once(living: Living) -> None:
    living.sound.pull(living.microphone)

    async def script(assistant: Assistant) -> None:
        raise AssertionError("it must not start")

    with pytest.raises(DeviceError, match="no microphone") as raised:
        living.live(script)
    assert raised.value.remedy


def test_without_a_microphone_a_service_waits_says_so_and_hears_what_is_plugged_in(living: Living) -> None:
    living.says(TIME)
    living.sound.pull(living.microphone)

    async def script(assistant: Assistant) -> None:
        await until(10.0)
        health = assistant.health()
        assert (health.hears, health.ok) == (False, True)
        assert "no microphone" in health.reason
        living.sound.plug(living.microphone)
        await until(10.0 + RECOVERS_S)
        assert assistant.health().hears
        living.room.say(16.0)
        await until(21.0)

    said = living.live(script, wait_for_microphone=True)
    assert said[:2] == ["I can't hear anything right now.", "I can hear you again."]
    assert said[2].startswith("It's")
    assert len(living.failures("microphone")) == 1


def test_the_reply_goes_on_while_the_microphone_is_looked_for(living: Living) -> None:
    """Looking for it ends every stream of the sound library, the speaker's too."""
    living.says("Hey Jarvis, what can you do?")

    async def script(assistant: Assistant) -> None:
        living.room.say(1.0)
        await until(3.0)
        assert living.speaker.heard_between(2.0, 3.0)
        living.sound.pull(living.microphone)
        await until(30.0)

    said = living.live(script)
    assert living.sound.scans > 5
    assert "timers" in said[0] and "or to stop." in said[0]
    assert not living.failures("speaker")


def test_what_is_said_while_a_microphone_is_missing_is_said_in_one_piece(living: Living) -> None:
    """A real device makes a gap whenever its stream begins anew."""

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        living.sound.pull(living.microphone)
        await until(15.0)
        assert living.said == ["I can't hear anything right now."]
        opened = living.speaker.opened
        assert assistant.controls is not None
        await assistant.controls.announce(LONG, "en")
        assert anyio.current_time() > 15.0 + 8.0, "it was tried several times meanwhile"
        assert living.speaker.opened == opened + 1

    living.live(script)
    assert not living.failures("speaker")


@pytest.mark.parametrize("is_listed", [True, False])
def test_a_microphone_that_comes_while_it_speaks_is_heard_at_once_if_it_is_a_card_and_then_if_a_server_s(
    living: Living, is_listed: bool
) -> None:
    """The kernel lists cards; what a sound server has is seen in a look for it only, which waits for the end."""

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        living.sound.pull(living.microphone)
        listed = portaudio._CARDS.read_text()
        await until(15.0)
        async with anyio.create_task_group() as group:
            assert assistant.controls is not None
            group.start_soon(assistant.controls.announce, LONG, "en")
            await until(16.0)
            living.sound.plug(living.microphone)
            if not is_listed:
                portaudio._CARDS.write_text(listed)
            await until(16.0 + RECOVERS_S)
            assert living.speaker.heard_between(16.0 + RECOVERS_S - 0.5, 16.0 + RECOVERS_S)
            assert assistant.health().hears is is_listed
        await anyio.sleep(RECOVERS_S)
        assert assistant.health().hears

    living.live(script)
    assert living.log.of(PlaybackFinished)[1].completed


def test_a_library_that_does_not_start_again_is_started_once_it_can_be(living: Living) -> None:
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        living.sound.does_not_start = True
        living.sound.pull(living.microphone)
        await until(12.0)
        assert "sound library" in assistant.health().reason
        living.sound.does_not_start = False
        living.sound.plug(living.microphone)
        await until(12.0 + RECOVERS_S)
        assert assistant.health().hears
        living.room.say(18.0)
        await until(24.0)

    assert living.live(script)[-1].startswith("It's")


def test_a_library_that_does_not_start_for_the_speaker_is_not_misused_by_the_microphone(living: Living) -> None:
    """Its stream went with the look for a speaker, and nobody told it."""
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        living.sound.does_not_start = True
        living.sound.pull(living.speaker)
        living.sound.plug(Card("Headset: Audio (hw:3,0)"))
        living.room.say(2.0)
        await until(12.0)
        assert living.sound.scans and not assistant.health().hears
        living.sound.does_not_start = False
        await until(12.0 + RECOVERS_S)
        assert assistant.health().hears and "speaker" not in assistant.health().unavailable

    living.live(script)


def test_a_library_that_raises_what_it_likes_is_a_lost_microphone(living: Living) -> None:
    refused = iter([True, True, True])

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        original = living.sound.query_devices

        def broken() -> list[dict[str, object]]:
            if next(refused, False):
                raise UnicodeDecodeError("utf-8", b"\xff", 0, 1, "a device's name")
            return original()

        living.sound.query_devices = broken  # type: ignore[method-assign]
        living.microphone.stalls = True
        await until(5.0)
        living.microphone.stalls = False
        await anyio.sleep(RECOVERS_S)
        assert assistant.health().hears

    living.live(script)
