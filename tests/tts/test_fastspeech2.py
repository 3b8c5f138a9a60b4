"""The Chinese voice: understood by the recogniser, the same each time, and with English in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import jiwer
import numpy as np
import pytest

from assistant.asr.whisper import WhisperRecognizer
from assistant.audio.files import resample
from assistant.config import Config
from assistant.errors import ModelError, StageError
from assistant.models.store import ModelStore
from assistant.ports import SpeakingStyle
from assistant.tts import SAMPLE_RATE_HZ
from assistant.tts.fastspeech2 import FastSpeech2Synthesizer
from assistant.tts.finishing import speech
from assistant.tts.hibari import HibariSynthesizer

pytestmark = pytest.mark.models
SENTENCES = ("我看到桌子上有两个杯子。", "声音已经调大了。", "刚才有人进来了。", "对不起，我现在不能回答这个问题。")


@pytest.fixture(scope="module")
def voice(model_store: ModelStore) -> Iterator[FastSpeech2Synthesizer]:
    yield FastSpeech2Synthesizer.create(Config(), model_store)


def spoken(voice: FastSpeech2Synthesizer, text: str) -> np.ndarray:
    return np.concatenate(list(speech(voice, text, "zh", SpeakingStyle())))


def test_what_it_says_is_understood(voice: FastSpeech2Synthesizer, model_store: ModelStore) -> None:
    recognizer = WhisperRecognizer.create(Config(), model_store)
    silence = np.zeros(6_000, np.float32)
    heard = []
    for sentence in SENTENCES:
        samples = resample(spoken(voice, sentence), SAMPLE_RATE_HZ, 16_000)
        heard.append(recognizer.transcribe(np.concatenate([silence, samples, silence]), "zh").text)
    wanted = ["".join(filter(str.isalnum, sentence)) for sentence in SENTENCES]
    assert jiwer.cer(wanted, ["".join(filter(str.isalnum, text)) for text in heard]) < 0.15, heard


def test_the_same_words_always_sound_the_same(voice: FastSpeech2Synthesizer) -> None:
    assert np.array_equal(spoken(voice, "现在是三点。"), spoken(voice, "现在是三点。"))


def test_english_words_are_said_by_the_english_voice(voice: FastSpeech2Synthesizer) -> None:
    english = list(HibariSynthesizer().synthesize("Jarvis", "en", SpeakingStyle()))
    first, word, last = voice.synthesize("我是Jarvis，你好。", "zh", SpeakingStyle())
    assert np.array_equal(word, english[0])
    assert 0.2 < len(first) / voice.sample_rate_hz < 1.2 and 0.2 < len(last) / voice.sample_rate_hz < 1.2


@pytest.mark.parametrize(
    "text",
    [
        "张" * 101,
        "现在我看到了这些东西和那些东西的，" + "张，" * 19 + "张" * 20 + "，" + "张" * 7,
        "号码1999999999999999，共1999999999999999个。",
    ],
)
def test_the_longest_pieces_are_said_at_the_slowest_rate(voice: FastSpeech2Synthesizer, text: str) -> None:
    blocks = list(voice.synthesize(text, "zh", SpeakingStyle(rate=0.4)))
    assert sum(map(len, blocks)) / voice.sample_rate_hz > 10


def test_the_shortest_are_said_at_the_fastest_rate(voice: FastSpeech2Synthesizer) -> None:
    for character in "第你的一不":
        (block,) = voice.synthesize(character, "zh", SpeakingStyle(rate=2.5))
        assert len(block) / voice.sample_rate_hz > 0.05


def test_what_it_cannot_say_at_all_is_left_to_another_voice(voice: FastSpeech2Synthesizer) -> None:
    with pytest.raises(StageError, match="none of these characters"):
        list(voice.synthesize("㐂", "zh", SpeakingStyle()))
    assert list(voice.synthesize("……", "zh", SpeakingStyle())) == []


@pytest.mark.parametrize("symbols", ["{}", "[]", '{"symbol_to_id": {}, "pinyin_dict": {}}', "not JSON"])
def test_damaged_symbols_are_a_damaged_model(model_store: ModelStore, tmp_path: Path, symbols: str) -> None:
    for file in model_store.path("fastspeech2-zh").glob("*.onnx"):
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "symbols.json").write_text(symbols)
    with pytest.raises(ModelError, match="models verify fastspeech2-zh"):
        FastSpeech2Synthesizer(tmp_path)


def test_a_long_sentence_begins_with_a_short_piece(voice: FastSpeech2Synthesizer) -> None:
    first, *rest = voice.synthesize("我看到桌子上有两个杯子，旁边坐着一只猫，窗户外面有一棵树。", "zh", SpeakingStyle())
    assert rest and len(first) / voice.sample_rate_hz < 4
