"""A Whisper model's weights as the recogniser computes with them.

Models come as float16, and CTranslate2 would quantize them anew at every start: three times the time, twice the
reading, 100 MB more for the moment. So they are quantized once, the way it does it, into the user's cache.
"""

from __future__ import annotations

import logging
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import platformdirs

_LOG = logging.getLogger(__name__)

WEIGHTS = "model.bin"
_BINARY_VERSION = 6
_INT8, _FLOAT32, _FLOAT16 = 1, 0, 4
"""Types of variables: https://github.com/OpenNMT/CTranslate2/blob/v4.4.0/python/ctranslate2/specs/model_spec.py"""
_ROWS = 4096
"""Rows that are quantized at a time, to need little memory."""


def quantized(folder: Path, cache: Path | None = None) -> Path:
    """The folder to load the model in `folder` from: a copy with int8 weights, or `folder` itself where no copy can be
    made or none is needed. `cache` keeps the copies, None for the user's own."""
    source = folder / WEIGHTS
    copies = (cache or platformdirs.user_cache_path("edge-assistant") / "recogniser") / folder.name
    try:
        status = source.stat()
        copy = copies / f"{status.st_size:x}-{status.st_mtime_ns:x}"
        if not copy.exists():
            discard(copies)  # those of an older model
            _make(folder, copy)
    except (OSError, ValueError, struct.error) as error:
        _LOG.info("The recogniser's model is quantized at every start: %s", error)
        return folder
    return copy


def discard(copy: Path) -> None:
    """Remove a copy that turned out to be of no use."""
    shutil.rmtree(copy, ignore_errors=True)


def _make(folder: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=copy.parent, prefix=".", suffix=".part"))
    try:
        for path in folder.iterdir():
            if path.name != WEIGHTS:
                (scratch / path.name).symlink_to(path.resolve())
        with (folder / WEIGHTS).open("rb") as source, (scratch / WEIGHTS).open("wb") as target:
            _quantize(source, target)
            target.flush()
            os.fsync(target.fileno())
        scratch.replace(copy)
    finally:
        discard(scratch)


def _quantize(source: BinaryIO, target: BinaryIO) -> None:
    """Copy a file of CTranslate2's, its weights quantized. Raises `ValueError` for one that is not understood."""
    version, *_ = _unpack(source, "I")
    if version != _BINARY_VERSION:
        raise ValueError(f"its file has the version {version} instead of {_BINARY_VERSION}")
    target.write(struct.pack("<I", version) + _string(source) + source.read(4))
    (count,) = _unpack(source, "I")
    count_at = target.tell()
    target.write(struct.pack("<I", count))
    written = 0
    for _ in range(count):
        name, shape, kind, data = _variable(source)
        for variable in _converted(name, shape, kind, data):
            target.write(variable)
            written += 1
    shutil.copyfileobj(source, target)  # which names stand for the same weights
    target.seek(count_at)
    target.write(struct.pack("<I", written))


def _variable(source: BinaryIO) -> tuple[bytes, tuple[int, ...], int, bytes]:
    name = _string(source)
    (rank,) = _unpack(source, "B")
    shape = _unpack(source, f"{rank}I")
    kind, size = _unpack(source, "BI")
    data = source.read(size)
    if len(data) < size:
        raise ValueError("its file is incomplete")
    return name, shape, kind, data


def _converted(name: bytes, shape: tuple[int, ...], kind: int, data: bytes) -> Iterator[bytes]:
    """The variables that one becomes: weights and their scales, or what it was. Convolutions compute in floats."""
    is_matrix = name.endswith(b"/weight\0") and len(shape) == 2 and kind in (_FLOAT16, _FLOAT32)
    if not is_matrix:
        yield _packed(name, shape, kind, data)
        return
    weights = np.frombuffer(data, np.float16 if kind == _FLOAT16 else np.float32).reshape(shape)
    scales = np.empty(shape[0], np.float32)
    rounded = np.empty(shape, np.int8)
    for start in range(0, shape[0], _ROWS):
        rows = slice(start, start + _ROWS)
        rounded[rows], scales[rows] = _rounded(weights[rows].astype(np.float32))
    yield _packed(name, shape, _INT8, rounded.tobytes())
    scale_name = name[2:-1] + b"_scale\0"
    yield _packed(struct.pack("<H", len(scale_name)) + scale_name, scales.shape, _FLOAT32, scales.tobytes())


def _rounded(rows: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """Rows (n, m) as whole numbers from -127 to 127, and the factor (n,) that each was multiplied by."""
    largest = np.abs(rows).max(axis=1)
    scales = np.float32(127.0) / np.where(largest == 0, np.float32(127.0), largest)
    return np.rint(rows * scales[:, None]).astype(np.int8), scales


def _packed(name: bytes, shape: tuple[int, ...], kind: int, data: bytes) -> bytes:
    return name + struct.pack(f"<B{len(shape)}IBI", len(shape), *shape, kind, len(data)) + data


def _string(source: BinaryIO) -> bytes:
    """A string as it stands in the file: its length, and its text with a null byte."""
    (length,) = _unpack(source, "H")
    return struct.pack("<H", length) + source.read(length)


def _unpack(source: BinaryIO, layout: str) -> tuple[int, ...]:
    return struct.unpack(f"<{layout}", source.read(struct.calcsize(f"<{layout}")))
