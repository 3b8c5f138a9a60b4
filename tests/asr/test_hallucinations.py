"""What is believed of a recogniser's text."""

from __future__ import annotations

import pytest

from assistant.asr.hallucinations import Evidence, is_loop, is_made_up
from assistant.asr.simplified import to_simplified

CLEAR = Evidence(mean_log_probability=-0.4, no_speech_probability=0.02)
SILENT = Evidence(mean_log_probability=-0.9, no_speech_probability=0.9)


@pytest.mark.parametrize(
    "text",
    [
        "Thanks for watching!",
        "Thank you for watching.",
        "Please subscribe to my channel.",
        "Subtitles by the Amara.org community",
        "字幕由 Amara.org 社群提供",
        "请不吝点赞 订阅 转发 打赏支持明镜与点点栏目",
        "谢谢大家观看",
        "感谢收看！",
        "...",
        "",
    ],
)
def test_phrases_that_nobody_says_to_an_assistant(text: str) -> None:
    assert is_made_up(text, CLEAR)


@pytest.mark.parametrize(
    "text",
    [
        "Thank you.",
        "you",
        "What time is it?",
        "谢谢",
        "谢谢你",
        "Watch out!",
        "看看我的频道",
        "Stop, stop, stop!",
        "再见",
    ],
)
def test_what_people_say_is_believed(text: str) -> None:
    assert not is_made_up(text, CLEAR)


@pytest.mark.parametrize("text", ["you", "Thank you.", "Okay.", "嗯。"])
def test_what_is_written_for_silence_needs_some_speech(text: str) -> None:
    assert is_made_up(text, SILENT)


def test_a_likely_sentence_outweighs_the_doubt_about_speech() -> None:
    assert not is_made_up("Set a timer for thirty seconds.", Evidence(-0.4, 0.7))
    assert is_made_up("I'm going to add the butter.", Evidence(-1.49, 0.76))
    assert is_made_up("I'm going to go in.", Evidence(-1.7, 0.1))


@pytest.mark.parametrize(
    "text", ["语语语语语语语语语语语语", "no, no, no, no, no, no, no, no, no, no", "I see the man. " * 8]
)
def test_loops(text: str) -> None:
    assert is_loop(text)
    assert is_made_up(text, CLEAR)


@pytest.mark.parametrize("text", ["谢谢谢谢", "ha ha ha", "One two three four five six seven eight nine ten."])
def test_repetition_that_is_no_loop(text: str) -> None:
    assert not is_loop(text)


def test_traditional_characters_become_simplified_and_nothing_else_changes() -> None:
    assert to_simplified("你好賈維斯，關閉廚房的燈 OK?") == "你好贾维斯，关闭厨房的灯 OK?"
