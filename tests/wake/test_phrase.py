"""What wakes the assistant and what must not."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.config import WakeConfig
from assistant.errors import ConfigError
from assistant.wake.phrase import PhraseMatcher

DEFAULTS = WakeConfig()
DIALOGUE = Path(__file__).parent.parent / "dialogue"


@pytest.fixture(scope="module")
def matcher() -> PhraseMatcher:
    return PhraseMatcher(DEFAULTS.phrases, DEFAULTS.match)


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Hey Jarvis.", ""),
        ("Hey Jarvis, what time is it?", "what time is it?"),
        ("hey jarvis set a timer for 10 minutes", "set a timer for 10 minutes"),
        ("HEY JARVIS! Stop", "Stop"),
        ("Heyjarvis.", ""),
        ("Um, so, hey Jarvis, look", "look"),
        ("Oh no. Hey Jarvis, stop.", "stop."),
        ("Jarvis, what do you see?", "what do you see?"),
        ("Hello Jarvis, help", "help"),
        ("今天天气真好。你好贾维斯，停", "停"),
        ("What time is it, hey Jarvis?", "What time is it"),
        ("你好贾维斯", ""),
        ("你好贾维斯，现在几点了？", "现在几点了？"),
        ("嗯，你好贾维斯，停", "停"),
        ("你 好 贾 维 斯 你看到了什么", "你看到了什么"),
        ("嘿贾维斯，再见", "再见"),
        ("贾维斯，再见", "再见"),
        ("你好Jarvis，现在几点了", "现在几点了"),
        ("现在几点了，你好贾维斯", "现在几点了"),
    ],
)
def test_the_phrase_and_the_command_after_it(matcher: PhraseMatcher, text: str, rest: str) -> None:
    match = matcher.match(text)
    assert match is not None
    assert match.rest == rest
    assert DEFAULTS.match <= match.score <= 1.0
    assert match.phrase in DEFAULTS.phrases


@pytest.mark.parametrize(
    "text",
    [
        # What Whisper base and tiny.en wrote when synthetic voices said the phrase, clean and in noise.
        "Hey, Javas!",
        "Hey, Javis!",
        "Hey, Jorvis, set a timer for 10 minutes.",
        "Hey, Jalvis, set a time of at 10 minutes.",
        "Hey Jar Miss, what time in it?",
        "Hey Jaromis, what do you see?",
        "Hey, Jarve, what do you see?",
        "Heijerbes.",
        "A Jarvis",
        "Hey Charvis",
        "Hey, Travis, stop",
        "你好加维斯",
        "你好,夏威斯。",
        "你好假为事。",
        "你好家为死。",
        "你好叫威斯。",
        "你好 教维斯。",
        "你好角为师,现在几点了。",
        "您好假为事,现在机店了",
        "你好像维斯现在几点了",
    ],
)
def test_what_recognisers_write_for_the_phrase(matcher: PhraseMatcher, text: str) -> None:
    assert matcher.match(text) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "...",
        "Hey.",
        "hey there",
        "Hey Marvin, come here.",
        "Hey, nervous people everywhere.",
        "Hey, service is slow today.",
        "He drives fast.",
        "A jar is on the table.",
        "The harvest was good.",
        "They are nervous.",
        "I told Jarvis to stop it yesterday.",
        "My friend Jarvis came over.",
        "Is the jar full? Jarvis knows.",
        "What time is it?",
        "你好",
        "你好吗",
        "你好世界",
        "你好贾老师",
        "你好佳佳",
        "你好，这位是谁",
        "你好，家里是不是有人",
        "你好，夏威夷",
        "他叫贾维斯",
        "现在几点了",
        "喂，你在吗",
    ],
)
def test_what_must_not_wake(matcher: PhraseMatcher, text: str) -> None:
    assert matcher.match(text) is None


def test_no_sentence_of_the_dialogue_s_own_tables_wakes(matcher: PhraseMatcher) -> None:
    sentences = [line.split("\t")[0] for path in DIALOGUE.glob("*.tsv") for line in path.read_text().splitlines()]
    assert len(sentences) > 100
    assert [sentence for sentence in sentences if matcher.match(sentence)] == []


def test_the_phrase_that_sounds_most_alike_is_named() -> None:
    matcher = PhraseMatcher(("hey marvin", "hey jarvis"), 0.6)
    match = matcher.match("Hey Jarvis, hello")
    assert match is not None
    assert match.phrase == "hey jarvis"
    assert match.score == 1.0


def test_a_higher_threshold_wakes_less_often() -> None:
    assert PhraseMatcher(("hey jarvis",), 0.75).match("Hey, Travis") is not None
    assert PhraseMatcher(("hey jarvis",), 0.9).match("Hey, Travis") is None
    assert PhraseMatcher(("hey jarvis",), 1.0).match("Hey Jarvis") is not None


OTHERS = ["computer", "jarvis", "okay nabu", "小爱同学", "小 爱 同 学", "hello edge box", "天猫精灵", "嘿 siri"]


@pytest.mark.parametrize("phrase", OTHERS)
def test_any_other_phrase(phrase: str) -> None:
    matcher = PhraseMatcher((phrase,), DEFAULTS.match)
    match = matcher.match(f"{phrase}, what now?")
    assert match is not None
    assert match.rest == "what now?"
    assert match.score == 1.0
    assert matcher.match("what do you see on the table") is None
    assert matcher.match("今天天气怎么样") is None


@pytest.mark.parametrize("phrase", OTHERS)
@pytest.mark.parametrize("command", ["How are you", "set a timer for 5 minutes", "make it yellow", "现在几点了"])
@pytest.mark.parametrize("between", [", ", " ", "，"])
def test_any_other_phrase_at_the_end_leaves_the_command_whole(phrase: str, command: str, between: str) -> None:
    match = PhraseMatcher((phrase,), DEFAULTS.match).match(f"{command}{between}{phrase}?")
    assert match is not None
    assert (match.rest, match.score) == (command, 1.0)


@pytest.mark.parametrize("text", ["What can you do, hey computer?", "What can you do, com puter"])
def test_a_phrase_of_one_word_may_be_greeted_or_heard_as_two(text: str) -> None:
    match = PhraseMatcher(("computer",), DEFAULTS.match).match(text)
    assert match is not None
    assert match.rest == "What can you do"


def test_a_phrase_without_a_word_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"\?!"):
        PhraseMatcher(("?!",), 0.75)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("你好小明", "你好 小 明，停"),
        ("你好 小 明", "你好小明，停"),
        ("你好贾维斯", "你好 贾 维 斯，停"),
        ("你好小明", "你 好 小 明 停"),
    ],
)
def test_spaces_between_characters_mean_nothing(phrase: str, text: str) -> None:
    match = PhraseMatcher((phrase,), DEFAULTS.match).match(text)
    assert match is not None
    assert match.rest.strip() == "停"
