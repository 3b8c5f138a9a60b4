"""Printed Chinese and English, by PP-OCR through RapidOCR, whose wheel carries the networks (extra `ocr`).

https://github.com/RapidAI/RapidOCR; code and networks are under Apache-2.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rapidocr import RapidOCR

from assistant.config import Config
from assistant.errors import ModelError
from assistant.events import VideoFrame
from assistant.ports import TextLine
from assistant.vision.preprocess import moderate, to_box

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

_LEAST_SIDE_PX = 24
"""RapidOCR fails on a strip that it rounds to nothing."""
_MOST_SIDE_PX = 1280
_LEAST_CONFIDENCE = {1: 0.95, 4: 0.85}
"""By the most characters of a line. It takes a ring of coffee for an 8 (0.9) and a cornice for AAA (0.6)."""
_LEAST_CONFIDENCE_LONGER = 0.7


class RapidOcrReader:
    """The reader. It loads its networks, some 150 MB, for the first picture and keeps them."""

    languages = frozenset({"en", "zh"})

    def __init__(self, *, threads: int) -> None:
        self._networks: Any = None
        self._options = {
            "Global.log_level": "critical",  # what somebody has read to them is nobody else's business
            "Global.text_score": _LEAST_CONFIDENCE_LONGER,
            "Det.limit_type": "max",
            "Det.limit_side_len": _MOST_SIDE_PX,
            "EngineConfig.onnxruntime.intra_op_num_threads": threads,
            "EngineConfig.onnxruntime.inter_op_num_threads": 1,
        }

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> RapidOcrReader:
        """Needs no model of the store."""
        return cls(threads=config.vision.threads)

    def read(self, frame: VideoFrame) -> list[TextLine]:
        """The lines that are likely enough for their length. Raises `ModelError`."""
        pixels = moderate(frame.pixels)
        height, width = pixels.shape[:2]
        if min(height, width) < _LEAST_SIDE_PX:
            return []
        try:
            if self._networks is None:
                self._networks = RapidOCR(params=self._options)
            found = self._networks(np.ascontiguousarray(pixels[:, :, ::-1]))
        except Exception as error:  # whatever a library raises, nothing was read
            raise ModelError(
                f"RapidOCR could not read {frame.source or 'the picture'}: {error!r}.",
                remedy="If it fails on every picture, install it anew. In the clone of this project: "
                ".venv/bin/pip install --force-reinstall rapidocr; for the service: sudo ./install.sh",
            ) from error
        if found.boxes is None:
            return []
        lines = []
        for text, confidence, corners in zip(found.txts, found.scores, found.boxes, strict=True):
            low, high = corners.min(axis=0), corners.max(axis=0)
            box = to_box(low[0] / width, low[1] / height, high[0] / width, high[1] / height)
            lines.append(TextLine(text.strip(), float(confidence), box))
        return [line for line in lines if _is_likely(line)]


def _is_likely(line: TextLine) -> bool:
    """Whether it can be believed; the shorter, the surer it must be."""
    length = sum(character.isalnum() for character in line.text)
    least = next((value for most, value in _LEAST_CONFIDENCE.items() if length <= most), _LEAST_CONFIDENCE_LONGER)
    return length > 0 and line.confidence >= least
