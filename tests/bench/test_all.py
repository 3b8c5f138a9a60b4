"""All measurements in a row: one that fails is named and costs no other."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import bench.__main__
from assistant.telemetry import machine

MEASURES = 'print("a table")\nprint(\'{"p50_s": 0.5}\')\n'


@pytest.fixture
def children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the measurements, each of which is over at once: Python finds a module of the current folder
    first."""
    folder = tmp_path / "bench"
    folder.mkdir()
    for name in ("__init__", *bench.__main__.NAMES):
        (folder / f"{name}.py").write_text(MEASURES if name != "__init__" else "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    cpus = tmp_path / "cpuinfo"
    cpus.write_text("processor\t: 0\nmodel name\t: Imaginary Processor 9000\n")
    board = tmp_path / "model"
    board.write_bytes(b"NVIDIA Jetson Imaginary\0")
    monkeypatch.setattr(machine, "_CPU_INFO", cpus)
    monkeypatch.setattr(machine, "_DEVICE_TREE_MODEL", board)
    return folder


def test_the_figures_stand_beside_machine_and_commit(children: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert bench.__main__.main() == 0
    head, *_, last = capfd.readouterr().out.splitlines()
    measured = json.loads(last)
    assert re.fullmatch(r"[0-9a-f]{12}(-dirty)?|unknown", measured["commit"])
    for part in ("Imaginary Processor 9000", "NVIDIA Jetson Imaginary"):
        assert part in measured["machine"]
    assert measured["machine"] in head and measured["commit"] in head
    assert all(measured[name] == {"p50_s": 0.5} for name in bench.__main__.NAMES)


def test_one_that_fails_is_named_and_costs_no_other(children: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (children / "latency.py").write_text("raise SystemExit('The assistant does not hear.')")
    (children / "vision.py").write_text(f"{MEASURES}raise SystemExit(3)")
    (children / "wake.py").write_text("print('{\"half\": ')")
    (children / "asr.py").write_text("print(42)")
    assert bench.__main__.main() == 1
    said = capfd.readouterr()
    measured = json.loads(said.out.splitlines()[-1])
    assert measured["latency"] == {"error": "bench.latency ended with exit code 1."}
    assert "does not hear" in said.err
    assert measured["vision"] == {"p50_s": 0.5, "error": "bench.vision ended with exit code 3."}
    assert '{"half":' in measured["wake"]["error"] and "42" in measured["asr"]["error"]
    assert measured["emotion"] == measured["endpointing"] == {"p50_s": 0.5}
    assert "Failed: latency, vision, asr, wake." in said.out
