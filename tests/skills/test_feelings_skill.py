"""How the person feels: said when asked, hedged, or honestly not known."""

from __future__ import annotations

import anyio
import pytest

from assistant.events import EmotionLabel, EmotionState
from assistant.ports import Intent
from assistant.skills.feelings import FeelingsSkill
from tests.doubles.context import GivenSenses, feeling, skill_context


def _ask(state: EmotionState | None, intent: str = "feelings_ask", language: str = "en", **slots: str) -> str:
    context = skill_context(GivenSenses(current_emotion=state), turn_id=2)
    return anyio.run(FeelingsSkill().handle, Intent(intent, slots, language, ""), context).text


@pytest.mark.parametrize("state", [None, feeling(None, 0.2)])
def test_without_enough_evidence_it_is_not_sure(state: EmotionState | None) -> None:
    assert _ask(state) == "I'm not sure how you feel."
    assert _ask(state, language="zh") == "我不太确定你的心情。"


def test_the_answer_is_hedged_by_confidence() -> None:
    assert _ask(feeling("happy", 0.9)) == "You seem happy to me."
    assert _ask(feeling("sad", 0.5)) == "I could be wrong, but you seem a little sad."
    assert _ask(feeling("neutral", 0.9)) == "You seem calm to me."
    assert _ask(feeling("neutral", 0.5)) == "I could be wrong, but you seem calm to me."
    assert _ask(feeling("neutral", 0.5), language="zh") == "我不太确定，不过你看起来挺平静的。"
    assert _ask(feeling("angry", 0.9), language="zh") == "我觉得你生气。"


def test_a_feeling_that_was_asked_for_is_confirmed_or_not() -> None:
    assert _ask(feeling("happy"), feeling="happy") == "Yes, you seem happy to me."
    assert _ask(feeling("sad"), feeling="happy") == "Not really. You seem sad to me."
    assert _ask(feeling("sad"), language="zh", feeling="难过") == "是的，我觉得你难过。"


@pytest.mark.parametrize("label", ["sad", "angry", "fear", "disgust"])
def test_upset_and_bad_are_said_of_everything_unpleasant(label: EmotionLabel) -> None:
    for word in ("upset", "bad"):
        assert _ask(feeling(label), feeling=word).startswith("Yes, ")
    assert _ask(feeling(label), language="zh", feeling="不开心").startswith("是的")
    assert _ask(feeling("happy"), feeling="upset") == "Not really. You seem happy to me."


def test_of_what_the_labels_say_nothing_about_nothing_is_denied() -> None:
    assert _ask(feeling("happy"), feeling="tired") == "I can't tell that. You seem happy to me."
    assert (
        _ask(feeling("sad", 0.5), feeling="tired") == "I can't tell that. I could be wrong, but you seem a little sad."
    )
    assert _ask(feeling("happy"), language="zh", feeling="疲惫") == "这个我看不出来。我觉得你开心。"
    assert _ask(feeling("sad", 0.5), language="zh", feeling="累") == "这个我看不出来。我不太确定，不过你好像有点难过。"
    assert _ask(feeling(None, 0.2), feeling="tired") == "I'm not sure how you feel."


def test_the_reason_names_the_channels_that_counted() -> None:
    assert _ask(feeling("happy"), "feelings_why") == "I mostly go by your face."
    assert _ask(feeling("sad", channel="voice"), "feelings_why", "zh") == "我主要是根据你的语气判断的。"
    assert "I don't have enough to go on." in _ask(feeling(None, 0.1), "feelings_why")
    assert "I don't have enough to go on." in _ask(None, "feelings_why")
