"""Facial expressions, seven classes (model `face-emotion`), for four gray 64 px views of one face at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from assistant.emotion.face_crop import views
from assistant.events import Box, Face, VideoFrame
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from assistant.vision.blazeface import BlazeFaceDetector
from export.onnx_from_store import export_static, stored_card, stored_files, stored_network
from export.recipe import Agreement, Feeds, Purpose, Recipe, SampleTools, tolerances
from export.samples import picture_views
from export.task_metrics import top_1_agreement

_VIEWS = 4
"""Of one face, which the assistant asks about together."""
_FACE_FINDERS = (("blazeface", "blazeface.onnx"), ("facemesh", "facemesh.onnx"))


def _samples(path: Path, purpose: Purpose, tools: SampleTools) -> Iterator[Feeds]:
    """The surest face of the picture and of crops of it; the middle where there is none, for its shades of gray."""
    detector = _detector(*(tools.store.file(model, name) for model, name in _FACE_FINDERS))
    for picture in picture_views(path, purpose, views=3):
        faces = detector.detect(VideoFrame(0.0, picture))
        face = faces[0] if faces else Face(Box(0.3, 0.3, 0.7, 0.7), 1.0)
        crops = views(picture, face)
        yield {"input_1:0": ((crops - 0.5) * 2.0)[..., np.newaxis].astype(np.float32)}


@cache
def _detector(blazeface: Path, facemesh: Path) -> BlazeFaceDetector:
    """The networks as they came: an installed engine of BlazeFace would make other samples of the same pictures."""
    return BlazeFaceDetector(OnnxRuntimeSession(blazeface), OnnxRuntimeSession(facemesh))


RECIPE = Recipe(
    name="face-emotion",
    file=Path(__file__),
    card=stored_card("face-emotion", labels_output="Identity:0"),
    sources=stored_files(("face-emotion", "emotion.onnx")),
    export=export_static({"N": _VIEWS}),
    medium="pictures",
    sample_models=("sample-pictures",),
    samples=_samples,
    sample_networks=stored_files(*_FACE_FINDERS),
    tolerances=tolerances("Identity:0", int8=(0.97, 0.3)),
    agreement=Agreement("top-1 agreement", top_1_agreement("Identity:0"), minimum=0.9),
    reference=stored_network,
)
