"""A picture in, a sentence out: an image-to-text bundle, as `assistant-export` makes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from assistant.config import Config
from assistant.errors import ModelError
from assistant.events import ImageArray
from assistant.inference.bundle import Bundle, BundleManifest
from assistant.inference.engines import default_bundles
from assistant.inference.fallback import Fallback
from assistant.inference.generation import TextGenerator
from assistant.inference.loader import SessionOptions, ignore
from assistant.vision.preprocess import resize

_BUNDLE = "captioner-decoder"
_PIXELS = "pixel_values"


class NeuralWriter:
    """Owns encoder and decoder. Blocking, and not for two threads at once."""

    def __init__(self, generator: TextGenerator, encoder: BundleManifest, beams: int) -> None:
        """`encoder` tells size and scale of the picture. Raises `ModelError` when it wants anything else."""
        self._generator = generator
        self._beams = beams
        self._height_px, self._width_px = _size_px(encoder)
        self._mean = _three(encoder, "image_mean")
        self._deviation = _three(encoder, "image_std")

    @classmethod
    def create(cls, config: Config) -> NeuralWriter:
        """With the bundle that `vision.captioner_bundle` names, else `captioner-decoder` among the bundles. Raises as
        `open` does."""
        bundle = config.vision.captioner_bundle or (config.inference.bundles or default_bundles()) / _BUNDLE
        options = SessionOptions(backend=config.inference.backend, threads=config.vision.threads)
        return cls.open(bundle, options, beams=config.vision.captioner_beams)

    @classmethod
    def open(
        cls,
        decoder: Path,
        options: SessionOptions | None = None,
        *,
        beams: int = 1,
        on_fallback: Callable[[Fallback], None] = ignore,
    ) -> NeuralWriter:
        """The decoder's bundle, with the encoder's beside it. Raises `ModelError` when that is not there, writes no
        text about pictures, or is a yardstick with random weights, which would invent all that it says."""
        if Bundle.open(decoder).manifest.random_weights:
            raise ModelError(
                f"The bundle {decoder} has random weights: its speed means something, its words do not.",
                remedy="Import a trained checkpoint: assistant-export import FOLDER",
            )
        generator = TextGenerator.open(decoder, options, on_fallback=on_fallback)
        try:
            return cls(generator, Bundle.open(decoder.resolve().parent / generator.rules.encoder).manifest, beams)
        except BaseException:
            generator.close()
            raise

    def write(self, pixels: ImageArray) -> str:
        """What the network says of a picture, in its own words. Raises `ModelError`."""
        scaled = resize(pixels, self._width_px, self._height_px).astype(np.float32) / np.float32(255)
        picture = (scaled - self._mean) / self._deviation
        feeds = {_PIXELS: np.ascontiguousarray(picture.transpose(2, 0, 1))[np.newaxis]}
        tokens = self._generator.greedy(feeds) if self._beams == 1 else self._generator.beam(feeds, self._beams)
        return self._generator.text(tokens)

    def close(self) -> None:
        """Free both networks; safe to call twice."""
        self._generator.close()


def _size_px(encoder: BundleManifest) -> tuple[int, int]:
    """Height and width."""
    shape = encoder.inputs[0].shape if len(encoder.inputs) == 1 and encoder.inputs[0].name == _PIXELS else ()
    if len(shape) != 4 or shape[1] != 3 or not all(isinstance(size, int) for size in shape):
        wanted = ", ".join(f"{item.name} {list(item.shape)}" for item in encoder.inputs)
        raise ModelError(
            f"The bundle '{encoder.recipe}' looks at no picture: expected {_PIXELS} [1, 3, height, width], "
            f"got {wanted}.",
            remedy="Give the decoder's bundle of an image captioner.",
        )
    return int(shape[2]), int(shape[3])


def _three(encoder: BundleManifest, key: str) -> Any:
    """Mean or deviation of the colours."""
    preprocessing: Mapping[str, Any] = encoder.preprocessing
    values = preprocessing.get(key)
    if not (isinstance(values, (list, tuple)) and len(values) == 3):
        raise ModelError(
            f"The bundle '{encoder.recipe}' does not say how pictures are scaled: its {key} is {values!r}.",
            remedy="Export it again from a checkpoint folder with preprocessor_config.json.",
        )
    return np.asarray(values, np.float32)
