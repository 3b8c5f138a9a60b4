"""Samples' recordings and pictures, read one by one; a broken file is named and left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from assistant.audio.files import read_audio
from assistant.errors import MediaError
from assistant.events import AudioArray, ImageArray
from assistant.vision.pictures import read_picture
from export.train.folders import Sample

SAMPLE_RATE_HZ = 16_000
_MOST_BROKEN = 0.2
T = TypeVar("T")


def recording(path: Path) -> AudioArray:
    """float32 mono at 16 kHz. Raises `MediaError`."""
    return read_audio(path, SAMPLE_RATE_HZ)


def picture(path: Path) -> ImageArray:
    """uint8 (H, W, 3) RGB. Raises `MediaError`."""
    return read_picture(path)


def each_readable(
    samples: Sequence[Sample], work: Callable[[Sample], T], tell: Callable[[str], None]
) -> tuple[list[Sample], list[T]]:
    """`work` of every sample whose files can be read. Each broken one is told.

    Raises `MediaError` when more than a fifth are broken: then it is not the files but the folder.
    """
    kept: list[Sample] = []
    results: list[T] = []
    broken: list[str] = []
    for sample in samples:
        try:
            results.append(work(sample))
        except MediaError as error:
            broken.append(error.message)
            tell(f"left out: {error.message}")
        else:
            kept.append(sample)
    if len(broken) > _MOST_BROKEN * len(samples):
        raise MediaError(
            f"{len(broken)} of {len(samples)} samples cannot be read. The first: {broken[0]}",
            remedy="Mend or remove them; up to a fifth may be broken.",
        )
    return kept, results
