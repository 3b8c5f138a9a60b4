"""Whether what was heard over a reply are its own words."""

from __future__ import annotations

import pytest

from assistant.dialogue.own_words import echoes, ends_with

HELP = "I can tell you what I see, count people and things, and set timers. You can also ask me to repeat."
HELP_ZH = "我可以告诉你我看到了什么，数一数人和东西，还可以设计时器。"


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("count people and things", HELP),
        ("Count people, and thinks.", HELP),
        ("tell you what I sea", HELP),
        ("数一数人和冬西", HELP_ZH),
        ("还可以 設計 時器", HELP_ZH),
        ("15 minutes", "Okay, fifteen minutes, starting now."),
        ("five minutes, starting", "Okay, twenty-five minutes, starting now."),
        ("can set timers four you", "I can set timers for you, one or two."),
        ("14分钟", "好的，十四分钟，现在开始计时。"),
        ("五分钟现在", "好的，二十五分钟，现在开始计时。"),
        ("报十间和日期", "我可以报时间和日期，数一数人。"),
    ],
)
def test_a_piece_of_the_reply_is_its_echo(text: str, spoken: str) -> None:
    assert echoes(text, spoken)


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("what time is it", HELP),
        ("I see", HELP),
        ("cancel all my timers right now", HELP),
        ("现在几点了", HELP_ZH),
        ("什么", HELP_ZH),
        ("fifteen minutes", "Okay, timer for fifty minutes."),
        ("15 minutes", "Okay, timer for fifty minutes."),
        ("四十分钟", "好的，十四分钟，现在开始计时。"),
        ("40分钟", "好的，十四分钟，现在开始计时。"),
        ("count people and things", ""),
        ("", HELP),
    ],
)
def test_what_a_person_says_is_no_echo(text: str, spoken: str) -> None:
    assert not echoes(text, spoken)


@pytest.mark.parametrize(
    ("text", "spoken", "ends"),
    [
        ("repeat", HELP, True),
        ("me too repeat", HELP, True),
        ("set timers", HELP, False),
        ("yes", HELP, False),
        ("现在开始计时", "好的，五分钟，现在开始计时。", True),
        ("计十", "好的，五分钟，现在开始计时。", True),
        ("好的", "好的，五分钟，现在开始计时。", False),
        ("is it noon now", "noon", False),
        ("", HELP, False),
        ("yes", "", False),
    ],
)
def test_how_a_reply_ends(text: str, spoken: str, ends: bool) -> None:
    assert ends_with(text, spoken) is ends
