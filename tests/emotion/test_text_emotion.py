"""The text channel: what sentences say about a feeling, and which say nothing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from assistant.emotion.text import TextEmotion
from assistant.events import EMOTION_LABELS, EmotionEstimate, Transcript


@pytest.fixture(scope="module")
def channel() -> TextEmotion:
    return TextEmotion()


def read(channel: TextEmotion, text: str, language: str = "en", confidence: float = 1.0) -> EmotionEstimate | None:
    return channel.estimate(Transcript(7.5, 1, text, language, confidence, True))


def probability(estimate: EmotionEstimate, label: str) -> float:
    return estimate.probabilities[EMOTION_LABELS.index(label)]


def top(estimate: EmotionEstimate | None) -> str | None:
    return None if estimate is None else max(EMOTION_LABELS, key=lambda label: probability(estimate, label))


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("I am so happy", "happy"),
        ("I have never been happier", "happy"),
        ("I feel down", "sad"),
        ("Hey Jarvis, I had a bad day.", "sad"),
        ("I can't stop crying", "sad"),
        ("why am I so lonely", "sad"),
        ("you make me so angry", "angry"),
        ("I'm not sad, I'm angry!", "angry"),
        ("im not sad im happy", "happy"),
        ("I am never not happy", "happy"),
        ("I’m scared", "fear"),
        ("that is disgusting", "disgust"),
        ("oh my god I can't believe it", "surprise"),
        ("I'm fine", "neutral"),
        ("I'm not angry", "neutral"),
        ("don't be sad", "neutral"),
    ],
)
def test_english_feelings(channel: TextEmotion, text: str, label: str) -> None:
    assert top(read(channel, text)) == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("我非常开心", "happy"),
        ("我今天特别高興", "happy"),
        ("我很難過", "sad"),
        ("我心情不好", "sad"),
        ("为什么我这么难过", "sad"),
        ("我 今天 很 难 过", "sad"),
        ("我烦死了", "angry"),
        ("吓死我了", "fear"),
        ("这个好恶心", "disgust"),
        ("没想到你来了", "surprise"),
        ("我不是不喜欢你", "happy"),
        ("我没生气", "neutral"),
        ("别难过", "neutral"),
        ("我没有不开心", "neutral"),
        ("我一点也不害怕", "neutral"),
        ("我不生气，我很难过", "sad"),
    ],
)
def test_chinese_feelings(channel: TextEmotion, text: str, label: str) -> None:
    assert top(read(channel, text, "zh")) == label


@pytest.mark.parametrize(
    ("text", "language"),
    [("I'm not happy at all", "en"), ("I don't think I'm happy", "en"), ("我不高兴", "zh"), ("我不是很开心", "zh")],
)
def test_negated_joy_is_unpleasant(channel: TextEmotion, text: str, language: str) -> None:
    estimate = read(channel, text, language)
    assert estimate is not None
    assert probability(estimate, "happy") < 0.1
    assert estimate.valence < -0.2


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("set a timer for 5 minutes", "en"),
        ("please play happy music", "en"),
        ("I want to hear sad songs", "en"),
        ("kill the lights", "en"),
        ("cancel the alarm", "en"),
        ("stop", "en"),
        ("yes", "en"),
        ("no", "en"),
        ("what do you see", "en"),
        ("how do I look", "en"),
        ("are you happy?", "en"),
        ("happy birthday", "en"),
        ("", "en"),
        ("...", "en"),
        ("设置五分钟的定时器", "zh"),
        ("播放快乐的歌", "zh"),
        ("今天天气怎么样", "zh"),
        ("麻烦你开灯", "zh"),
        ("你开心吗", "zh"),
        ("我高不高兴", "zh"),
        ("祝你生日快乐", "zh"),
        ("停", "zh"),
        ("안녕하세요", "ko"),
        ("je suis content", "fr"),
    ],
)
def test_no_words_of_feeling_are_no_evidence(channel: TextEmotion, text: str, language: str) -> None:
    assert read(channel, text, language) is None


@pytest.mark.parametrize(
    ("weak", "plain", "strong", "language", "label"),
    [
        ("I am a bit sad", "I am sad", "I am so sad", "en", "sad"),
        ("我有点难过", "我难过", "我非常难过", "zh", "sad"),
        ("我有点累", "我累", "我累死了", "zh", "sad"),
    ],
)
def test_intensity_orders_confidence(
    channel: TextEmotion, weak: str, plain: str, strong: str, language: str, label: str
) -> None:
    estimates = [read(channel, text, language) for text in (weak, plain, strong)]
    assert [top(estimate) for estimate in estimates] == [label] * 3
    confidences = [estimate.confidence for estimate in estimates if estimate]
    assert confidences == sorted(confidences)
    assert len(set(confidences)) == 3


def test_a_denial_says_nothing_beside_an_affirmation(channel: TextEmotion) -> None:
    both, affirmed = read(channel, "I'm not sad, I'm angry"), read(channel, "I'm angry")
    assert both and affirmed
    assert both.probabilities == affirmed.probabilities


def test_own_feeling_counts_more_than_anothers(channel: TextEmotion) -> None:
    own, thing, other = (read(channel, text) for text in ("I am sad", "this is sad", "she is sad"))
    assert own and thing and other
    assert own.confidence > thing.confidence > other.confidence


def test_unsure_hearing_lowers_confidence(channel: TextEmotion) -> None:
    clear, unclear = read(channel, "I am sad"), read(channel, "I am sad", confidence=0.5)
    assert clear and unclear
    assert unclear.confidence == pytest.approx(clear.confidence / 2)


def test_polarity_speaks_where_the_tables_are_silent(channel: TextEmotion) -> None:
    good, bad = (
        read(channel, "what they did was heroic and superb"),
        read(channel, "it was a catastrophe and a betrayal"),
    )
    assert good and bad
    assert good.valence > 0.3
    assert bad.valence < -0.3
    assert max(good.confidence, bad.confidence) <= 0.5


def test_polarity_is_loaded_only_when_needed() -> None:
    code = (
        "import sys; from assistant.emotion.text import TextEmotion; from assistant.events import Transcript;"
        "TextEmotion().estimate(Transcript(0.0, 1, '我很开心', 'zh', 1.0, True));"
        "sys.exit('vaderSentiment' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize(
    ("text", "language", "label"),
    [
        ("on my way 😂😂😂", "en", "happy"),
        ("okay 😭", "en", "sad"),
        ("好吧😡", "zh", "angry"),
        ("我到了😱", "zh", "fear"),
    ],
)
def test_emoji_are_words_of_feeling(text: str, language: str, label: str) -> None:
    estimate = TextEmotion().estimate(Transcript(0.0, 1, text, language, 1.0, True))
    assert estimate is not None
    assert EMOTION_LABELS[int(np.argmax(estimate.probabilities))] == label


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("estoy muy triste", "es"),
        ("Ich bin so sad heute", "de"),
        ("私はとても悲しいです", "ja"),
        ("나는 너무 슬퍼요 😭", "ko"),
        ("мне так грустно", "ru"),
        ("я ненавижу это, I hate it", "en"),
    ],
)
def test_another_language_is_no_evidence(text: str, language: str) -> None:
    assert TextEmotion().estimate(Transcript(0.0, 1, text, language, 1.0, True)) is None
