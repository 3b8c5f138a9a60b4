"""A trained classifier of one channel's features, as `assistant-export train classifier` and `build` make it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assistant.emotion.affect import Distribution, distribution, entropy_bits
from assistant.errors import ModelError
from assistant.events import EMOTION_LABELS
from assistant.inference.bundle import Bundle
from assistant.inference.loader import SessionOptions, open_session
from assistant.kept import KEPT, file_identity
from assistant.models.manifest import MANIFEST_FILE, load_manifest

_LABELS: tuple[str, ...] = EMOTION_LABELS


class ClassifierNetwork:
    """`features`, float32 (1, f) → `probabilities` of the classes that it was trained on."""

    def __init__(self, folder: Path, channel: str, features: int) -> None:
        """Open a bundle, or the recipe's folder that it is built from; `channel` is whose features they are. Raises
        `ModelError` for anything else, for a network of other features, and for labels that are no emotions."""
        recipe = (folder / MANIFEST_FILE).is_file()
        labels = load_manifest(folder / MANIFEST_FILE).labels if recipe else Bundle.open(folder).manifest.labels
        path = folder / "model.onnx" if recipe else folder
        self._session = KEPT.get(
            f"emotion by {channel}",
            (path, file_identity(path)),
            lambda: open_session(path, SessionOptions(backend="onnxruntime", keep_memory=True)),
        )
        spec = self._session.inputs[0]
        unknown = [label for label in labels if label not in _LABELS]
        if spec.name != "features" or spec.shape[-1] != features or unknown or not labels:
            raise ModelError(
                f"{folder} is no classifier of this channel: expected features (1, {features}) and emotions as "
                f"labels, got {spec.name} {spec.shape} and {', '.join(unknown or labels) or 'no labels'}.",
                remedy="Train one with: assistant-export train classifier",
            )
        self._places = [_LABELS.index(label) for label in labels]

    def classify(self, features: npt.NDArray[np.float32]) -> tuple[Distribution, float]:
        """Distribution over all emotions, and how decided it is, 0 to 1."""
        said = self._session.run({"features": features[np.newaxis]})["probabilities"][0].astype(np.float64)
        scores = np.zeros(len(_LABELS))
        scores[self._places] = said
        decided = 1.0 - entropy_bits(said) / math.log2(max(2, len(said)))
        return distribution(scores), max(0.0, decided)
