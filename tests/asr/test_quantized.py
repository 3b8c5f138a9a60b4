"""Weights quantized ahead of the start: the same words, and no copy that could keep the recogniser from loading."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.asr import whisper
from assistant.asr.quantized import WEIGHTS, quantized
from assistant.errors import ModelError
from assistant.models.store import ModelStore

MODEL = "whisper-tiny.en"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "edge-assistant" / "recogniser"


@pytest.fixture
def model(model_store: ModelStore, tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    shutil.copytree(model_store.path(MODEL), folder)
    return folder


def copies(cache: Path) -> list[Path]:
    return sorted(path for path in (cache / "model").iterdir() if path.is_dir()) if cache.exists() else []


def recognizer(folder: Path) -> whisper.WhisperRecognizer:
    return whisper.WhisperRecognizer(folder, languages=("en",), threads=1)


@pytest.mark.models
def test_it_recognises_what_the_original_does_to_the_last_bit(
    model: Path, model_store: ModelStore, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = next(iter(sorted(model_store.path("sample-speech-en").glob("**/*.wav"))))
    samples, rate_hz = soundfile.read(recording, dtype="float32")
    assert rate_hz == whisper.SAMPLE_RATE_HZ
    copied = recognizer(model).transcribe(samples, None)
    (copy,) = copies(cache)
    assert (copy / WEIGHTS).stat().st_size < 0.6 * (model / WEIGHTS).stat().st_size
    monkeypatch.setattr(whisper, "quantized", lambda folder: folder)
    assert copied == recognizer(model).transcribe(samples, None)
    assert copied.text


@pytest.mark.models
def test_a_damaged_copy_is_thrown_away_and_the_original_loaded(model: Path, cache: Path) -> None:
    copy = quantized(model)
    (copy / WEIGHTS).write_bytes((copy / WEIGHTS).read_bytes()[:1_000_000])
    recognizer(model)
    assert not copy.exists()


@pytest.mark.models
def test_another_model_takes_the_place_of_the_copy(model: Path, cache: Path) -> None:
    first = quantized(model)
    assert quantized(model) == first
    (model / WEIGHTS).touch()
    second = quantized(model)
    assert copies(cache) == [second] and second != first


def test_what_is_no_model_is_left_alone(tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / WEIGHTS).write_bytes(np.arange(1000).tobytes())
    assert quantized(folder) == folder
    assert copies(cache) == []
    with pytest.raises(ModelError, match="cannot be loaded"):
        recognizer(folder)


@pytest.mark.models
def test_without_a_place_to_write_the_original_is_loaded(model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert quantized(model, tmp_path / "file") == model
