"""PyTorch checkpoints as numpy arrays, without torch and without running what a pickle asks for.

Reads both formats of `torch.save`: the zip of today and the stream of pickles of before 1.6. The unpickler knows a
few names and refuses every other, so a hostile file can do no more than be refused. Format:
https://github.com/pytorch/pytorch/blob/main/torch/serialization.py
"""

from __future__ import annotations

import io
import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from export.errors import ConversionError
from export.safetensors_file import from_bfloat16

Array = npt.NDArray[Any]

_STORAGES = {
    "DoubleStorage": "<f8",
    "FloatStorage": "<f4",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "i1",
    "ByteStorage": "u1",
    "BoolStorage": "?",
}
# What the unpickler and the zip reader raise for files that are not what they should be.
_DAMAGE = (
    pickle.UnpicklingError,
    zipfile.BadZipFile,
    struct.error,
    EOFError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    TypeError,
    ValueError,
)
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a storage holds."""

    name: str

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(_STORAGES[self.name])


@dataclass(frozen=True, slots=True)
class _Storage:
    """A block of numbers that the pickle only names."""

    key: str
    kind: _Kind


@dataclass(frozen=True, slots=True)
class _Tensor:
    """A view into a storage, in elements."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_state_dict(path: Path) -> dict[str, Array]:
    """Every tensor of a saved `state_dict` by name; bfloat16 as float32.

    Raises `ConversionError` for a file that is missing, cut off, no checkpoint, or holds anything but tensors.
    """
    try:
        # In memory, so that a length that a damaged file claims is never allocated.
        stream = io.BytesIO(path.read_bytes())
        tensors, blocks = _read_zip(stream) if zipfile.is_zipfile(stream) else _read_legacy(stream)
    except OSError as error:
        raise ConversionError(f"The checkpoint {path} cannot be read: {error.strerror}.") from error
    except _DAMAGE as error:
        raise ConversionError(
            f"{path} is no PyTorch checkpoint of plain tensors: {error}.",
            remedy="Save the model's state_dict() alone with torch.save.",
        ) from error
    return {name: _view(name, tensor, blocks) for name, tensor in tensors.items()}


def _rebuild_tensor(
    storage: _Storage, offset: int, shape: Sequence[int], strides: Sequence[int], *_unused: object
) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _TensorUnpickler(pickle._Unpickler):  # in Python: the C one allocates whatever memo index a file names
    """Builds dictionaries of `_Tensor`; nothing that a pickle names is ever imported."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _STORAGES:
            return _Kind(name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}")

    def persistent_load(self, pid: Any) -> _Storage:
        what, kind, key = pid[:3]
        if what != "storage" or not isinstance(kind, _Kind):
            raise pickle.UnpicklingError(f"it asks for a stored '{what}'")
        return _Storage(str(key), kind)


def _read_zip(stream: io.BytesIO) -> tuple[Mapping[str, _Tensor], dict[str, bytes]]:
    with zipfile.ZipFile(stream) as archive:
        names = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        if len(names) != 1:
            raise ValueError("the archive has no data.pkl")
        if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
            raise ValueError("the archive is compressed, which torch.save never does")
        folder = names[0].removesuffix("data.pkl")
        tensors = _tensors(_TensorUnpickler(io.BytesIO(archive.read(names[0]))).load())
        members = set(archive.namelist())
        keys = {tensor.storage.key for tensor in tensors.values()}
        return tensors, {key: archive.read(name) for key in keys if (name := f"{folder}data/{key}") in members}


def _read_legacy(stream: io.BytesIO) -> tuple[Mapping[str, _Tensor], dict[str, bytes]]:
    stream.seek(0)
    if _TensorUnpickler(stream).load() != _LEGACY_MAGIC:
        raise ValueError("it does not begin as one")
    for _protocol_and_system in range(2):
        _TensorUnpickler(stream).load()
    tensors = _tensors(_TensorUnpickler(stream).load())
    itemsizes = {tensor.storage.key: tensor.storage.kind.dtype.itemsize for tensor in tensors.values()}
    blocks = {}
    for key in _TensorUnpickler(stream).load():
        (count,) = struct.unpack("<q", stream.read(8))
        blocks[key] = stream.read(count * itemsizes[key]) if key in itemsizes else b""
    return tensors, blocks


def _tensors(loaded: object) -> Mapping[str, _Tensor]:
    if not isinstance(loaded, dict) or not all(isinstance(value, _Tensor) for value in loaded.values()):
        raise ValueError("it holds other things than tensors")
    return loaded


def _view(name: str, tensor: _Tensor, blocks: Mapping[str, bytes]) -> Array:
    """Copy a tensor out of its storage, refusing one that reaches outside it."""
    kind = tensor.storage.kind
    itemsize = kind.dtype.itemsize
    data = np.frombuffer(blocks.get(tensor.storage.key, b""), np.uint8)
    last = tensor.offset + sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.strides, strict=True))
    needed = 0 if 0 in tensor.shape else max(last + 1, math.prod(tensor.shape)) * itemsize
    if min(tensor.offset, *tensor.shape, *tensor.strides, 0) < 0 or needed > data.size:
        raise ConversionError(
            f"The tensor '{name}' reaches beyond its {data.size} stored bytes.",
            remedy="The checkpoint is cut off or damaged; fetch it again.",
        )
    usable = data[: data.size - data.size % itemsize].view(kind.dtype)
    strides = [stride * itemsize for stride in tensor.strides]
    view: Array = np.lib.stride_tricks.as_strided(usable[tensor.offset :], tensor.shape, strides, writeable=False)
    return from_bfloat16(view) if kind.name == "BFloat16Storage" else view.copy()
