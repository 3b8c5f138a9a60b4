"""Whisper on real sound."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ctranslate2
import jiwer
import numpy as np
import pytest

from assistant.asr.hallucinations import Evidence
from assistant.asr.primed import may_interrupt
from assistant.asr.tokens import Tokens
from assistant.asr.whisper import WhisperRecognizer, window_for
from assistant.audio.files import read_audio
from assistant.config import Config
from assistant.dialogue.small_words import unclear_stop
from assistant.errors import ConfigError, ModelError, ModelMissingError
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.ports import Recognition
from tests.doubles.spoken import english

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def base(model_store: ModelStore) -> Iterator[WhisperRecognizer]:
    recognizer = WhisperRecognizer.create(Config(), model_store)
    yield recognizer
    recognizer.close()


def heard(recognizer: WhisperRecognizer, samples: AudioArray, language: str | None = None) -> str:
    stream = recognizer.open(language)
    assert stream.accept(samples) is None, "Whisper has no partials"
    return stream.result().text


def words(text: str) -> str:
    return " ".join(re.findall(r"[\w']+", text.lower()))


def test_a_sentence_and_its_language(base: WhisperRecognizer) -> None:
    stream = base.open(None)
    for block in np.array_split(english("How many people are in the kitchen?"), 50):
        stream.accept(block)
    result = stream.result()
    assert words(result.text) == "how many people are in the kitchen"
    assert result.language == "en"
    assert 0.3 < result.confidence <= 1.0


def test_a_result_is_kept_until_there_are_new_samples(base: WhisperRecognizer) -> None:
    stream = base.open("en")
    stream.accept(english("What time is it?"))
    first = stream.result()
    assert stream.result() is first
    stream.accept(np.zeros(0, np.float32))
    assert stream.result() is first
    stream.accept(english("Tell me now."))
    assert words(stream.result().text) == "what time is it tell me now"


def test_silence_and_noise_are_no_sentence(base: WhisperRecognizer) -> None:
    rng = np.random.default_rng(0)
    time_s = np.arange(32000) / 16000
    sounds = {
        "nothing": np.zeros(0),
        "silence": np.zeros(32000),
        "a quiet room": rng.normal(0, 0.001, 32000),
        "white noise": rng.normal(0, 0.05, 32000),
        "a tone": 0.3 * np.sin(2 * np.pi * 440 * time_s),
        "mains hum": 0.1 * np.sign(np.sin(2 * np.pi * 50 * time_s)),
    }
    texts = {name: heard(base, samples.astype(np.float32)) for name, samples in sounds.items()}
    assert texts == dict.fromkeys(sounds, "")


def test_mandarin_is_detected(base: WhisperRecognizer, model_store: ModelStore) -> None:
    stream = base.open(None)
    stream.accept(read_audio(model_store.file("sample-speech-zh", "nihao_shijie.wav")))
    assert re.findall(r"\w+", stream.result().text) == ["你好世界"]
    assert stream.result().language == "zh"


def test_what_the_network_writes_in_traditional_characters_becomes_simplified(
    base: WhisperRecognizer, model_store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tokens, "decode", lambda tokens, ids: "現在幾點了")
    mandarin = read_audio(model_store.file("sample-speech-zh", "nihao_shijie.wav"))
    assert heard(base, mandarin, "zh") == "现在几点了"
    assert heard(base, english("What time is it?"), "en") == "現在幾點了", "other languages stay as they are"


def test_telephone_quality(base: WhisperRecognizer, model_store: ModelStore) -> None:
    folder = model_store.path("sample-telephone-en")
    lines = gzip.decompress((folder / "core-sounds-en.txt.gz").read_bytes()).decode(errors="replace").splitlines()
    wanted = dict(line.split(": ", 1) for line in lines if ": " in line)
    names = [
        "agent-alreadyon",
        "agent-pass",
        "auth-incorrect",
        "call-waiting",
        "cannot-complete-as-dialed",
        "conf-full",
    ]
    names += ["conf-getpin", "conf-lockednow", "conf-onlyperson", "pbx-invalid", "priv-callpending", "vm-savefolder"]
    references = [words(wanted[name]) for name in names]
    hypotheses = [words(heard(base, read_audio(next(folder.rglob(f"{name}.wav"))), "en")) for name in names]
    assert jiwer.wer(references, hypotheses) <= 0.1


def test_more_than_a_window_is_recognised_to_its_end(base: WhisperRecognizer) -> None:
    gap = np.zeros(30 * 16000, np.float32)
    sound = np.concatenate([english("The first sentence."), gap, english("And now the last one.")])
    text = words(heard(base, sound, "en"))
    assert "first sentence" in text
    assert "the last one" in text


def test_an_expected_phrase_is_recognised_where_whisper_would_write_something_else(model_store: ModelStore) -> None:
    folder, said = model_store.path("whisper-base"), english("Hey Charvis, what time is it?")
    plain = WhisperRecognizer(folder, languages=("en", "zh"))
    expecting = WhisperRecognizer(folder, languages=("en", "zh"), phrases=("hey jarvis", "你好贾维斯"))
    assert "jarvis" not in words(heard(plain, said))
    assert words(heard(expecting, said)) == "hey jarvis what time is it"
    for other in ("Hey Thomas, what time is it?", "What time is it?", "How many people are in the kitchen?"):
        assert words(heard(expecting, english(other))) == words(other)
    assert heard(expecting, np.zeros(32000, np.float32)) == ""
    plain.close()
    expecting.close()


def test_a_window_leaves_room_behind_the_utterance() -> None:
    for seconds in (0.1, 2.0, 3.5, 3.6, 7.9, 20.0, 28.5):
        assert 1.5 <= window_for(seconds) - seconds <= 6.0
    assert window_for(29.9) == 30.0


def test_the_english_model_knows_only_english(model_store: ModelStore) -> None:
    config = Config.model_validate({"asr": {"model": "whisper-tiny.en"}})
    tiny = WhisperRecognizer.create(config, model_store)
    assert tiny.languages == {"en"}
    stream = tiny.open(None)
    stream.accept(english("How many people are in the kitchen?"))
    assert words(stream.result().text) == "how many people are in the kitchen"
    assert stream.result().language == "en"
    with pytest.raises(ConfigError, match="'zh' but knows only: en"):
        tiny.open("zh")
    tiny.close()
    chinese = Config.model_validate({"asr": {"model": "whisper-tiny.en", "language": "zh"}})
    with pytest.raises(ConfigError, match="zh"):
        WhisperRecognizer.create(chinese, model_store)


def test_a_language_that_whisper_has_not_heard_of(model_store: ModelStore) -> None:
    config = Config.model_validate({"asr": {"languages": ("en", "tlh")}})
    with pytest.raises(ConfigError, match="tlh"):
        WhisperRecognizer.create(config, model_store)


def test_a_model_of_another_engine_is_refused(model_store: ModelStore) -> None:
    config = Config.model_validate({"asr": {"model": "vosk-ko"}})
    with pytest.raises(ConfigError, match="vosk-ko"):
        WhisperRecognizer.create(config, model_store)


def test_a_model_that_was_not_pulled_says_how(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="assistant models pull whisper-base"):
        WhisperRecognizer.create(Config(), ModelStore(tmp_path))


def test_a_broken_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"no model")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ModelError, match=re.escape(str(tmp_path))):
        WhisperRecognizer(tmp_path, languages=("en",))


def test_a_very_short_utterance_may_have_been_a_stop_and_others_stay_what_they_are(base: WhisperRecognizer) -> None:
    def recognized(text: str) -> Recognition:
        return base.transcribe(english(text), None, over_reply=True)

    assert "stop" in words(" ".join(recognized("Stop.").perhaps))
    for text in ("Yes.", "What?", "Red.", "Hello.", "Louder.", "Five minutes."):
        assert unclear_stop(recognized(text)) is None, text
    assert recognized("How many people are sitting there in the kitchen?").perhaps == ()
    noise = np.random.default_rng(0).normal(0, 0.05, 12000).astype(np.float32)
    assert base.transcribe(noise, None, over_reply=True).perhaps == ()
    assert base.transcribe(english("Stop."), None).perhaps == (), "nobody wants to know"


@pytest.mark.parametrize(
    ("seconds", "languages"), [(1.0, {"en", "zh"}), (1.6, {"en", "zh"}), (1.7, {"zh"}), (2.5, {"zh"}), (2.6, set())]
)
def test_only_one_word_may_have_been_said_in_another_language(seconds: float, languages: set[str]) -> None:
    assert set(may_interrupt({"en": 0.5, "zh": 0.5}, "zh", Evidence(-0.5, 0.1), seconds)) == languages


def test_a_short_sentence_may_have_been_a_stop_too(base: WhisperRecognizer) -> None:
    def recognized(text: str) -> Recognition:
        return base.transcribe(english(text), None, over_reply=True)

    assert "stop" in words(" ".join(recognized("No, no, wait, please stop.").perhaps))
    for text in ("What's the weather like today?", "How many cups are on the table?", "Where is the nearest bus stop?"):
        assert unclear_stop(recognized(text)) is None, text


def test_a_second_decoding_that_fails_does_not_cost_the_first(
    base: WhisperRecognizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    generate, prompts = ctranslate2.models.Whisper.generate, []

    def fails_the_second_time(model: Any, encoded: Any, prompt: Any, **options: Any) -> Any:
        prompts.append(prompt)
        if len(prompts) == 2:
            raise RuntimeError("out of memory")
        return generate(model, encoded, prompt, **options)

    monkeypatch.setattr(ctranslate2.models.Whisper, "generate", fails_the_second_time)
    recognition = base.transcribe(english("Stop."), "en", over_reply=True)
    assert (words(recognition.text), recognition.perhaps, len(prompts)) == ("stop", (), 2)
