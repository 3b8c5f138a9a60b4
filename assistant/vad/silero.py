"""Silero VAD: a small recurrent network that knows speech from noise.

https://github.com/snakers4/silero-vad; the 16 kHz graph takes each block behind the last 64 samples of the one before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from assistant.config import Config
from assistant.events import AudioArray
from assistant.inference.engines import ENGINES
from assistant.ports import InferenceSession, Tensor

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

MODEL = "silero-vad"
FILENAME = "silero_vad_16k_op15.onnx"
CONTEXT_SAMPLES = 64
STATE_SHAPE = (2, 1, 128)


class SileroDetector:
    """Speech probability of 32 ms blocks at 16 kHz."""

    sample_rate_hz = 16000
    frame_samples = 512

    def __init__(self, session: InferenceSession) -> None:
        self._session = session
        self._input = np.zeros((1, CONTEXT_SAMPLES + self.frame_samples), np.float32)
        self._feeds: dict[str, Tensor] = {"input": self._input, "state": np.zeros(STATE_SHAPE, np.float32)}
        if any(spec.name == "sr" for spec in session.inputs):  # the exported network knows only this rate
            self._feeds["sr"] = np.array(self.sample_rate_hz, np.int64)

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> SileroDetector:
        """Load the network. Raises `ModelMissingError` when it has not been pulled."""
        path = models.file(MODEL, FILENAME)
        return cls(ENGINES.open(config.inference, "voice-activity", path, keep_memory=True))

    def probability(self, samples: AudioArray) -> float:
        """Speech probability of the next (512,) block. Raises `ValueError` for a block of another size."""
        if samples.shape != (self.frame_samples,):
            raise ValueError(f"Silero takes blocks of shape ({self.frame_samples},), got {samples.shape}.")
        self._input[0, CONTEXT_SAMPLES:] = samples
        outputs = self._session.run(self._feeds)
        self._feeds["state"] = outputs["stateN"]
        self._input[0, :CONTEXT_SAMPLES] = samples[-CONTEXT_SAMPLES:]
        return float(outputs["output"][0, 0])

    def reset(self) -> None:
        """Forget the stream so far."""
        self._input.fill(0.0)
        self._feeds["state"] = np.zeros(STATE_SHAPE, np.float32)
