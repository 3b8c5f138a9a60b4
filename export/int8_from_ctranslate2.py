"""CTranslate2's weights as int8, as it would compute with them.

Models come as float16, and CTranslate2 would quantize them anew at every start: three times the time, twice the
reading, 100 MB more for the moment. So it is done once, when a model is pulled.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from assistant.errors import ModelError

_BINARY_VERSION = 6
_INT8, _FLOAT32, _FLOAT16 = 1, 0, 4
"""Types of variables: https://github.com/OpenNMT/CTranslate2/blob/v4.4.0/python/ctranslate2/specs/model_spec.py"""
_ROWS = 4096
"""Rows that are quantized at a time, to need little memory."""


def convert_file(source: Path, target: Path) -> None:
    """Write the weights of `source`, a `model.bin`, as int8. Raises `ModelError` for a file that is not understood."""
    try:
        with source.open("rb") as original, target.open("wb") as quantized:
            _quantize(original, quantized)
    except (ValueError, struct.error) as error:
        raise ModelError(
            f"{source.name} cannot be quantized: {error}.",
            remedy=f"Expected a model of CTranslate2 with the version {_BINARY_VERSION} of its file.",
        ) from error


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
    scales = (np.float32(127.0) / np.where(largest == 0, np.float32(127.0), largest)).astype(np.float32, copy=False)
    return np.rint(rows * scales[:, None]).astype(np.int8), scales


def _packed(name: bytes, shape: tuple[int, ...], kind: int, data: bytes) -> bytes:
    return name + struct.pack(f"<B{len(shape)}IBI", len(shape), *shape, kind, len(data)) + data


def _string(source: BinaryIO) -> bytes:
    """A string as it stands in the file: its length, and its text with a null byte."""
    (length,) = _unpack(source, "H")
    return struct.pack("<H", length) + source.read(length)


def _unpack(source: BinaryIO, layout: str) -> tuple[int, ...]:
    return struct.unpack(f"<{layout}", source.read(struct.calcsize(f"<{layout}")))
