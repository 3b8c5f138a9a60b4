"""Whisper's input and tokens, compared with faster-whisper's."""

from __future__ import annotations

import numpy as np
import pytest
import tokenizers
from faster_whisper.feature_extractor import FeatureExtractor
from faster_whisper.tokenizer import Tokenizer

from assistant.asr.mel import LogMel
from assistant.asr.tokens import Tokens
from assistant.errors import ConfigError
from assistant.models.store import ModelStore
from tests.doubles.spoken import english


@pytest.mark.parametrize("bands", [80, 128])
@pytest.mark.parametrize("seconds", [1.0, 6.0, 30.0])
def test_the_spectrogram_is_the_references(bands: int, seconds: float) -> None:
    samples = np.zeros(round(seconds * 16_000), np.float32)
    speech = english("How many people are in the kitchen?")[: samples.size]
    samples[: speech.size] = speech
    found, expected = LogMel(bands)(samples), FeatureExtractor(feature_size=bands)(samples, padding=0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, atol=1e-4)


@pytest.mark.models
@pytest.mark.parametrize(
    ("model", "language"), [("whisper-base", "en"), ("whisper-base", "zh"), ("whisper-tiny.en", "en")]
)
def test_tokens_are_the_references(model_store: ModelStore, model: str, language: str) -> None:
    tokenizer = tokenizers.Tokenizer.from_file(str(model_store.path(model) / "tokenizer.json"))
    multilingual = not model.endswith(".en")
    found = Tokens(tokenizer, multilingual, language)
    expected = Tokenizer(tokenizer, multilingual, task="transcribe", language=language)
    assert found.prompt == expected.sot_sequence
    assert found.timestamp_begin == expected.timestamp_begin
    for text in (" Hey Jarvis, what time is it?", "你好贾维斯，现在几点了？"):
        tokens = found.encode(text)
        assert tokens == expected.encode(text)
        assert found.decode([*tokens, found.timestamp_begin]) == expected.decode(tokens) == text


@pytest.mark.models
def test_an_unknown_language_is_named(model_store: ModelStore) -> None:
    tokenizer = tokenizers.Tokenizer.from_file(str(model_store.path("whisper-base") / "tokenizer.json"))
    with pytest.raises(ConfigError, match="'xx'"):
        Tokens(tokenizer, multilingual=True, language="xx")
