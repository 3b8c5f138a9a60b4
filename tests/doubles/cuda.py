"""CUDA with numpy arrays for device memory: as asynchronous, as strict and as finite as the real one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from assistant.inference.cuda import CudaError, CudaMemoryError, HostBuffer
from tests.doubles.faults import fault

Work = Callable[[], None]


class FakeCuda:
    """The `CudaDriver` port. Queued work runs when somebody waits for it and not before, so a forgotten wait shows."""

    name = "fake"

    def __init__(self, *, capacity_bytes: int = 1 << 30, supports_graphs: bool = True) -> None:
        self.supports_graphs = supports_graphs
        self.capacity_bytes = capacity_bytes
        self.allocations = 0
        """How many device and host allocations there have ever been."""
        self.launches = 0
        self.refuse_capture = False
        self._memory: dict[int, npt.NDArray[np.uint8]] = {}
        self._host: dict[int, HostBuffer] = {}
        self._queues: dict[int, list[Work]] = {}
        self._marks: dict[int, tuple[int, int] | None] = {}
        self._graphs: dict[int, list[Work]] = {}
        self._captures: dict[int, list[Work]] = {}
        self._next = 0x1000
        self._depth = threading.local()
        self._broken = False
        """An illegal access spoils a context for good: every call fails from then on, those that free memory too."""

    @property
    def leaks(self) -> int:
        """Everything that was created and not freed."""
        return len(self._memory) + len(self._host) + len(self._queues) + len(self._marks) + len(self._graphs)

    @contextmanager
    def active(self) -> Iterator[None]:
        self._depth.value = getattr(self._depth, "value", 0) + 1
        try:
            yield
        finally:
            self._depth.value -= 1

    def allocate(self, nbytes: int) -> int:
        self._require_context()
        if nbytes <= 0:
            raise CudaError("cuMemAlloc failed: CUDA_ERROR_INVALID_VALUE.")
        used = sum(block.nbytes for block in self._memory.values())
        if fault("allocate") == "out-of-memory" or used + nbytes > self.capacity_bytes:
            raise CudaMemoryError("cuMemAlloc failed: CUDA_ERROR_OUT_OF_MEMORY.", remedy="Free memory on the device.")
        self.allocations += 1
        address = self._handle()
        self._memory[address] = np.full(nbytes, 0xAB, np.uint8)
        return address

    def free(self, address: int) -> None:
        self._require_context()
        del self._memory[address]

    def allocate_host(self, nbytes: int) -> HostBuffer:
        self._require_context()
        self.allocations += 1
        buffer = np.full(nbytes, 0xCD, np.uint8)
        self._host[id(buffer)] = buffer
        return buffer

    def free_host(self, buffer: HostBuffer) -> None:
        self._require_context()
        del self._host[id(buffer)]

    def create_stream(self) -> int:
        self._require_context()
        stream = self._handle()
        self._queues[stream] = []
        return stream

    def destroy_stream(self, stream: int) -> None:
        self._require_context()
        del self._queues[stream]

    def create_event(self) -> int:
        self._require_context()
        event = self._handle()
        self._marks[event] = None
        return event

    def destroy_event(self, event: int) -> None:
        self._require_context()
        del self._marks[event]

    def copy_to_device(self, address: int, source: HostBuffer, stream: int) -> None:
        self.enqueue(stream, lambda: self.write(address, source))

    def copy_to_host(self, target: HostBuffer, address: int, stream: int) -> None:
        def copy() -> None:
            target[:] = self.read(address, target.nbytes)

        self.enqueue(stream, copy)

    def record(self, event: int, stream: int) -> None:
        self._require_context()
        self._marks[event] = (stream, len(self._queues[stream]))

    def wait(self, event: int) -> None:
        self._require_context()
        self._broken |= fault("wait") == "illegal-address"
        self._require_context()
        mark = self._marks[event]
        assert mark is not None, "an event that was never recorded"
        stream, length = mark
        queued = self._queues[stream]
        due, self._queues[stream] = queued[:length], queued[length:]
        for work in due:
            work()

    def begin_capture(self, stream: int) -> None:
        self._require_context()
        assert self.supports_graphs, "asked for a graph that this driver does not have"
        self._captures[stream] = []

    def end_capture(self, stream: int) -> int:
        self._require_context()
        work = self._captures.pop(stream)
        if self.refuse_capture:
            raise CudaError("cuStreamEndCapture failed: CUDA_ERROR_STREAM_CAPTURE_INVALIDATED.")
        graph = self._handle()
        self._graphs[graph] = work
        return graph

    def launch(self, graph: int, stream: int) -> None:
        self.launches += 1
        for work in self._graphs[graph]:
            self.enqueue(stream, work)

    def destroy_graph(self, graph: int) -> None:
        self._require_context()
        del self._graphs[graph]

    def enqueue(self, stream: int, work: Work) -> None:
        """What a kernel launch does: run later, or be recorded."""
        self._require_context()
        if stream not in self._queues:
            raise CudaError("CUDA_ERROR_INVALID_HANDLE: no such stream.")
        self._captures.get(stream, self._queues[stream]).append(work)

    def read(self, address: int, nbytes: int) -> npt.NDArray[np.uint8]:
        """The front of a block of device memory."""
        block = self._memory[address]
        if nbytes > block.nbytes:
            raise CudaError("CUDA_ERROR_ILLEGAL_ADDRESS: read past the end of a block.")
        return block[:nbytes]

    def write(self, address: int, content: npt.NDArray[np.uint8]) -> None:
        """Overwrite the front of a block of device memory."""
        self.read(address, content.nbytes)[:] = content

    def _handle(self) -> int:
        self._next += 0x100
        return self._next

    def _require_context(self) -> None:
        if not getattr(self._depth, "value", 0):
            raise CudaError("CUDA_ERROR_INVALID_CONTEXT: no context is current on this thread.")
        if self._broken:
            raise CudaError("CUDA_ERROR_ILLEGAL_ADDRESS: an illegal memory access was encountered.")

    def begin_anew(self) -> None:
        """As in a new process."""
        self.__init__(capacity_bytes=self.capacity_bytes, supports_graphs=self.supports_graphs)  # type: ignore[misc]
