"""Image encoders: EfficientNet-Lite0 with its real weights, and two yardsticks that everybody knows the size of.

The yardsticks (ViT-B/16, MobileNetV3-Large) have seeded random weights: their speed, size and numerical parity mean
something, their answers do not. Put trained weights in their place with `assistant-export import`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnx

from assistant.events import ImageArray
from assistant.models.store import ModelStore
from assistant.vision.preprocess import resize
from export.onnx_file import write_onnx
from export.onnx_from_mobilenet import mobilenet_v3_large
from export.onnx_from_store import export_static, stored_card, stored_files, stored_network
from export.onnx_from_vit import VitShape, random_weights, vit
from export.recipe import Agreement, Card, Feeds, Recipe, no_files, tolerances, yardstick_card
from export.samples import picture_samples
from export.task_metrics import top_1_agreement

_SIDE_PX = 224
_SEED = 0


def _prepare(name: str, offset: float, scale: float) -> Callable[[ImageArray], Feeds]:
    """(x - offset) / scale of the 0…255 values, NCHW."""

    def prepare(picture: ImageArray) -> Feeds:
        values = (resize(picture, _SIDE_PX, _SIDE_PX).astype(np.float32) - np.float32(offset)) / np.float32(scale)
        return {name: np.ascontiguousarray(values.transpose(2, 0, 1))[np.newaxis]}

    return prepare


EFFICIENTNET = Recipe(
    name="image-encoder",
    file=Path(__file__),
    card=stored_card("efficientnet-lite0", labels_output="logits"),
    sources=stored_files(("efficientnet-lite0", "efficientnet-lite0.onnx")),
    export=export_static(),
    medium="pictures",
    sample_models=("sample-pictures",),
    samples=picture_samples(_prepare("image", 127.0, 128.0)),
    tolerances=tolerances("logits", "embedding", fp16=(0.999, 0.05), int8=(0.95, 0.3)),
    agreement=Agreement("top-1 agreement", top_1_agreement("logits"), minimum=0.7),
    reference=stored_network,
)


def _yardstick(
    name: str,
    title: str,
    paper: str,
    source: str,
    build: Callable[[], onnx.ModelProto],
    int8_ort: tuple[float, float] = (0.99, 0.3),
) -> Recipe:
    def card(_store: ModelStore) -> Card:
        preprocessing = {"resize": "stretch", "scale": "(x - 127.5) / 127.5"}
        return yardstick_card(title, "image-encoding", paper, "answers", preprocessing=preprocessing)

    def export(_sources: Sequence[Path], target: Path) -> None:
        write_onnx(build(), target)

    return Recipe(
        name=name,
        file=Path(__file__),
        card=card,
        sources=no_files,
        export=export,
        medium="pictures",
        sample_models=("sample-pictures",),
        samples=picture_samples(_prepare(source, 127.5, 127.5), views=1),
        # Random weights hardly tell classes apart, so which one is first is no measure.
        tolerances=tolerances("logits", fp16=(0.999, 0.05), int8=(0.99, 0.3), int8_ort=int8_ort),
    )


VIT = _yardstick(
    "image-encoder-vit",
    "ViT-B/16, 224 px",
    "Dosovitskiy et al. 2020",
    "pixel_values",
    lambda: vit(random_weights(VitShape(), _SEED), VitShape()),
    int8_ort=(0.999, 0.3),  # fast enough that a few layers may stay in FP32 for it
)
MOBILENET = _yardstick(
    "image-encoder-mobilenet",
    "MobileNetV3-Large, 224 px",
    "Howard et al. 2019",
    "image",
    lambda: mobilenet_v3_large(_SEED),
)
