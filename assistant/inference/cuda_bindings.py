"""CUDA through NVIDIA's `cuda-bindings`, which imports anywhere and has CUDA graphs."""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from assistant.inference.cuda import CudaError, CudaMemoryError, HostBuffer

_PORTABLE = 1
"""CU_MEMHOSTALLOC_PORTABLE: page-locked for every context."""
_NON_BLOCKING = 1
"""CU_STREAM_NON_BLOCKING: does not wait for the legacy default stream, which other libraries use."""
_SLEEP_NO_TIMING = 1 | 2
"""CU_EVENT_BLOCKING_SYNC, CU_EVENT_DISABLE_TIMING."""


class CudaBindingsDriver:
    """The first GPU, through `cuda.bindings.driver`."""

    name = "cuda-bindings"
    supports_graphs = True

    def __init__(self) -> None:
        """Retain the primary context of the first GPU. Raises `CudaError`, `ImportError` without the package."""
        self._cuda: Any = importlib.import_module("cuda.bindings.driver")
        self._call("cuInit", 0)
        self._context = self._call("cuDevicePrimaryCtxRetain", self._call("cuDeviceGet", 0))

    @contextmanager
    def active(self) -> Iterator[None]:
        self._call("cuCtxPushCurrent", self._context)
        try:
            yield
        finally:
            self._call("cuCtxPopCurrent")

    def allocate(self, nbytes: int) -> int:
        return int(self._call("cuMemAlloc", nbytes))

    def free(self, address: int) -> None:
        self._call("cuMemFree", address)

    def allocate_host(self, nbytes: int) -> HostBuffer:
        address = int(self._call("cuMemHostAlloc", nbytes, _PORTABLE))
        return np.ctypeslib.as_array((ctypes.c_uint8 * nbytes).from_address(address))

    def free_host(self, buffer: HostBuffer) -> None:
        self._call("cuMemFreeHost", buffer.ctypes.data)

    def create_stream(self) -> int:
        return int(self._call("cuStreamCreate", _NON_BLOCKING))

    def destroy_stream(self, stream: int) -> None:
        self._call("cuStreamDestroy", self._cuda.CUstream(stream))

    def create_event(self) -> int:
        return int(self._call("cuEventCreate", _SLEEP_NO_TIMING))

    def destroy_event(self, event: int) -> None:
        self._call("cuEventDestroy", self._cuda.CUevent(event))

    def copy_to_device(self, address: int, source: HostBuffer, stream: int) -> None:
        self._call("cuMemcpyHtoDAsync", address, source.ctypes.data, source.nbytes, self._cuda.CUstream(stream))

    def copy_to_host(self, target: HostBuffer, address: int, stream: int) -> None:
        self._call("cuMemcpyDtoHAsync", target.ctypes.data, address, target.nbytes, self._cuda.CUstream(stream))

    def record(self, event: int, stream: int) -> None:
        self._call("cuEventRecord", self._cuda.CUevent(event), self._cuda.CUstream(stream))

    def wait(self, event: int) -> None:
        self._call("cuEventSynchronize", self._cuda.CUevent(event))

    def begin_capture(self, stream: int) -> None:
        # Thread-local: other threads may go on calling what a capture forbids, such as allocations.
        mode = self._cuda.CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL
        self._call("cuStreamBeginCapture", self._cuda.CUstream(stream), mode)

    def end_capture(self, stream: int) -> int:
        graph = self._call("cuStreamEndCapture", self._cuda.CUstream(stream))
        try:
            return int(self._call("cuGraphInstantiate", graph, 0))
        finally:
            self._call("cuGraphDestroy", graph)

    def launch(self, graph: int, stream: int) -> None:
        self._call("cuGraphLaunch", self._cuda.CUgraphExec(graph), self._cuda.CUstream(stream))

    def destroy_graph(self, graph: int) -> None:
        self._call("cuGraphExecDestroy", self._cuda.CUgraphExec(graph))

    def _call(self, function: str, *arguments: Any) -> Any:
        """Call, check the status that every function returns first, and return what follows it."""
        status, *results = getattr(self._cuda, function)(*arguments)
        codes = self._cuda.CUresult
        if status != codes.CUDA_SUCCESS:
            kind = CudaMemoryError if status == codes.CUDA_ERROR_OUT_OF_MEMORY else CudaError
            raise kind(f"{function} failed: {status.name}.", remedy="See: assistant doctor")
        return results[0] if results else None
