"""What frozen encoders make of a sample: the input of a small classifier. One encoder a channel."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from assistant.config import Config
from assistant.emotion.text_features import text_features
from assistant.emotion.voice_features import voice_features
from assistant.errors import ConfigError
from assistant.models.store import ModelStore
from assistant.vision.preprocess import resize
from export.train.augment import vary_audio, vary_image, vary_text
from export.train.folders import Sample
from export.train.media import SAMPLE_RATE_HZ, picture, recording

Vector = npt.NDArray[np.float32]
Encoder = Callable[[Sample, np.random.Generator | None], "Vector | None"]
"""(sample, rng or None) → features, None where the sample says nothing to this channel. With `rng`, of a variation."""


def encoder(channel: str, store: ModelStore) -> Encoder:
    """The encoder of "voice", "text" or "image". Raises `ConfigError` for another, `ModelMissingError` for "image"
    without its network."""
    if channel == "voice":
        return _voice
    if channel == "text":
        return _text
    if channel == "image":
        return _image(store)
    raise ConfigError(f"There is no encoder for '{channel}'.", remedy="Use voice, text or image.")


def _voice(sample: Sample, rng: np.random.Generator | None) -> Vector | None:
    if sample.audio is None:
        return None
    samples = recording(sample.audio)
    found = voice_features(samples if rng is None else vary_audio(samples, SAMPLE_RATE_HZ, rng), SAMPLE_RATE_HZ)
    return None if found is None else found[0]


def _text(sample: Sample, rng: np.random.Generator | None) -> Vector | None:
    if sample.text is None:
        return None
    vector = text_features(sample.text if rng is None else vary_text(sample.text, rng))
    return vector if vector.any() else None


def _image(store: ModelStore) -> Encoder:
    from assistant.inference.onnxruntime_session import OnnxRuntimeSession

    path = store.file("efficientnet-lite0", "efficientnet-lite0.onnx")
    session = OnnxRuntimeSession(path, threads=Config().vision.threads)
    name = session.inputs[0].name

    def encode(sample: Sample, rng: np.random.Generator | None) -> Vector | None:
        if sample.image is None:
            return None
        pixels = picture(sample.image)
        scaled = (resize(pixels if rng is None else vary_image(pixels, rng), 224, 224).astype(np.float32) - 127) / 128
        answers = session.run({name: scaled.transpose(2, 0, 1)[np.newaxis]})
        return np.asarray(answers["embedding"][0], np.float32)

    return encode
