"""The microphone is pulled, frozen, slowed down, silenced and swamped while the assistant lives."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import numpy as np
import pytest

from assistant.app import Assistant
from assistant.errors import DeviceError, ModelError
from assistant.events import SpeechEnded
from tests.doubles.living import TIME, Living, Loudness, hang, health_every, until
from tests.doubles.sound_devices import Card

RECOVERS_S = 5.0


def test_a_quiet_room_is_heard_within_a_second(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        assert not assistant.health().hears
        await until(1.0)
        assert assistant.health().hears
        assert assistant.health().ok
        seen = await health_every(assistant, 0.1, until_s=30.0)
        assert all(health.hears and health.reason == "" for _, health in seen)

    living.live(script)
    assert not living.failures("microphone")


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


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (lambda at_s, count: np.zeros(count), "only zeros"),
        (lambda at_s, count: np.full(count, 0.125), "the same value (0.125)"),
        (lambda at_s, count: np.full(count, np.nan), "only zeros"),
    ],
)
def test_sound_that_comes_from_no_microphone_is_named(
    living: Living, broken: Callable[[float, int], np.ndarray], told: str
) -> None:
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        living.microphone.sound = broken
        await until(2.0 + 2.5)
        assert told in assistant.health().reason
        assert told in assistant.senses.unavailable()["microphone"]
        await until(30.0)
        assert living.microphone.opened > 3, "it is opened again and again"
        assert not assistant.health().hears
        living.microphone.sound = living.room
        await until(30.0 + RECOVERS_S)
        assert assistant.health().hears
        living.room.say(36.0)
        await until(42.0)

    said = living.live(script)
    assert said[:2] == ["I can't hear anything right now.", "I can hear you again."]
    assert said[2].startswith("It's")
    assert len(living.failures("microphone")) == 1
    assert living.failures("microphone")[0].remedy


def test_zeros_need_no_restart_but_a_stuck_value_may(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        living.microphone.sound = lambda at_s, count: np.zeros(count)
        await until(4.0)
        assert assistant.health().ok, "switched off, which no restart changes"
        living.microphone.sound = lambda at_s, count: np.full(count, -0.125)
        await until(12.0)
        assert not assistant.health().ok

    living.live(script)


def test_a_device_with_a_noise_gate_is_believed_once_it_came_back_by_itself(living: Living) -> None:
    speech = living.room

    def gated(at_s: float, count: int) -> np.ndarray:
        heard = speech(at_s, count)
        return heard if np.abs(heard).max() > 0.1 else np.zeros(count)

    living.says(TIME, TIME)
    living.microphone.sound = gated

    async def script(assistant: Assistant) -> None:
        await until(1.5)
        assert not assistant.health().hears, "nothing yet tells it from a dead one"
        living.room.say(7.0)
        await until(12.0)
        opened = living.microphone.opened
        assert all(health.hears for _, health in await health_every(assistant, 0.5, until_s=60.0))
        assert living.microphone.opened == opened
        living.room.say(61.0)
        await until(66.0)

    assert [text[:4] for text in living.live(script)].count("It's") == 2


def test_what_was_learned_of_one_device_s_noise_gate_is_believed_of_that_device_alone(living: Living) -> None:
    gate = living.microphone
    gate.sound = living.room
    webcam = Card("Webcam: Audio (hw:4,0)", lambda at_s, count: np.zeros(count))

    async def replace(card: Card, other: Card) -> None:
        living.sound.pull(card)
        await anyio.sleep(1.0)
        living.sound.plug(other)
        await anyio.sleep(10.0)

    async def script(assistant: Assistant) -> None:
        await until(2.0)
        gate.sound = lambda at_s, count: np.zeros(count)
        await until(22.0)  # between two openings
        gate.sound = living.room
        await until(26.0)
        gate.sound = lambda at_s, count: np.zeros(count)
        await until(32.0)
        assert assistant.health().hears, "it has come back by itself"
        gate.name = "USB Mic: Audio (hw:3,0)"
        await replace(gate, gate)
        assert assistant.health().hears, "wherever it is plugged in"
        await replace(gate, webcam)
        assert "'Webcam: Audio (hw:4,0)' delivers only zeros" in assistant.health().reason

    living.live(script)


def test_digital_silence_is_allowed_where_the_configuration_says_so(living: Living) -> None:
    living.configure("audio", digital_silence="allowed")
    living.microphone.sound = lambda at_s, count: np.zeros(count)

    async def script(assistant: Assistant) -> None:
        await until(1.0)
        assert all(health.hears for _, health in await health_every(assistant, 0.5, until_s=20.0))

    living.live(script)
    assert not living.failures("microphone")


@pytest.mark.parametrize("speed", [0.5, 3.0])
def test_a_wrong_rate_is_named(living: Living, speed: float) -> None:
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        await until(3.0)
        living.microphone.speed = speed
        await until(8.0)
        assert "samples a second instead of 16000" in assistant.health().reason
        await until(20.0)
        assert not assistant.health().hears
        living.microphone.speed = 1.0
        await until(20.0 + RECOVERS_S)
        assert assistant.health().hears
        living.room.say(26.0)
        await until(31.0)
        assert assistant.controls is not None
        await assistant.controls.mute()
        await assistant.controls.unmute()
        await anyio.sleep(1.5)
        assert assistant.health().hears, "it is not suspected for ever"

    assert living.live(script)[-1].startswith("It's")
    assert len(living.recoveries("microphone")) == 1


@pytest.mark.parametrize("speed", [0.5, 3.0])
def test_a_rate_that_is_wrong_from_the_start_is_never_taken_for_hearing(living: Living, speed: float) -> None:
    living.microphone.speed = speed

    async def script(assistant: Assistant) -> None:
        seen = await health_every(assistant, 0.05, until_s=10.0)
        assert not any(health.hears for _, health in seen)
        assert "samples a second instead of 16000" in assistant.health().reason
        living.microphone.speed = 1.0
        await until(10.0 + RECOVERS_S)
        assert assistant.health().hears

    living.live(script)


def test_a_rate_that_was_right_before_proves_nothing_once_it_is_opened_again(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        await until(3.0)
        assert assistant.health().hears and assistant.controls is not None
        await assistant.controls.mute()
        living.microphone.speed = 0.5
        await assistant.controls.unmute()
        seen = await health_every(assistant, 0.05, until_s=10.0)
        assert not any(health.hears for _, health in seen)

    living.live(script)


@pytest.mark.parametrize("held_up_s", [0.4, 0.9, 1.6])
def test_catching_up_is_no_wrong_rate(living: Living, held_up_s: float) -> None:
    """At the start, while networks are loaded, and whenever the machine was busy."""
    living.microphone.held_up = True
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        for at_s in (0.0, 6.0, 8.0, 10.0, 12.0):
            await until(at_s)
            living.microphone.held_up = True
            await until(at_s + held_up_s)
            living.microphone.held_up = False
        await until(16.0)
        assert assistant.health().hears
        living.room.say(17.0)
        await until(22.0)

    assert living.live(script)[-1].startswith("It's")
    assert not living.failures("microphone")


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


def test_an_overload_that_comes_and_goes_is_told_and_so_is_its_end(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        for burst_s in (10.0, 15.0):
            await until(burst_s)
            living.microphone.overflows, living.microphone.speed = True, 0.4
            await until(burst_s + 1.0)
            living.microphone.overflows, living.microphone.speed = False, 1.0
        await until(20.0)
        assert "overload" not in assistant.health().unavailable
        await until(60.0)

    said = living.live(script)
    assert said == ["I can't keep up right now, so I may miss what you say.", "I can keep up again."]
    assert len(living.failures("overload")) == len(living.recoveries("overload")) == 2


def test_a_source_that_hangs_without_a_word_is_noticed(living: Living, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the source's own timeout does not work."""
    monkeypatch.setattr("assistant.audio.microphone._SILENT_DEVICE_S", 1e6)

    async def script(assistant: Assistant) -> None:
        await until(3.0)
        living.microphone.stalls = True
        await until(7.0)
        assert "hangs" in assistant.health().reason
        living.microphone.stalls = False
        await until(7.0 + RECOVERS_S)
        assert assistant.health().hears

    living.live(script)


def test_a_burst_of_overflows_is_counted_told_and_no_wrong_rate(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        await until(10.0)
        living.microphone.overflows, living.microphone.speed = True, 0.4
        await until(13.0)
        living.microphone.overflows, living.microphone.speed = False, 1.0
        assert "overload" in assistant.health().unavailable
        await until(20.0)
        assert "overload" not in assistant.health().unavailable
        assert 30 < assistant.health().dropped_frames < 60
        assert assistant.health().hears

    living.live(script)
    assert living.failures("overload")[0].error == "The machine is too slow: sound is being lost."
    assert not living.failures("microphone")


def test_an_overload_ends_with_the_loss_of_the_microphone(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        await until(10.0)
        living.microphone.overflows = True
        await until(12.0)
        assert "overload" in assistant.health().unavailable
        living.sound.pull(living.microphone)
        await until(20.0)
        assert "overload" not in assistant.health().unavailable

    assert living.live(script) == ["I can't hear anything right now."]


def test_what_was_lost_before_the_microphone_is_opened_anew_is_still_counted(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        await until(10.0)
        living.microphone.overflows = True
        await until(11.0)
        living.microphone.overflows, living.microphone.stalls = False, True
        lost = assistant.health().dropped_frames
        assert lost > 20
        await until(13.5)
        living.microphone.stalls = False
        await until(13.5 + RECOVERS_S)
        assert living.microphone.opened > 1 and assistant.health().hears
        assert assistant.health().dropped_frames == lost
        living.microphone.overflows = True
        await until(20.0)
        assert assistant.health().dropped_frames > lost + 20
        assert "overload" in assistant.health().unavailable, "and what is lost from now on is told"

    living.live(script)


def test_what_was_lost_before_a_rescan_is_still_counted(living: Living) -> None:
    """The stream begins anew where it was, because somebody else needed to look for a device."""
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        await until(10.0)
        living.microphone.overflows = True
        await until(12.0)
        living.microphone.overflows = False
        lost = assistant.health().dropped_frames
        assert lost > 30
        living.sound.pull(living.speaker)
        living.sound.plug(Card("Headset: Audio (hw:3,0)"))
        living.room.say(14.0)
        await until(20.0)
        assert living.sound.scans, "the speaker was looked for"
        assert living.microphone.opened == 2
        assert assistant.health().dropped_frames == lost

    living.live(script)


def test_a_detector_that_hangs_is_named_and_hears_when_it_comes_back(living: Living) -> None:
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        await until(3.0)
        Loudness.breaks.append(hang(until_s=30.0))
        await until(6.0)
        assert "voice-activity detector has not answered" in assistant.health().reason
        assert not assistant.health().ok
        await until(12.0)
        assert assistant.health().hung == ("voice-activity detector",)
        assert not assistant.health().ok
        await until(30.0 + RECOVERS_S)
        assert assistant.health().ok
        living.room.say(36.0)
        await until(41.0)

    assert living.live(script)[-1].startswith("It's")
    assert len(living.failures("voice-activity detector")) == 2, "that it does not answer, and that it still does not"
    assert len(living.recoveries("voice-activity detector")) == 1


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


@pytest.mark.parametrize("answer", [float("nan"), 7.0, -1.0])
def test_a_detector_that_talks_nonsense_is_no_proof(living: Living, answer: float) -> None:
    async def script(assistant: Assistant) -> None:
        await until(3.0)
        Loudness.breaks.extend([lambda: answer] * 1000)
        await until(10.0)
        assert not assistant.health().hears
        Loudness.breaks.clear()
        await until(10.0 + RECOVERS_S)
        assert assistant.health().hears

    living.live(script)


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


def test_a_sound_library_that_does_not_start_again_hears_and_speaks_once_it_does(living: Living) -> None:
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        await until(3.0)
        living.sound.does_not_start = True
        living.microphone.stalls = living.microphone.refuses = True
        await until(20.0)
        assert "does not start" in assistant.health().reason
        living.microphone.stalls = living.microphone.refuses = False
        living.sound.does_not_start = False
        await until(20.0 + RECOVERS_S)
        assert assistant.health().hears
        living.room.say(26.0)
        await until(32.0)

    assert living.live(script)[-1].startswith("It's")
    assert living.speaker.heard_between(26.0, 32.0)
