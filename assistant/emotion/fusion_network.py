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
    logs -= logs.mean(axis=-1, keepdims=True)
    present = evidence.present[..., None]
    extra = np.stack([evidence.confidence, 0.5**evidence.half_lives, evidence.present], axis=-1)
    return (
        np.asarray(np.where(present, np.concatenate([logs, extra], axis=-1), 0.0), np.float32),
        evidence.present.astype(np.float32),
    )


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
        return cls(open_session(path, SessionOptions(backend="onnxruntime", keep_memory=True)))

    def pool(self, evidence: EmotionEvidence) -> PooledEmotion:
        """See `assistant.ports.EmotionFusionHead`."""
        features, mask = tokens(evidence)
        n, c = mask.shape
        # The whole, and once without each channel, in one batch.
        kept = np.concatenate([np.ones((1, c), np.float32), 1.0 - np.eye(c, dtype=np.float32)])
        masks = (kept[:, None] * mask).reshape(-1, c)
        answers = self._run((kept[:, None, :, None] * features).reshape(-1, c, FEATURES), masks)
        answers = answers.reshape(c + 1, n, -1)
        change = 0.5 * np.abs(answers[0] - answers[1:]).sum(axis=-1).T * mask + 1e-9 * mask
        weights = change / np.maximum(change.sum(axis=1, keepdims=True), 1e-12)
        return PooledEmotion(answers[0], weights)

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
