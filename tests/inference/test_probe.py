"""Asking the driver, before anything heavier is loaded."""

from __future__ import annotations

import ctypes
from types import SimpleNamespace
from typing import Any

import pytest

from assistant.inference.probe import DriverProbe, Gpu, probe_driver


def driver(*, init: int = 0, gpus: tuple[tuple[bytes, int, int], ...] = ((b"Orin", 8, 7),)) -> Any:
    """A `libcuda` whose functions are Python's."""

    def put(reference: Any, value: int) -> int:
        reference._obj.value = value
        return 0

    def name(buffer: Any, size: int, device: ctypes.c_int) -> int:
        buffer.value = gpus[device.value][0]
        return 0

    return SimpleNamespace(
        cuInit=lambda flags: init,
        cuDeviceGetCount=lambda count: put(count, len(gpus)),
        cuDriverGetVersion=lambda version: put(version, 12060),
        cuDeviceGet=lambda device, ordinal: put(device, ordinal),
        cuDeviceGetName=name,
        cuDeviceGetAttribute=lambda value, which, device: put(value, gpus[device.value][{75: 1, 76: 2}[which]]),
    )


def test_names_each_gpu() -> None:
    found = probe_driver(lambda _: driver(gpus=((b"Orin", 8, 7), (b"RTX A2000", 8, 6))))
    assert found == DriverProbe((Gpu("Orin", "8.7"), Gpu("RTX A2000", "8.6")), "12.6")


@pytest.mark.parametrize(
    ("library", "words"),
    [
        (driver(init=100), "refuses cuInit: no CUDA-capable device"),
        (driver(init=34), "stub"),
        (driver(init=7), "an error (code 7)"),
        (driver(gpus=()), "has no GPU"),
        (SimpleNamespace(), "no CUDA driver"),
    ],
)
def test_says_why_there_is_none(library: Any, words: str) -> None:
    found = probe_driver(lambda _: library)
    assert not found.gpus
    assert words in found.problem


def test_a_machine_without_a_driver() -> None:
    def load(name: str) -> Any:
        raise OSError(f"{name}: cannot open shared object file")

    assert "libcuda.so.1" in probe_driver(load).problem
