"""Joining what Vosk says in pieces, and the real Korean model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.audio.files import read_audio
from assistant.config import Config
from assistant.errors import ConfigError, ModelError
from assistant.models.store import ModelStore
from tests.doubles.recognizers import KaldiDouble

vosk_backend = pytest.importorskip("assistant.asr.vosk", reason="Vosk is an extra")
BLOCK = np.zeros(1600, np.float32)


def stream(steps, last, language="en"):
    return vosk_backend.VoskStream(KaldiDouble(steps, last), language)


def test_partials_come_only_when_the_text_changed() -> None:
    heard = stream(["", "turn", "turn", "turn on"], [])
    assert [heard.accept(BLOCK) for _ in range(4)] == [None, "turn", None, "turn on"]


def test_segments_are_joined_and_their_words_confidences_averaged() -> None:
    heard = stream(["turn on", [("turn", 1.0), ("on", 0.8)], "the light"], [("the", 0.9), ("light", 0.5)])
    assert [heard.accept(BLOCK) for _ in range(3)] == ["turn on", None, "turn on the light"]
    result = heard.result()
    assert result.text == "turn on the light"
    assert result.confidence == pytest.approx(0.8)
    assert result.language == "en"


def test_a_second_result_costs_nothing_and_more_speech_goes_on_from_it() -> None:
    heard = stream(["turn", "off"], [("turn", 1.0)])
    heard.accept(BLOCK)
    first = heard.result()
    assert heard.result() is first
    assert heard.accept(np.zeros(0, np.float32)) is None
    assert heard.result() is first
    assert heard.accept(BLOCK) == "turn off"


def test_unknown_words_and_spaces_between_chinese_words_are_left_out() -> None:
    heard = stream(["今天 [unk] 天气"], [("今天", 1.0), ("[unk]", 0.1), ("天气", 1.0)], "zh")
    assert heard.accept(BLOCK) == "今天天气"
    assert heard.result().text == "今天天气"
    assert heard.result().confidence == 1.0


def test_silence_is_no_text() -> None:
    heard = stream([""], [])
    assert heard.accept(BLOCK) is None
    assert heard.result().text == ""
    assert heard.result().confidence == 0.0


def test_samples_become_clipped_16_bit_pcm() -> None:
    kaldi = KaldiDouble([""], [])
    vosk_backend.VoskStream(kaldi, "en").accept(np.array([0.0, 1.0, -2.0], np.float32))
    assert np.frombuffer(kaldi.blocks[0], "<i2").tolist() == [0, 32767, -32767]


def test_a_model_of_another_engine_is_refused(model_store: ModelStore) -> None:
    config = Config.model_validate({"asr": {"backend": "vosk", "model": "whisper-base"}})
    with pytest.raises(ConfigError, match="whisper-base"):
        vosk_backend.VoskRecognizer.create(config, model_store)


def test_a_folder_without_a_model_is_a_model_error(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=str(tmp_path)):
        vosk_backend.VoskRecognizer(tmp_path, "en")


def test_no_model_of_it_stalls_over_every_result() -> None:
    """The large ones bring a second network (`rnnlm`) that takes seconds: github.com/alphacep/vosk-api/issues/953."""
    catalog = ModelStore().catalog
    manifests = [catalog.manifest(name) for name in catalog.names]
    own = [manifest for manifest in manifests if "asr.vosk" in manifest.used_by]
    assert len(own) >= 3
    for manifest in own:
        assert not [file.name for file in manifest.files if file.name.startswith("rnnlm")], manifest.name
        assert all("-small-" in tree.member for tree in manifest.trees), manifest.name


@pytest.mark.models
def test_the_korean_model_recognises_while_it_listens(model_store: ModelStore) -> None:
    """The model understands English as Korean syllables: that there are words and partials is what can be checked."""
    config = Config.model_validate({"asr": {"backend": "vosk", "model": "vosk-ko", "languages": ("ko",)}})
    recording = model_store.file("sample-speech-en", "counting.wav")
    recognizer = vosk_backend.VoskRecognizer.create(config, model_store)
    assert recognizer.languages == {"ko"}
    samples = read_audio(recording)
    heard = recognizer.open(None)
    partials = [heard.accept(samples[start : start + 1600]) for start in range(0, samples.size, 1600)]
    result = heard.result()
    assert sum(partial is not None for partial in partials) > 3
    assert len(result.text) > 3
    assert 0.0 < result.confidence <= 1.0
    with pytest.raises(ConfigError, match="ko"):
        recognizer.open("en")
    recognizer.close()
