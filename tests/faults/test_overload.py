"""Sound is lost because the machine is too slow: it is counted and told, and so is its end."""

from __future__ import annotations

from assistant.app import Assistant
from tests.doubles.living import TIME, Living, Loudness, hang, until
from tests.doubles.sound_devices import Card

RECOVERS_S = 5.0


def test_an_overload_that_comes_and_goes_is_told_and_so_is_its_end(living: Living) -> None:
    living.says(TIME, TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(8.9)
        for burst_s in (10.0, 15.0):
            await until(burst_s)
            living.microphone.overflows, living.microphone.speed = True, 0.4
            await until(burst_s + 1.0)
            living.microphone.overflows, living.microphone.speed = False, 1.0
        living.room.say(16.0)
        await until(16.0 + RECOVERS_S)
        assert "overload" not in assistant.health().unavailable
        await until(60.0)

    before, after, *told = living.live(script)
    assert before.startswith("It's") and after.startswith("It's")
    assert told == ["I can't keep up right now, so I may miss what you say.", "I can keep up again."]
    assert len(living.failures("overload")) == len(living.recoveries("overload")) == 2


def test_a_burst_of_overflows_is_counted_and_told_and_costs_no_whole_sentence(living: Living) -> None:
    living.says(TIME, TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(8.9)
        await until(10.0)  # all was said, and nobody knows that it was
        living.microphone.overflows, living.microphone.speed = True, 0.4
        await until(13.0)
        living.microphone.overflows, living.microphone.speed = False, 1.0
        assert "overload" in assistant.health().unavailable
        living.room.say(13.0)
        await until(13.0 + RECOVERS_S)
        assert "overload" not in assistant.health().unavailable
        assert 30 < living.dropped < 60
        assert assistant.health().hears

    assert [text[:4] for text in living.live(script)] == ["It's", "It's"]
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
        lost = living.dropped
        assert lost > 20
        await until(13.5)
        living.microphone.stalls = False
        await until(13.5 + RECOVERS_S)
        assert living.microphone.opened > 1 and assistant.health().hears
        assert living.dropped == lost
        living.microphone.overflows = True
        await until(20.0)
        assert living.dropped > lost + 20
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
        lost = living.dropped
        assert lost > 30
        living.sound.pull(living.speaker)
        living.sound.plug(Card("Headset: Audio (hw:3,0)"))
        living.room.say(14.0)
        await until(20.0)
        assert living.sound.scans, "the speaker was looked for"
        assert living.microphone.opened == 2
        assert living.dropped == lost

    living.live(script)


def test_what_waits_for_a_detector_that_fails_is_lost_and_counted(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        await until(10.0)
        Loudness.breaks.append(hang(until_s=17.0))
        await until(14.0)
        assert living.dropped == 0, "it may still be heard"
        await until(17.0 + RECOVERS_S)
        assert assistant.health().hears
        assert living.dropped > 140, "5 s of 31 frames each"
        assert "overload" not in assistant.health().unavailable

    living.live(script)
    assert living.failures("voice-activity detector")


def test_what_waits_when_it_is_muted_is_meant_to_be_forgotten(living: Living) -> None:
    async def script(assistant: Assistant) -> None:
        await until(10.0)
        Loudness.breaks.append(hang(until_s=17.0))
        await until(12.0)
        assert assistant.controls is not None
        await assistant.controls.mute()
        await until(18.0)
        await assistant.controls.unmute()
        await until(18.0 + RECOVERS_S)
        assert assistant.health().hears
        assert living.dropped == 0

    living.live(script)
    assert living.failures("voice-activity detector")
