"""CUDA through `pycuda`, which is built on the device against its own CUDA. It has no CUDA graphs."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np

from assistant.inference.cuda import CudaError, CudaMemoryError, HostBuffer


class PycudaDriver:
    """The first GPU, through `pycuda.driver`."""

    name = "pycuda"
    supports_graphs = False

    def __init__(self) -> None:
        """Retain the primary context of the first GPU. Raises `CudaError`, `ImportError` without the package."""
        self._cuda: Any = importlib.import_module("pycuda.driver")
        # pycuda frees with its own objects: they are kept here by the number that the port hands out.
        self._objects: dict[int, Any] = {}
        with self._translated("opening the first GPU"):
            self._cuda.init()
            self._context = self._cuda.Device(0).retain_primary_context()

    @contextmanager
    def active(self) -> Iterator[None]:
        with self._translated("making the context current"):
            self._context.push()
        try:
            yield
        finally:
            with self._translated("leaving the context"):
                self._context.pop()

    def allocate(self, nbytes: int) -> int:
        with self._translated(f"allocating {nbytes:,} bytes on the GPU"):
            return self._keep(allocation := self._cuda.mem_alloc(nbytes), int(allocation))

    def free(self, address: int) -> None:
        with self._translated("freeing device memory"):
            self._objects.pop(address).free()

    def allocate_host(self, nbytes: int) -> HostBuffer:
        with self._translated(f"allocating {nbytes:,} bytes of page-locked memory"):
            buffer: HostBuffer = self._cuda.pagelocked_empty(nbytes, np.uint8)
            return buffer

    def free_host(self, buffer: HostBuffer) -> None:
        allocation: Any = buffer.base
        with self._translated("freeing page-locked memory"):
            allocation.free()

    def create_stream(self) -> int:
        with self._translated("creating a stream"):
            return self._keep(stream := self._cuda.Stream(), int(stream.handle))

    def destroy_stream(self, stream: int) -> None:
        del self._objects[stream]

    def create_event(self) -> int:
        flags = self._cuda.event_flags
        with self._translated("creating an event"):
            event = self._cuda.Event(int(flags.BLOCKING_SYNC) | int(flags.DISABLE_TIMING))
            return self._keep(event, id(event))

    def destroy_event(self, event: int) -> None:
        del self._objects[event]

    def copy_to_device(self, address: int, source: HostBuffer, stream: int) -> None:
        with self._translated("copying to the GPU"):
            self._cuda.memcpy_htod_async(address, source, self._objects[stream])

    def copy_to_host(self, target: HostBuffer, address: int, stream: int) -> None:
        with self._translated("copying from the GPU"):
            self._cuda.memcpy_dtoh_async(target, address, self._objects[stream])

    def record(self, event: int, stream: int) -> None:
        with self._translated("recording an event"):
            self._objects[event].record(self._objects[stream])

    def wait(self, event: int) -> None:
        with self._translated("waiting for the GPU"):
            self._objects[event].synchronize()

    def begin_capture(self, stream: int) -> NoReturn:
        raise CudaError("pycuda has no CUDA graphs.", remedy="Use cuda-bindings.")

    def end_capture(self, stream: int) -> NoReturn:
        raise CudaError("pycuda has no CUDA graphs.", remedy="Use cuda-bindings.")

    def launch(self, graph: int, stream: int) -> NoReturn:
        raise CudaError("pycuda has no CUDA graphs.", remedy="Use cuda-bindings.")

    def destroy_graph(self, graph: int) -> NoReturn:
        raise CudaError("pycuda has no CUDA graphs.", remedy="Use cuda-bindings.")

    def _keep(self, thing: Any, handle: int) -> int:
        self._objects[handle] = thing
        return handle

    @contextmanager
    def _translated(self, action: str) -> Iterator[None]:
        """Turn pycuda's errors into the project's."""
        try:
            yield
        except self._cuda.MemoryError as error:
            raise CudaMemoryError(f"Out of memory while {action}.", remedy="Free memory on the device.") from error
        except self._cuda.Error as error:
            raise CudaError(f"CUDA failed while {action}: {error}", remedy="See: assistant doctor") from error
