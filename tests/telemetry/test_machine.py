"""The description of the machine."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest

from assistant.telemetry import machine
from assistant.telemetry.machine import describe_machine


def test_this_machine_is_described() -> None:
    here = describe_machine()
    assert here.cpu
    assert here.cores >= 1
    assert here.memory_gib > 0
    assert here.python == platform.python_version()
    assert here.cpu in str(here)


def test_a_board_is_named_from_its_device_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "model"
    model.write_bytes(b"NVIDIA Jetson Orin Nano Developer Kit\0")
    monkeypatch.setattr(machine, "_DEVICE_TREE_MODEL", model)
    assert str(describe_machine()).startswith("NVIDIA Jetson Orin Nano Developer Kit, ")
