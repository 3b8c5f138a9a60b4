"""What was found in a picture, drawn onto it."""

from __future__ import annotations

import cv2
import numpy as np

from assistant.events import Box, ImageArray, SceneState
from assistant.vision.things import SURE_CONFIDENCE

_OBJECT_RGB = (64, 200, 96)
_FACE_RGB = (255, 160, 32)
_INK_RGB = (0, 0, 0)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_REFERENCE_SIDE_PX = 640
"""Lines and letters are one size on a picture with this longer side, and grow with it."""


def draw_scene(pixels: ImageArray, scene: SceneState) -> ImageArray:
    """A copy of an RGB picture with boxes, names and confidences; what is doubtful has a question mark. Faces
    have their keypoints."""
    drawn: ImageArray = np.array(pixels, np.uint8, order="C")
    height, width = drawn.shape[:2]
    scale = max(height, width) / _REFERENCE_SIDE_PX
    for item in scene.objects:
        doubt = "" if item.confidence >= SURE_CONFIDENCE else "?"
        _draw_box(drawn, item.box, f"{item.label}{doubt} {item.confidence:.2f}", _OBJECT_RGB, scale)
    for face in scene.faces:
        _draw_box(drawn, face.box, f"face {face.confidence:.2f}", _FACE_RGB, scale)
        for x, y in face.keypoints:
            center = round(x * width), round(y * height)
            cv2.circle(drawn, center, max(1, round(2.5 * scale)), _FACE_RGB, thickness=-1, lineType=cv2.LINE_AA)
    return drawn


def _draw_box(drawn: ImageArray, box: Box, text: str, color: tuple[int, int, int], scale: float) -> None:
    height, width = drawn.shape[:2]
    left, top = round(box.x0 * (width - 1)), round(box.y0 * (height - 1))
    right, bottom = round(box.x1 * (width - 1)), round(box.y1 * (height - 1))
    cv2.rectangle(drawn, (left, top), (right, bottom), color, max(1, round(2 * scale)))
    letters, stroke = 0.5 * scale, max(1, round(scale))
    (text_width, text_height), baseline = cv2.getTextSize(text, _FONT, letters, stroke)
    # The label stands on the box, or inside it where the box touches the picture's upper edge.
    base = max(top, text_height + 2 * baseline)
    left = max(0, min(left, width - text_width))
    cv2.rectangle(drawn, (left, base - text_height - 2 * baseline), (left + text_width, base), color, thickness=-1)
    cv2.putText(drawn, text, (left, base - baseline), _FONT, letters, _INK_RGB, stroke, cv2.LINE_AA)
