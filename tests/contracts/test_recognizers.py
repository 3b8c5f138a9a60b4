"""Every recogniser in the registry, by itself and in a process of its own: one stream an utterance, results kept, the
language kept to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import numpy as np
import pytest

from assistant.asr import RECOGNIZERS
from assistant.asr.loading import load_recognizer, recognizer_process
from assistant.config import Config
from assistant.errors import ConfigError
from assistant.models.store import ModelStore
from assistant.ports import Recognizer
from tests.doubles.leaks import no_task_left_running, nothing_left_behind
from tests.doubles.spoken import english

pytestmark = pytest.mark.models

MODELS = {"whisper": "whisper-tiny.en", "vosk": "vosk-ko"}
"""A model that can be had for each; a new recogniser names its own."""
SPEECH = "How many people are in the kitchen?"


@pytest.fixture(
    scope="module",
    params=[(name, where) for name in sorted(RECOGNIZERS) for where in ("here", "process")],
    ids="-".join,
)
def recognizer(
    request: pytest.FixtureRequest, model_store: ModelStore, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Recognizer]:
    backend, where = request.param
    config = Config.model_validate({"asr": {"backend": backend, "model": MODELS[backend]}})
    with nothing_left_behind(tmp_path_factory.mktemp("temporary")), no_task_left_running():
        process = recognizer_process(config, model_store) if where == "process" else None
        try:
            recognizer = load_recognizer(config, model_store, process)
            yield recognizer
            recognizer.close()
            recognizer.close()
        finally:
            if process is not None:
                asyncio.run(process.close())


def test_speech_gives_words_in_a_known_language(recognizer: Recognizer) -> None:
    stream = recognizer.open(None)
    partials = [stream.accept(block) for block in np.array_split(english(SPEECH), 20)]
    result = stream.result()
    assert result.text.strip() == result.text != ""
    assert result.language in recognizer.languages
    assert 0.0 < result.confidence <= 1.0
    assert any(partials) == recognizer.streams_partials


def test_a_result_is_kept_until_there_is_more(recognizer: Recognizer) -> None:
    stream = recognizer.open(None)
    stream.accept(english(SPEECH))
    assert stream.result() is stream.result()


def test_nothing_said_is_no_text(recognizer: Recognizer) -> None:
    stream = recognizer.open(None)
    assert stream.result().text == ""
    stream.accept(np.zeros(16000, np.float32))
    assert stream.result().text == ""


def test_utterances_do_not_leak_into_each_other(recognizer: Recognizer) -> None:
    first, second = recognizer.open(None), recognizer.open(None)
    first.accept(english(SPEECH))
    second.accept(np.zeros(16000, np.float32))
    assert second.result().text == ""
    assert first.result().text != ""


def test_the_samples_are_left_alone(recognizer: Recognizer) -> None:
    samples = english(SPEECH).copy()
    samples.setflags(write=False)
    stream = recognizer.open(None)
    stream.accept(samples)
    stream.result()


def test_a_language_that_it_does_not_know_is_refused(recognizer: Recognizer) -> None:
    with pytest.raises(ConfigError, match="xx"):
        recognizer.open("xx")
    for language in recognizer.languages:
        recognizer.open(language)
