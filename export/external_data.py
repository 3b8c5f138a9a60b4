"""Weights that lie in a file beside the ONNX file."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from onnx import ModelProto, TensorProto, helper

from export.errors import ConversionError
from export.graph import all_tensors

MOST_BYTES = 2_000_000_000
"""Of a network: the files that this toolchain writes hold their weights, and protobuf's limit is 2 GiB."""

_KEYS = {"location", "offset", "length", "checksum", "basepath"}


def read_external_data(path: Path, model: ModelProto) -> None:
    """Read the weights that lie beside the file `path` into `model`. Raises `ConversionError` for data that is missing,
    too short, outside the file's folder (through links too), or too much for one file."""
    folder = path.parent.resolve()
    outside = [tensor for tensor in all_tensors(model) if tensor.data_location == TensorProto.EXTERNAL]
    refuse_large(path, path.stat().st_size + sum(_size(path, tensor) for tensor in outside))
    for tensor in outside:
        entries = {entry.key: entry.value for entry in tensor.external_data if entry.key in _KEYS}
        location = entries.get("location", "")
        where = f"{path}: the external data of '{tensor.name}' is '{location}'"
        parts = PurePosixPath(location)
        data_file = folder / location
        if not location or parts.is_absolute() or ".." in parts.parts or not data_file.resolve().is_relative_to(folder):
            raise ConversionError(f"{where}, which is outside its folder.", remedy="Put the data beside the model.")
        if not data_file.is_file():
            raise ConversionError(f"{where}, which is missing.", remedy=f"Copy it to {folder}.")
        _load(tensor, data_file, entries, where, _size(path, tensor))


def refuse_large(path: Path, size: int) -> None:
    """Raise `ConversionError` for a network of more bytes than one file can hold."""
    if size > MOST_BYTES:
        raise ConversionError(
            f"{path} is {size / 1e9:.1f} GB with its weights: a network may have {MOST_BYTES / 1e9:g} GB, "
            "which is what one ONNX file can hold.",
            remedy="Take a smaller network, or cut it into several.",
        )


def _size(path: Path, tensor: TensorProto) -> int:
    """In bytes, as type and shape say."""
    try:
        item = int(helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)
    except KeyError as error:
        raise ConversionError(
            f"{path}: the weight '{tensor.name}' has no type of ONNX's: {error}.", remedy="Export it again."
        ) from error
    return int(math.prod(tensor.dims)) * item


def _load(tensor: TensorProto, data_file: Path, entries: Mapping[str, str], where: str, expected: int) -> None:
    try:
        offset, length = int(entries.get("offset", 0)), int(entries.get("length", -1))
    except ValueError as error:
        raise ConversionError(f"{where}, whose offset or length is no number.") from error
    length = expected if length < 0 else length
    if length != expected or offset < 0 or data_file.stat().st_size < offset + length:
        raise ConversionError(
            f"{where}: expected {expected:,} bytes at {offset:,}, the file has {data_file.stat().st_size:,} in all.",
            remedy="Copy the data file again.",
        )
    with data_file.open("rb") as file:
        file.seek(offset)
        tensor.raw_data = file.read(length)
    tensor.data_location = TensorProto.DEFAULT
    del tensor.external_data[:]
