"""Commands about the assistant itself."""

from __future__ import annotations

import anyio
import pytest

from assistant.ports import Intent
from assistant.skills import Reply
from assistant.skills.control import ControlSkill
from tests.doubles.context import RecordedControls, skill_context


def _command(controls: RecordedControls, intent: str, language: str = "en", **slots: str) -> Reply:
    context = skill_context(controls=controls)
    return anyio.run(ControlSkill().handle, Intent(intent, slots, language, ""), context)


def test_the_last_reply_is_repeated_as_it_was_played() -> None:
    assert _command(RecordedControls(said_last="I see a dog."), "repeat").text == "I see a dog."
    assert _command(RecordedControls(), "repeat").text == "I haven't said anything yet."


def test_what_was_not_said_yet_is_said_in_its_own_language() -> None:
    assert _command(RecordedControls(said_last="好的", not_said="我看到一只狗。"), "continue") == Reply(
        "我看到一只狗。", language="zh"
    )
    assert _command(RecordedControls(said_last="I see a dog."), "continue").text == "That was all of it."
    assert _command(RecordedControls(), "continue").text == "I haven't said anything yet."


def test_louder_and_quieter_move_within_bounds() -> None:
    controls = RecordedControls(loudness=0.5)
    assert _command(controls, "volume_up").text == "Okay, louder."
    assert controls.loudness == pytest.approx(0.65)
    for _ in range(5):
        _command(controls, "volume_up")
    assert controls.loudness == 1.0
    assert _command(controls, "volume_up").text == "This is as loud as I can go."
    for _ in range(10):
        _command(controls, "volume_down", "zh")
    assert controls.loudness == pytest.approx(0.1)
    assert _command(controls, "volume_down", "zh").text == "已经是最小音量了。"


@pytest.mark.parametrize(
    ("slots", "loudness"),
    [
        ({"volume": "50"}, 0.5),
        ({"volume": "5"}, 0.1),
        ({"volume": "5", "scale": "ten"}, 0.5),
        ({"volume": "30", "scale": "ten"}, 0.3),
        ({"volume": "0"}, 0.1),
        ({"volume": "100"}, 1.0),
    ],
)
def test_the_volume_is_set(slots: dict[str, str], loudness: float) -> None:
    controls = RecordedControls()
    _command(controls, "volume_set", **slots)
    assert controls.loudness == pytest.approx(loudness)


def test_the_set_volume_is_confirmed_in_words() -> None:
    assert _command(RecordedControls(), "volume_set", volume="50").text == "Okay, volume at fifty percent."
    assert _command(RecordedControls(), "volume_set", "zh", volume="50").text == "好的，音量百分之五十。"


@pytest.mark.parametrize(("language", "said"), [("en", "This is as quiet as I can go."), ("zh", "已经是最小音量了。")])
def test_whoever_asks_for_less_than_the_least_is_told_that_it_is_the_least(language: str, said: str) -> None:
    controls = RecordedControls()
    assert _command(controls, "volume_set", language, volume="0").text == said
    assert controls.loudness == pytest.approx(0.1)
    assert _command(controls, "volume_set", language, volume="10").text != said


def test_stop_is_silent_and_ends_the_conversation() -> None:
    assert _command(RecordedControls(), "stop") == Reply("", ends_conversation=True)


def test_goodbye_ends_the_conversation() -> None:
    reply = _command(RecordedControls(), "goodbye", "zh")
    assert reply.ends_conversation
    assert reply.text


def test_mute_closes_microphone_and_camera() -> None:
    controls = RecordedControls()
    assert _command(controls, "mute").ends_conversation
    assert controls.muted
