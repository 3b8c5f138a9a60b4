"""Every CUDA driver of the registry on a real GPU. Skipped, and said so, where there is none."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from assistant.inference.cuda import CUDA_DRIVERS, CudaDriver, CudaMemoryError, HostBuffer
from assistant.inference.probe import system_probe
from assistant.registry import resolve

BYTES = 1 << 20
pytestmark = pytest.mark.gpu


@pytest.fixture(params=sorted(CUDA_DRIVERS))
def cuda(request: pytest.FixtureRequest) -> CudaDriver:
    if problem := system_probe().problem:
        pytest.skip(f"SKIPPED, NOT PASSED: {problem}")
    try:
        driver: CudaDriver = resolve(CUDA_DRIVERS, request.param, kind="CUDA driver")()
    except ImportError as error:
        pytest.skip(f"SKIPPED, NOT PASSED: {error}")
    return driver


class RoundTrip:
    """Page-locked memory, the GPU's, and back to other page-locked memory."""

    def __init__(self, cuda: CudaDriver) -> None:
        self.cuda = cuda
        self.address, self.stream, self.event = cuda.allocate(BYTES), cuda.create_stream(), cuda.create_event()
        self.source, self.target = cuda.allocate_host(BYTES), cuda.allocate_host(BYTES)

    def queue(self) -> None:
        self.cuda.copy_to_device(self.address, self.source, self.stream)
        self.cuda.copy_to_host(self.target, self.address, self.stream)

    def finish(self) -> None:
        self.cuda.record(self.event, self.stream)
        self.cuda.wait(self.event)

    def fill(self, seed: int) -> HostBuffer:
        self.source[:] = np.random.default_rng(seed).integers(0, 256, BYTES, np.uint8)
        self.target[:] = 0
        return self.source

    def free(self) -> None:
        for buffer in (self.source, self.target):
            self.cuda.free_host(buffer)
        self.cuda.destroy_event(self.event)
        self.cuda.destroy_stream(self.stream)
        self.cuda.free(self.address)


def test_copies_there_and_back(cuda: CudaDriver) -> None:
    with cuda.active():
        trip = RoundTrip(cuda)
        sent = trip.fill(1)
        trip.queue()
        trip.finish()
        assert np.array_equal(sent, trip.target)
        trip.free()


def test_a_graph_copies_what_lies_there_when_it_is_launched(cuda: CudaDriver) -> None:
    if not cuda.supports_graphs:
        pytest.skip(f"{cuda.name} has no CUDA graphs")
    with cuda.active():
        trip = RoundTrip(cuda)
        cuda.begin_capture(trip.stream)
        trip.queue()
        graph = cuda.end_capture(trip.stream)
        for seed in (2, 3):
            sent = trip.fill(seed)
            cuda.launch(graph, trip.stream)
            trip.finish()
            assert np.array_equal(sent, trip.target)
        cuda.destroy_graph(graph)
        trip.free()


def test_works_on_another_thread_than_the_one_that_opened_it(cuda: CudaDriver) -> None:
    arrived = []

    def work() -> None:
        with cuda.active():
            trip = RoundTrip(cuda)
            sent = trip.fill(4)
            trip.queue()
            trip.finish()
            arrived.append(np.array_equal(sent, trip.target))
            trip.free()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert arrived == [True]


def test_memory_that_is_not_there_is_named_so(cuda: CudaDriver) -> None:
    with cuda.active(), pytest.raises(CudaMemoryError):
        cuda.allocate(1 << 50)
