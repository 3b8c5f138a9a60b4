"""`pycuda.driver` and `cuda.bindings.driver` on top of `FakeCuda`, as far as the adapters call them.

Names, argument orders and results follow pycuda 2026.1 and cuda-bindings 13.
"""

from __future__ import annotations

import ctypes
import enum
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import numpy as np

from assistant.inference.cuda import CudaError, CudaMemoryError
from tests.doubles.cuda import FakeCuda


def pycuda_driver(cuda: FakeCuda) -> Any:
    """A module like `pycuda.driver`."""

    def memcpy_htod_async(dest: int, src: Any, stream: _Stream) -> None:
        cuda.copy_to_device(dest, src, stream.handle)

    def memcpy_dtoh_async(dest: Any, src: int, stream: _Stream) -> None:
        cuda.copy_to_host(dest, src, stream.handle)

    return SimpleNamespace(
        Error=_Error,
        MemoryError=_MemoryError,
        Stream=partial(_Stream, cuda),
        Event=partial(_Event, cuda),
        Device=lambda ordinal: SimpleNamespace(retain_primary_context=lambda: _Context(cuda)),
        event_flags=SimpleNamespace(BLOCKING_SYNC=1, DISABLE_TIMING=2),
        init=lambda: None,
        mem_alloc=partial(_Allocation, cuda),
        pagelocked_empty=lambda shape, dtype: np.asarray(_PagelockedHostAllocation(cuda, shape)),
        memcpy_htod_async=memcpy_htod_async,
        memcpy_dtoh_async=memcpy_dtoh_async,
    )


class _Error(Exception):
    pass


class _MemoryError(_Error):
    pass


class _Allocation:
    def __init__(self, cuda: FakeCuda, nbytes: int) -> None:
        self._cuda = cuda
        try:
            self._address = cuda.allocate(nbytes)
        except CudaMemoryError as error:
            raise _MemoryError(str(error)) from error

    def __int__(self) -> int:
        return self._address

    def free(self) -> None:
        self._cuda.free(self._address)


class _PagelockedHostAllocation:
    def __init__(self, cuda: FakeCuda, nbytes: int) -> None:
        self._cuda = cuda
        self._buffer = cuda.allocate_host(nbytes)
        self.__array_interface__ = self._buffer.__array_interface__

    def free(self) -> None:
        self._cuda.free_host(self._buffer)


class _Stream:
    def __init__(self, cuda: FakeCuda) -> None:
        self._cuda = cuda
        self.handle = cuda.create_stream()

    def __del__(self) -> None:
        self._cuda.destroy_stream(self.handle)


class _Event:
    def __init__(self, cuda: FakeCuda, flags: int) -> None:
        assert flags == 3, "a wait that does not spin, without timing"
        self._cuda = cuda
        self._event = cuda.create_event()

    def __del__(self) -> None:
        self._cuda.destroy_event(self._event)

    def record(self, stream: _Stream) -> _Event:
        self._cuda.record(self._event, stream.handle)
        return self

    def synchronize(self) -> _Event:
        self._cuda.wait(self._event)
        return self


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
    functions = {**_contexts(cuda), **_memory(cuda), **_streams(cuda), **_graphs(cuda)}
    return SimpleNamespace(
        **{name: _answering(call) for name, call in functions.items()},
        CUresult=CUresult,
        CUstream=_Handle,
        CUevent=_Handle,
        CUgraphExec=_Handle,
        CUstreamCaptureMode=SimpleNamespace(CU_STREAM_CAPTURE_MODE_THREAD_LOCAL=1),
    )


_Functions = dict[str, Callable[..., Any]]


def _answering(call: Callable[..., Any]) -> Callable[..., tuple[Any, ...]]:
    """It returns how that went, and what it gave if that is anything."""

    def function(*arguments: Any) -> tuple[Any, ...]:
        try:
            result = call(*arguments)
        except CudaMemoryError:
            return CUresult.CUDA_ERROR_OUT_OF_MEMORY, None
        except CudaError:
            return CUresult.CUDA_ERROR_UNKNOWN, None
        return (CUresult.CUDA_SUCCESS,) if result is None else (CUresult.CUDA_SUCCESS, result)

    return function


def _contexts(cuda: FakeCuda) -> _Functions:
    context = _Context(cuda)
    return {
        "cuInit": lambda flags: None,
        "cuDeviceGet": lambda ordinal: ordinal,
        "cuDevicePrimaryCtxRetain": lambda device: context,
        "cuCtxPushCurrent": lambda pushed: pushed.push(),
        "cuCtxPopCurrent": lambda: context.pop(),
    }


def _memory(cuda: FakeCuda) -> _Functions:
    host: dict[int, Any] = {}

    def allocate_host(nbytes: int, flags: int) -> int:
        buffer = cuda.allocate_host(nbytes)
        host[buffer.ctypes.data] = buffer
        return int(buffer.ctypes.data)

    def bytes_at(address: int, nbytes: int) -> Any:
        return np.ctypeslib.as_array((ctypes.c_uint8 * nbytes).from_address(address))

    return {
        "cuMemAlloc": cuda.allocate,
        "cuMemFree": cuda.free,
        "cuMemHostAlloc": allocate_host,
        "cuMemFreeHost": lambda address: cuda.free_host(host.pop(address)),
        "cuMemcpyHtoDAsync": lambda to, source, nbytes, stream: cuda.copy_to_device(
            to, bytes_at(source, nbytes), _handle(stream)
        ),
        "cuMemcpyDtoHAsync": lambda to, source, nbytes, stream: cuda.copy_to_host(
            bytes_at(to, nbytes), source, _handle(stream)
        ),
    }


def _streams(cuda: FakeCuda) -> _Functions:
    return {
        "cuStreamCreate": lambda flags: _Handle(cuda.create_stream()),
        "cuStreamDestroy": lambda stream: cuda.destroy_stream(_handle(stream)),
        "cuEventCreate": lambda flags: _Handle(cuda.create_event()),
        "cuEventDestroy": lambda event: cuda.destroy_event(_handle(event)),
        "cuEventRecord": lambda event, stream: cuda.record(_handle(event), _handle(stream)),
        "cuEventSynchronize": lambda event: cuda.wait(_handle(event)),
    }


def _graphs(cuda: FakeCuda) -> _Functions:
    return {
        "cuStreamBeginCapture": lambda stream, mode: cuda.begin_capture(_handle(stream)),
        "cuStreamEndCapture": lambda stream: cuda.end_capture(_handle(stream)),
        "cuGraphInstantiate": lambda graph, flags: _Handle(graph),
        "cuGraphDestroy": lambda graph: None,
        "cuGraphLaunch": lambda graph, stream: cuda.launch(_handle(graph), _handle(stream)),
        "cuGraphExecDestroy": lambda graph: cuda.destroy_graph(_handle(graph)),
    }


def _handle(value: Any) -> int:
    assert isinstance(value, _Handle), "a bare number is no handle"
    return value
