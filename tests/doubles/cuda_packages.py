"""`pycuda.driver` and `cuda.bindings.driver` on top of `FakeCuda`, as far as the adapters call them.

Names, argument orders and results follow pycuda 2026.1 and cuda-bindings 13.
"""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from assistant.inference.cuda import CudaError, CudaMemoryError
from tests.doubles.cuda import FakeCuda


def pycuda_driver(cuda: FakeCuda) -> Any:
    """A module like `pycuda.driver`."""

    class Error(Exception):
        pass

    class MemoryError(Error):
        pass

    class Allocation:
        def __init__(self, nbytes: int) -> None:
            try:
                self._address = cuda.allocate(nbytes)
            except CudaMemoryError as error:
                raise MemoryError(str(error)) from error

        def __int__(self) -> int:
            return self._address

        def free(self) -> None:
            cuda.free(self._address)

    class PagelockedHostAllocation:
        def __init__(self, nbytes: int) -> None:
            self._buffer = cuda.allocate_host(nbytes)
            self.__array_interface__ = self._buffer.__array_interface__

        def free(self) -> None:
            cuda.free_host(self._buffer)

    class Stream:
        def __init__(self) -> None:
            self.handle = cuda.create_stream()

        def __del__(self) -> None:
            cuda.destroy_stream(self.handle)

    class Event:
        def __init__(self, flags: int) -> None:
            assert flags == 3, "a wait that does not spin, without timing"
            self._event = cuda.create_event()

        def __del__(self) -> None:
            cuda.destroy_event(self._event)

        def record(self, stream: Stream) -> Event:
            cuda.record(self._event, stream.handle)
            return self

        def synchronize(self) -> Event:
            cuda.wait(self._event)
            return self

    def memcpy_htod_async(dest: int, src: Any, stream: Stream) -> None:
        cuda.copy_to_device(dest, src, stream.handle)

    def memcpy_dtoh_async(dest: Any, src: int, stream: Stream) -> None:
        cuda.copy_to_host(dest, src, stream.handle)

    return SimpleNamespace(
        Error=Error,
        MemoryError=MemoryError,
        Stream=Stream,
        Event=Event,
        Device=lambda ordinal: SimpleNamespace(retain_primary_context=lambda: _Context(cuda)),
        event_flags=SimpleNamespace(BLOCKING_SYNC=1, DISABLE_TIMING=2),
        init=lambda: None,
        mem_alloc=Allocation,
        pagelocked_empty=lambda shape, dtype: np.asarray(PagelockedHostAllocation(shape)),
        memcpy_htod_async=memcpy_htod_async,
        memcpy_dtoh_async=memcpy_dtoh_async,
    )


class _Context:
    def __init__(self, cuda: FakeCuda) -> None:
        self._cuda = cuda
        self._entered: list[Any] = []

    def push(self) -> None:
        self._entered.append(self._cuda.active())
        self._entered[-1].__enter__()

    def pop(self) -> None:
        self._entered.pop().__exit__(None, None, None)


class CUresult(enum.IntEnum):
    CUDA_SUCCESS = 0
    CUDA_ERROR_OUT_OF_MEMORY = 2
    CUDA_ERROR_UNKNOWN = 999


class _Handle(int):
    """CUstream, CUevent and CUgraphExec: what a function gets must have been wrapped."""


def cuda_bindings_driver(cuda: FakeCuda) -> Any:
    """A module like `cuda.bindings.driver`."""
    context = _Context(cuda)
    host: dict[int, Any] = {}

    def answering(call: Callable[..., Any]) -> Callable[..., tuple[Any, ...]]:
        def function(*arguments: Any) -> tuple[Any, ...]:
            try:
                result = call(*arguments)
            except CudaMemoryError:
                return CUresult.CUDA_ERROR_OUT_OF_MEMORY, None
            except CudaError:
                return CUresult.CUDA_ERROR_UNKNOWN, None
            return (CUresult.CUDA_SUCCESS,) if result is None else (CUresult.CUDA_SUCCESS, result)

        return function

    def allocate_host(nbytes: int, flags: int) -> int:
        buffer = cuda.allocate_host(nbytes)
        host[buffer.ctypes.data] = buffer
        return int(buffer.ctypes.data)

    def bytes_at(address: int, nbytes: int) -> Any:
        return np.ctypeslib.as_array((ctypes.c_uint8 * nbytes).from_address(address))

    def handle(value: Any) -> int:
        assert isinstance(value, _Handle), "a bare number is no handle"
        return value

    functions: dict[str, Callable[..., Any]] = {
        "cuInit": lambda flags: None,
        "cuDeviceGet": lambda ordinal: ordinal,
        "cuDevicePrimaryCtxRetain": lambda device: context,
        "cuCtxPushCurrent": lambda pushed: pushed.push(),
        "cuCtxPopCurrent": lambda: context.pop(),
        "cuMemAlloc": cuda.allocate,
        "cuMemFree": cuda.free,
        "cuMemHostAlloc": allocate_host,
        "cuMemFreeHost": lambda address: cuda.free_host(host.pop(address)),
        "cuStreamCreate": lambda flags: _Handle(cuda.create_stream()),
        "cuStreamDestroy": lambda stream: cuda.destroy_stream(handle(stream)),
        "cuEventCreate": lambda flags: _Handle(cuda.create_event()),
        "cuEventDestroy": lambda event: cuda.destroy_event(handle(event)),
        "cuEventRecord": lambda event, stream: cuda.record(handle(event), handle(stream)),
        "cuEventSynchronize": lambda event: cuda.wait(handle(event)),
        "cuMemcpyHtoDAsync": lambda to, source, nbytes, stream: cuda.copy_to_device(
            to, bytes_at(source, nbytes), handle(stream)
        ),
        "cuMemcpyDtoHAsync": lambda to, source, nbytes, stream: cuda.copy_to_host(
            bytes_at(to, nbytes), source, handle(stream)
        ),
        "cuStreamBeginCapture": lambda stream, mode: cuda.begin_capture(handle(stream)),
        "cuStreamEndCapture": lambda stream: cuda.end_capture(handle(stream)),
        "cuGraphInstantiate": lambda graph, flags: _Handle(graph),
        "cuGraphDestroy": lambda graph: None,
        "cuGraphLaunch": lambda graph, stream: cuda.launch(handle(graph), handle(stream)),
        "cuGraphExecDestroy": lambda graph: cuda.destroy_graph(handle(graph)),
    }
    return SimpleNamespace(
        **{name: answering(call) for name, call in functions.items()},
        CUresult=CUresult,
        CUstream=_Handle,
        CUevent=_Handle,
        CUgraphExec=_Handle,
        CUstreamCaptureMode=SimpleNamespace(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL=1),
    )
