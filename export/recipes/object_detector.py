"""Objects of the 80 COCO classes, by CenterNet on MobileNetV3 (model `centernet`), for 512 px RGB pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assistant.events import ImageArray
from assistant.vision.preprocess import resize
from export.onnx_from_store import export_static, stored_card, stored_files, stored_network
from export.recipe import Agreement, Array, Feeds, Outputs, Recipe, tolerances
from export.samples import picture_samples
from export.task_metrics import box_agreement

_SIDE_PX = 512
_DETECTIONS = "tower_0/detections"
_SURE, _POSSIBLE = 0.45, 0.35
"""Scores from which a box counts, and from which it may confirm one: near one threshold, boxes would flicker."""


def _prepare(picture: ImageArray) -> Feeds:
    return {"tower_0/images": resize(picture, _SIDE_PX, _SIDE_PX).astype(np.float32)[np.newaxis]}


def _boxes(outputs: Outputs) -> tuple[Array, Array, Array]:
    found = outputs[_DETECTIONS][0]
    return found[:, :4], found[:, 4], found[:, 5]


def _agreement(reference: Outputs, variant: Outputs) -> float:
    return box_agreement(_boxes(reference), _boxes(variant), sure=_SURE, possible=_POSSIBLE)


RECIPE = Recipe(
    name="object-detector",
    file=Path(__file__),
    card=stored_card("centernet"),
    sources=stored_files(("centernet", "centernet.onnx")),
    export=export_static(),
    medium="pictures",
    sample_models=("sample-pictures",),
    samples=picture_samples(_prepare, views=1),
    # The list of detections is sorted by score: two of nearly equal score may change places, so boxes are compared.
    tolerances=tolerances("tower_0/wh", "tower_0/keypoints", fp16=(0.999, 0.05), int8=(0.97, 0.5)),
    agreement=Agreement("box agreement", _agreement, minimum=0.85),
    reference=stored_network,
)
