"""Fusions that are trained networks: an attention head over one token a channel, and a plain concatenation.

Both take `tokens`, float32 (n, c, 10), and `mask`, float32 (n, c), and give `probabilities`, float32 (n, 7). A token is
the centred logarithms of the seven probabilities, the confidence, 0.5^half-lives, and whether it is present; the token
of a channel that is not is all zeros.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from assistant.config import Config
from assistant.errors import ConfigError, ModelError
from assistant.events import EMOTION_LABELS
from assistant.kept import KEPT, file_identity
from assistant.ports import EmotionEvidence, InferenceSession, PooledEmotion

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

CHANNELS = ("face", "voice", "text")
"""Order of the tokens."""
FEATURES = len(EMOTION_LABELS) + 3
_FLOOR = 1e-4

FloatArray = npt.NDArray[np.float32]


def tokens(evidence: EmotionEvidence) -> tuple[FloatArray, FloatArray]:
    """The networks' inputs: tokens, float32 (n, c, 10), and mask, float32 (n, c)."""
    logs = np.log(np.maximum(evidence.probabilities, _FLOOR))
    found = np.empty((*evidence.present.shape, FEATURES), np.float32)
    found[..., : len(EMOTION_LABELS)] = logs - logs.mean(axis=-1, keepdims=True)
    found[..., -3] = evidence.confidence
    found[..., -2] = 0.5**evidence.half_lives
    found[..., -1] = 1.0
    found[~evidence.present] = 0.0  # not a product: what is not present may be anything, even no number
    return found, evidence.present.astype(np.float32)


class NetworkFusion:
    """A trained head. How much a channel counted is how much the answer would change without it."""

    name = "network"
    channels = CHANNELS

    def __init__(self, session: InferenceSession) -> None:
        """Raises `ModelError` for a network with other inputs or outputs."""
        got = [spec.name for spec in (*session.inputs, *session.outputs)]
        if got[:3] != ["tokens", "mask", "probabilities"] or session.inputs[0].shape[1:] != (len(CHANNELS), FEATURES):
            raise ModelError(
                f"The network of the fusion '{self.name}' should take tokens (n, {len(CHANNELS)}, {FEATURES}) and mask "
                f"(n, {len(CHANNELS)}) and give probabilities; it has {', '.join(got)} with "
                f"{session.inputs[0].shape}.",
                remedy=f"Train one with: assistant-export train fusion --head {self.name}",
            )
        self._session = session
        self._one_by_one = session.inputs[0].shape[0] == 1

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> NetworkFusion:
        """Raises `ConfigError` without `emotion.fusion_model` and `ModelError` when it cannot be opened."""
        from assistant.inference.loader import SessionOptions, open_session

        del models
        path = config.emotion.fusion_model
        train = f"assistant-export train fusion --head {cls.name}"
        if path is None:
            raise ConfigError(
                f"emotion.fusion is '{cls.name}', a network that you train, and emotion.fusion_model is not set.",
                remedy=f"Train it with '{train}' and set emotion.fusion_model to what it wrote.",
            )
        if not path.exists():
            raise ConfigError(f"There is no {path}, which emotion.fusion_model names.", remedy=f"Train it: {train}")
        options = SessionOptions(backend="onnxruntime", keep_memory=True)
        return cls(KEPT.get("emotion fusion", (path, file_identity(path)), lambda: open_session(path, options)))

    def pool(self, evidence: EmotionEvidence) -> PooledEmotion:
        """See `assistant.ports.EmotionFusionHead`."""
        features, mask = tokens(evidence)
        n = len(mask)
        # In one batch: every moment, and those that have several channels once more without each of them.
        moments, channels = np.nonzero(mask * (mask.sum(axis=1, keepdims=True) > 1.0))
        left_out = n + np.arange(len(moments)), channels
        features, masks = np.concatenate([features, features[moments]]), np.concatenate([mask, mask[moments]])
        features[left_out] = masks[left_out] = 0.0
        answers = self._run(features, masks)
        weights = mask.astype(np.float64)
        weights[moments, channels] = 0.5 * np.abs(answers[moments] - answers[n:]).sum(axis=1) + 1e-9
        weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)
        return PooledEmotion(answers[:n], weights)

    def _run(self, features: FloatArray, mask: FloatArray) -> npt.NDArray[np.float64]:
        # A bundle has its sizes fixed for TensorRT, so that each moment is a call.
        batches = range(len(mask)) if self._one_by_one else [slice(None)]
        parts = []
        for rows in batches:
            part = slice(rows, rows + 1) if isinstance(rows, int) else rows
            parts.append(
                self._session.run({"tokens": features[part], "mask": mask[part]})["probabilities"].astype(np.float64)
            )
        probabilities = np.concatenate(parts)
        return np.asarray(probabilities / probabilities.sum(axis=-1, keepdims=True))


class AttentionFusion(NetworkFusion):
    """Channels attend to each other; what is masked cannot be attended to."""

    name = "attention"


class ConcatenationFusion(NetworkFusion):
    """All tokens side by side into one small perceptron: the usual baseline."""

    name = "concatenation"
