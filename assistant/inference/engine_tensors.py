"""What an engine takes and gives, and the memory that its tensors live in."""

from __future__ import annotations

import math
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import numpy as np

from assistant.inference.cuda import CudaDriver
from assistant.inference.fallback import EngineError, FallbackReason
from assistant.ports import Tensor, TensorSpec

_DTYPES = {
    "FLOAT": np.float32,
    "HALF": np.float16,
    "INT8": np.int8,
    "UINT8": np.uint8,
    "INT32": np.int32,
    "INT64": np.int64,
    "BOOL": np.bool_,
}
DYNAMIC_AXIS = "dynamic"
"""Name of every axis that varies: engines forget what the ONNX file called it."""


@dataclass(frozen=True, slots=True)
class EngineTensor:
    """One input or output."""

    spec: TensorSpec
    is_input: bool
    optimum: tuple[int, ...]
    """The shape that an input's tactics were chosen for; the shape itself if it is static."""
    largest: tuple[int, ...]
    """The largest shape that an input may have."""

    @property
    def is_static(self) -> bool:
        return DYNAMIC_AXIS not in self.spec.shape


def engine_tensors(tensorrt: Any, engine: Any) -> tuple[EngineTensor, ...]:
    """Inputs and outputs in the engine's order. Raises `EngineError` for what this backend cannot feed."""
    return tuple(_tensor(tensorrt, engine, engine.get_tensor_name(index)) for index in range(engine.num_io_tensors))


def _tensor(tensorrt: Any, engine: Any, name: str) -> EngineTensor:
    if engine.is_shape_inference_io(name):
        raise EngineError(
            FallbackReason.CONTRACT_MISMATCH,
            f"The tensor '{name}' of the engine holds a shape, which is not supported.",
            remedy="Export the network with static shapes.",
        )
    type_name = engine.get_tensor_dtype(name).name
    if type_name not in _DTYPES:
        raise EngineError(
            FallbackReason.CONTRACT_MISMATCH,
            f"The tensor '{name}' of the engine is {type_name}, expected one of {', '.join(_DTYPES)}.",
            remedy="Export the network with inputs and outputs in FP32.",
        )
    sizes = tuple(int(size) for size in engine.get_tensor_shape(name))
    spec = TensorSpec(name, np.dtype(_DTYPES[type_name]), tuple(DYNAMIC_AXIS if size < 0 else size for size in sizes))
    is_input = bool(engine.get_tensor_mode(name) == tensorrt.TensorIOMode.INPUT)
    if not is_input or min(sizes, default=0) >= 0:
        return EngineTensor(spec, is_input, sizes, sizes)
    _, optimum, largest = (tuple(map(int, shape)) for shape in engine.get_tensor_profile_shape(name, 0))
    return EngineTensor(spec, is_input, optimum, largest)


class TensorBuffer:
    """A tensor's memory for as long as the session lives: page-locked on the host, and on the GPU."""

    def __init__(self, cuda: CudaDriver, tensor: EngineTensor, nbytes: int, resources: ExitStack) -> None:
        """Allocate `nbytes` on both sides; `resources` frees them. Raises `CudaMemoryError`."""
        self.tensor = tensor
        self.name = tensor.spec.name
        nbytes = max(nbytes, tensor.spec.dtype.itemsize)  # CUDA refuses to allocate nothing
        self.address = cuda.allocate(nbytes)
        resources.callback(cuda.free, self.address)
        self._host = cuda.allocate_host(nbytes)
        resources.callback(cuda.free_host, self._host)
        self._host[:] = 0
        self.reshape(tensor.largest if tensor.is_input else ())

    def reshape(self, shape: tuple[int, ...]) -> None:
        """Use the front of the memory as an array of this shape."""
        self.shape = shape
        self.bytes = self._host[: math.prod(shape) * self.tensor.spec.dtype.itemsize]
        self.array: Tensor = self.bytes.view(self.tensor.spec.dtype).reshape(shape)
