"""Faces, by BlazeFace, each confirmed by the face mesh network (models `blazeface`, `facemesh`).

BlazeFace alone sees faces in cats, flowers and coffee cups; the mesh network's flag tells them apart.
Paper: https://arxiv.org/abs/1907.05047
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from assistant.config import Config
from assistant.events import Face, ImageArray, VideoFrame
from assistant.inference.engines import ENGINES
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from assistant.kept import KEPT, file_identity
from assistant.ports import InferenceSession
from assistant.vision.preprocess import letterbox, non_maximum_suppression, square_crop, to_box

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

_SIDE_PX = 256
_ANCHORS = ((16, 2), (32, 6))
"""Stride in pixels and anchors a cell, in the order of the network's outputs."""
_SCORES = ("Identity:0", "Identity_1:0")
_BOXES = ("Identity_2:0", "Identity_3:0")
_MIN_SCORE = 0.3
_MAX_OVERLAP = 0.1
_MOST_FACES = 10

_MESH_SIDE_PX = 192
_MESH_CROP_SCALE = 1.5
_MESH_FLAG = "output_faceflag"
_MIN_FLAG = 0.9


class BlazeFaceDetector:
    """The face detector. A face's confidence is the product of what the two networks say."""

    def __init__(self, detector: InferenceSession, mesh: InferenceSession) -> None:
        self._detector = detector
        self._mesh = mesh
        self._detector_input = detector.inputs[0].name
        self._mesh_input = mesh.inputs[0].name
        self._anchors = _anchor_centers()

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> BlazeFaceDetector:
        """Raises `ModelMissingError` when `blazeface` or `facemesh` has not been pulled."""
        threads, mesh = config.vision.threads, models.file("facemesh", "facemesh.onnx")
        return cls(
            ENGINES.open(
                config.inference, "face-detector", models.file("blazeface", "blazeface.onnx"), threads=threads
            ),
            KEPT.get(
                "face-mesh", (mesh, file_identity(mesh), threads), lambda: OnnxRuntimeSession(mesh, threads=threads)
            ),
        )

    def detect(self, frame: VideoFrame) -> list[Face]:
        """Confirmed faces by falling confidence."""
        faces = []
        for candidate in self._candidates(frame.pixels):
            flag = self._flag(frame.pixels, candidate)
            if flag > _MIN_FLAG:
                faces.append(Face(candidate.box, candidate.confidence * flag, candidate.keypoints))
        return sorted(faces, key=lambda face: -face.confidence)

    def _candidates(self, pixels: ImageArray) -> list[Face]:
        square = letterbox(pixels, _SIDE_PX)
        picture = square.pixels.astype(np.float32)[np.newaxis] / 127.5 - 1.0
        outputs = self._detector.run({self._detector_input: picture})
        logits = np.concatenate([outputs[name][0, :, 0] for name in _SCORES])
        values = np.concatenate([outputs[name][0] for name in _BOXES])
        scores = 1.0 / (1.0 + np.exp(-np.clip(logits, -80.0, 80.0)))
        likely = scores > _MIN_SCORE
        scores, values, anchors = scores[likely], values[likely], self._anchors[likely]
        centers, halves = values[:, :2] + anchors, values[:, 2:4] / 2
        boxes = np.concatenate([centers - halves, centers + halves], axis=1)
        points = values[:, 4:].reshape(-1, 6, 2) + anchors[:, np.newaxis]
        kept = non_maximum_suppression(boxes, scores, max_overlap=_MAX_OVERLAP)[:_MOST_FACES]
        corners = square.to_fractions(boxes.reshape(-1, 2, 2)).reshape(-1, 4)
        keypoints = square.to_fractions(points)
        return [
            Face(
                to_box(*corners[index]), float(scores[index]), tuple((float(x), float(y)) for x, y in keypoints[index])
            )
            for index in kept
        ]

    def _flag(self, pixels: ImageArray, candidate: Face) -> float:
        """The mesh network's probability that there is a face."""
        crop = square_crop(pixels, candidate.box, _MESH_SIDE_PX, scale=_MESH_CROP_SCALE)
        picture = crop.astype(np.float32)[np.newaxis] / 255.0
        return float(self._mesh.run({self._mesh_input: picture})[_MESH_FLAG].item())


def _anchor_centers() -> npt.NDArray[np.floating[Any]]:
    """(896, 2) x, y in pixels: the middle of every cell, once per anchor."""
    layers = []
    for stride, count in _ANCHORS:
        centers = (np.arange(_SIDE_PX // stride) + 0.5) * stride
        rows, columns = np.meshgrid(centers, centers, indexing="ij")
        layers.append(np.repeat(np.stack([columns.ravel(), rows.ravel()], axis=1), count, axis=0))
    return np.concatenate(layers)
