"""The weight shards of a TensorFlow.js model: concatenated, cut by the manifest, and de-quantized."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from export.errors import ConversionError

Array = npt.NDArray[Any]

# Files are little-endian whatever the machine is.
_STORED = {"float32": "<f4", "float16": "<f2", "int32": "<i4", "uint8": "u1", "uint16": "<u2", "bool": "?"}
_LOADED = {"float32": np.float32, "int32": np.int32, "uint8": np.uint8, "bool": np.bool_}


def read_weights(folder: Path, manifest: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
    """Tensors by name. Raises `ConversionError` for a missing shard, a wrong size and an unknown type."""
    weights: dict[str, Array] = {}
    for group in manifest:
        data = b"".join(_read_shard(folder, name) for name in group["paths"])
        offset = 0
        for entry in group["weights"]:
            array, offset = _read_tensor(data, offset, entry, group["paths"])
            weights[entry["name"]] = array
        if offset != len(data):
            raise ConversionError(
                f"The weights in {', '.join(group['paths'])} should be {offset} bytes long, but are {len(data)}.",
                remedy="The download is damaged, or .json and .bin belong to different models; fetch both again.",
            )
    return weights


def _read_shard(folder: Path, name: str) -> bytes:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise ConversionError(f"The model names a weight file outside its own folder: '{name}'.")
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise ConversionError(
            f"The weight file {folder / name} cannot be read: {error.strerror}.",
            remedy="Keep the .bin files beside the model.json that names them.",
        ) from error


def _read_tensor(data: bytes, offset: int, entry: Mapping[str, Any], paths: Sequence[str]) -> tuple[Array, int]:
    quantization = entry.get("quantization")
    stored = quantization["dtype"] if quantization else entry["dtype"]
    if stored not in _STORED or entry["dtype"] not in _LOADED:
        raise ConversionError(
            f"The weight '{entry['name']}' has the type '{stored}' for '{entry['dtype']}', which is not supported.",
            remedy=f"Supported are {', '.join(_LOADED)}, quantized to float16, uint8 or uint16 or not at all.",
        )
    dtype = np.dtype(_STORED[stored])
    shape = [int(size) for size in entry["shape"]]
    end = offset + math.prod(shape) * dtype.itemsize
    if end > len(data):
        raise ConversionError(
            f"The weights in {', '.join(paths)} end at byte {len(data)}, but '{entry['name']}' needs them up to {end}.",
            remedy="The download is cut off; fetch the model again.",
        )
    array = np.frombuffer(data[offset:end], dtype).reshape(shape)
    if quantization and stored != "float16":
        # Affine, as tfjs-core's io_utils.ts `decodeWeights` does it.
        array = array.astype(np.float32) * np.float32(quantization["scale"]) + np.float32(quantization["min"])
        if entry["dtype"] == "int32":
            array = np.rint(array)
    return np.ascontiguousarray(array.astype(_LOADED[entry["dtype"]])), end
