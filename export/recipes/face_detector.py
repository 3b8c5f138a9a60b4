"""Faces, by BlazeFace (model `blazeface`), for 256 px RGB pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assistant.events import ImageArray
from assistant.vision.preprocess import letterbox
from export.onnx_from_store import export_static, stored_card, stored_files, stored_network
from export.recipe import Agreement, Array, Feeds, Outputs, Recipe, tolerances
from export.samples import picture_samples
from export.task_metrics import box_agreement

_SIDE_PX = 256
_SCORES = ("Identity:0", "Identity_1:0")
_BOXES = ("Identity_2:0", "Identity_3:0")
_SURE, _POSSIBLE = 0.5, 0.35


def _prepare(picture: ImageArray) -> Feeds:
    return {"input:0": letterbox(picture, _SIDE_PX).pixels.astype(np.float32)[np.newaxis] / 127.5 - 1.0}


def _candidates(outputs: Outputs) -> tuple[Array, Array, Array]:
    """Corners relative to each one's own anchor, scores, and the anchor's number: boxes of one anchor compare as they
    are, without its place in the picture."""
    logits = np.concatenate([outputs[name][0, :, 0] for name in _SCORES]).astype(np.float64)
    values = np.concatenate([outputs[name][0, :, :4] for name in _BOXES]).astype(np.float64)
    corners = np.concatenate([values[:, :2] - values[:, 2:] / 2, values[:, :2] + values[:, 2:] / 2], axis=1)
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits, -80.0, 80.0)))
    return corners, scores, np.arange(len(scores))


def _agreement(reference: Outputs, variant: Outputs) -> float:
    return box_agreement(_candidates(reference), _candidates(variant), sure=_SURE, possible=_POSSIBLE)


RECIPE = Recipe(
    name="face-detector",
    file=Path(__file__),
    card=stored_card("blazeface"),
    sources=stored_files(("blazeface", "blazeface.onnx")),
    export=export_static(),
    medium="pictures",
    sample_models=("sample-pictures",),
    samples=picture_samples(_prepare),
    tolerances=tolerances(*_SCORES, *_BOXES, int8=(0.98, 0.3)),
    agreement=Agreement("candidate agreement", _agreement, minimum=0.9),
    reference=stored_network,
)
