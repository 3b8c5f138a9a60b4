"""Kokoro, where what its network computes is no sound."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.config import Config
from assistant.errors import StageError
from assistant.models.store import ModelStore
from assistant.ports import SpeakingStyle
from assistant.tts.kokoro import KokoroSynthesizer


class Overflowing:
    """A network's session on a processor for which the runtime's kernels are broken."""

    def run(self, *_: object) -> list[np.ndarray]:
        return [np.array([[0.1, np.inf, np.nan]], np.float32)]


@pytest.mark.models
def test_a_broken_runtime_is_named_and_not_heard_as_silence(
    model_store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = KokoroSynthesizer.create(Config(), model_store)
    monkeypatch.setattr(voice, "_session", Overflowing())
    with pytest.raises(StageError, match="onnxruntime") as caught:
        list(voice.synthesize("你好。", "zh", SpeakingStyle()))
    assert caught.value.remedy
