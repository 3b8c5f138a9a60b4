"""Safetensors files as numpy arrays: a header in JSON, then plain numbers. Nothing in one can be run.

Format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from export.errors import ConversionError
from export.recipe import Array

_DTYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "U8": "u1", "BOOL": "?"}
_MOST_HEADER_BYTES = 100_000_000
"""The format's own limit."""


def read_safetensors_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Every tensor's shape by name, from the header alone. Raises as `read_safetensors` does."""
    header, _, _ = _header(path)
    return {name: tuple(entry.get("shape", ())) for name, entry in header.items() if isinstance(entry, dict)}


def read_safetensors(path: Path, wanted: Collection[str] | None = None) -> dict[str, Array]:
    """The `wanted` tensors, or all, by name; BF16 as float32.

    Raises `ConversionError` naming the file and tensor for a damaged file.
    """
    header, begin, size = _header(path)
    content = np.memmap(path, np.uint8, "r")
    found = {}
    for name, entry in header.items():
        if name == "__metadata__" or (wanted is not None and name not in wanted):
            continue
        try:
            dtype, shape, (start, end) = entry["dtype"], tuple(map(int, entry["shape"])), entry["data_offsets"]
            item = np.dtype(_DTYPES[dtype])
        except (KeyError, TypeError, ValueError) as error:
            raise ConversionError(f"{path}: the tensor '{name}' is described wrongly: {error}.") from error
        expected = math.prod(shape) * item.itemsize
        if not (0 <= start <= end <= size - begin and end - start == expected):
            raise ConversionError(
                f"{path}: the tensor '{name}': expected {expected:,} bytes within the file, got {start:,} to {end:,} "
                f"of {size - begin:,}.",
                remedy="Copy the file again.",
            )
        values = np.frombuffer(content[begin + start : begin + end].tobytes(), item).reshape(shape)
        found[name] = from_bfloat16(values) if dtype == "BF16" else values
    return found


def _header(path: Path) -> tuple[Mapping[str, Any], int, int]:
    """The header, where the numbers begin, and the file's size."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = struct.unpack("<Q", file.read(8))[0] if size >= 8 else 0
        if not 2 <= length <= min(size - 8, _MOST_HEADER_BYTES):
            raise ConversionError(
                f"{path} is no safetensors file, or a truncated one: its header would be {length:,} bytes long, the "
                f"file has {size:,}.",
                remedy="Copy the file again.",
            )
        try:
            header = json.loads(file.read(length))
        except ValueError as error:
            raise ConversionError(f"{path} is no safetensors file: its header is not JSON: {error}.") from error
    if not isinstance(header, dict):
        raise ConversionError(f"{path} is no safetensors file: its header is no table.")
    return header, 8 + length, size


def from_bfloat16(values: Array) -> Array:
    """bfloat16, as uint16 of the same bits, → float32 of the same values."""
    return (values.astype(np.uint32) << 16).view(np.float32)
