"""The few CUDA driver calls that running an engine takes, as a port.

Handles are plain integers, as TensorRT wants them. A driver belongs to one GPU and uses its primary context, which
other libraries in the process share; every call below must happen inside `active()`, on whatever thread.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

import numpy as np
import numpy.typing as npt

from assistant.errors import ModelError

HostBuffer = npt.NDArray[np.uint8]
"""Page-locked host memory, shape (bytes,)."""

CUDA_DRIVERS = {
    "cuda-bindings": "assistant.inference.cuda_bindings:CudaBindingsDriver",
    "pycuda": "assistant.inference.cuda_pycuda:PycudaDriver",
}
"""By preference: only the first has CUDA graphs. Either is enough."""


class CudaError(ModelError):
    """A CUDA call failed."""


class CudaMemoryError(CudaError):
    """The GPU, or page-locked host memory, has too little room."""


class CudaDriver(Protocol):
    """CUDA on one GPU. Every method may raise `CudaError`; the allocating ones `CudaMemoryError`."""

    name: str
    supports_graphs: bool
    """Whether `capture` and `launch` work."""

    def active(self) -> AbstractContextManager[None]:
        """Make the GPU's context current on the calling thread."""

    def allocate(self, nbytes: int) -> int:
        """Device memory; the result is its address."""

    def free(self, address: int) -> None:
        """Give device memory back."""

    def allocate_host(self, nbytes: int) -> HostBuffer:
        """Page-locked host memory, which copies run to and from at full speed."""

    def free_host(self, buffer: HostBuffer) -> None:
        """Give it back; the array must not be touched afterwards."""

    def create_stream(self) -> int:
        """A queue of work."""

    def destroy_stream(self, stream: int) -> None:
        """Free it."""

    def create_event(self) -> int:
        """A mark in a stream. Waiting for it sleeps instead of spinning on a core."""

    def destroy_event(self, event: int) -> None:
        """Free it."""

    def copy_to_device(self, address: int, source: HostBuffer, stream: int) -> None:
        """Queue a copy of all of `source`."""

    def copy_to_host(self, target: HostBuffer, address: int, stream: int) -> None:
        """Queue a copy that fills all of `target`."""

    def record(self, event: int, stream: int) -> None:
        """Queue the mark."""

    def wait(self, event: int) -> None:
        """Return when everything before the mark is done. Raises what any of it failed with."""

    def begin_capture(self, stream: int) -> None:
        """From here on, what this thread queues on `stream` is recorded and not run."""

    def end_capture(self, stream: int) -> int:
        """Stop recording; the result is a graph that `launch` runs."""

    def launch(self, graph: int, stream: int) -> None:
        """Queue everything that was recorded, as one call."""

    def destroy_graph(self, graph: int) -> None:
        """Free it."""
