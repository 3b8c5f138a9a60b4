"""The Chinese voice's networks against what TensorFlow Lite itself computed. See export/golden/README.md."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from assistant.models.store import ModelStore
from export.golden.inputs import GOLDEN_TOKENS

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    """Under "mel" (80, frames), under "audio" the first samples of it."""
    return dict(np.load(Path(__file__).parent / "golden" / "fastspeech2-zh.npz"))


def agreement_db(found: np.ndarray, wanted: np.ndarray) -> float:
    assert found.shape == wanted.shape
    return float(20 * np.log10(np.std(wanted) / np.std(found - wanted)))


def test_phones_become_the_same_spectrum(model_store: ModelStore, golden: dict[str, np.ndarray]) -> None:
    network = OnnxRuntimeSession(model_store.file("fastspeech2-zh", "fastspeech2.onnx"))
    tokens = np.array([GOLDEN_TOKENS], np.int32)
    mel = network.run({"tokens": tokens, "length_scale": np.array(1, np.float32)})["mel"][0]
    # Both round to 8 bits before they multiply, though not the same way.
    assert agreement_db(mel, golden["mel"].astype(np.float32)) > 20


def test_a_spectrum_becomes_the_same_sound(model_store: ModelStore, golden: dict[str, np.ndarray]) -> None:
    network = OnnxRuntimeSession(model_store.file("fastspeech2-zh", "melgan.onnx"))
    audio = network.run({"mel": golden["mel"].astype(np.float32)[None]})["audio"][: len(golden["audio"])]
    # TensorFlow Lite rounds the four bands to 8 bits before it joins them.
    assert agreement_db(audio, golden["audio"] / 32767) > 20
