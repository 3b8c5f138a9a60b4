"""`assistant-export` from a network to a checked bundle, as a person runs it."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.doubles.command import ROOT
from tests.doubles.export_command import (
    assistant_export,
    assistant_export_process,
    build,
    contents,
    write_recipe,
)
from tests.doubles.tiny_networks import write_network


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `cache/`, `small/` (the recipe) and `out/small/` (its bundle)."""
    place = tmp_path_factory.mktemp("built")
    folder = write_recipe(place / "small")
    finished = build(folder, "--out", place / "out", cache=place / "cache")
    assert finished.returncode == 0, finished.stderr
    return place


def test_build_ships_every_precision_and_check_agrees(built: Path) -> None:
    manifest = json.loads((built / "out" / "small" / "manifest.json").read_text())
    assert [variant["precision"] for variant in manifest["variants"]] == ["fp32", "fp16", "int8-trt", "int8-ort"]
    finished = assistant_export_process("check", built / "out" / "small", cache=built / "cache")
    assert finished.returncode == 0, finished.stdout
    assert "ok     int8-trt: golden pairs" in finished.stdout and "wrong" not in finished.stdout


def test_an_unchanged_build_does_nothing_and_says_so(built: Path) -> None:
    finished = build(built / "small", "--out", built / "out", cache=built / "cache")
    assert "small: unchanged, nothing to do" in finished.stdout
    finished = build(built / "small", "--out", built / "out", "--json", cache=built / "cache")
    [result] = json.loads(finished.stdout)
    assert result["stages_run"] == [] and not result["published"]


def test_an_unchanged_build_imports_no_runtime(built: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "export", "build", built / "small"]
    command += ["--calibration", built / "samples", "--out", built / "out", "--cache", built / "cache"]
    env = {**os.environ, "XDG_CONFIG_HOME": os.devnull}
    finished = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=True)
    assert "small: unchanged, nothing to do" in finished.stdout
    assert "export.pipeline" in finished.stderr and "onnxruntime" not in finished.stderr


def test_two_builds_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    folder = write_recipe(tmp_path / "elsewhere" / "small")
    assert build(folder, "--out", tmp_path / "out", cache=tmp_path / "cache").returncode == 0
    assert contents(tmp_path / "out" / "small") == contents(built / "out" / "small")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/quant.onnx"), "No space left on device"),
        (MemoryError(), "Cannot allocate memory"),
    ],
)
def test_a_machine_without_room_takes_no_precision_from_the_bundle_that_is_there(
    built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    def full(*_arguments: object) -> None:
        raise error

    folder, out = write_recipe(tmp_path / "small"), shutil.copytree(built / "out", tmp_path / "out")
    before = contents(out / "small")
    monkeypatch.setattr("onnxruntime.quantization.qdq_quantizer.QDQQuantizer.quantize_model", full)
    finished = build(folder, "--out", out, cache=tmp_path / "cache")
    assert finished.returncode == 1 and message in finished.stderr and "Traceback" not in finished.stderr
    assert contents(out / "small") == before


def test_an_edited_bundle_fails_its_check(built: Path, tmp_path: Path) -> None:
    folder = write_recipe(tmp_path / "small")
    build(folder, "--out", tmp_path / "out", "--precision", "fp16", cache=built / "cache2")
    path = tmp_path / "out" / "small" / "fp16.onnx"
    path.write_bytes(path.read_bytes() + b" ")
    finished = assistant_export("check", tmp_path / "out" / "small", "--json", cache=built / "cache2")
    assert finished.returncode == 1
    [result] = json.loads(finished.stdout)
    assert not result["ok"] and "fp16.onnx: expected" in result["problem"]


@pytest.mark.parametrize(
    ("edit", "check", "message"),
    [
        (lambda m: m.update(golden=[]), "golden pairs", "names no golden pair"),
        (lambda m: m["variants"][0].update(tolerances={}), "gate", "its tolerances are not those of the gate"),
        (
            lambda m: m["variants"][0]["tolerances"]["classes"].update(min_cosine=-1.0),
            "gate",
            "its tolerances are not those of the gate",
        ),
        (lambda m: m["variants"][0]["gate"][0].update(passed=False), "gate", "fp32.onnx did not pass: classes: NaN"),
    ],
    ids=["no golden pairs", "no tolerances", "wide tolerances", "a gate that was not passed"],
)
def test_a_manifest_that_asks_for_nothing_is_wrong(
    built: Path, tmp_path: Path, edit: Callable[[dict[str, Any]], object], check: str, message: str
) -> None:
    copy = shutil.copytree(built / "out" / "small", tmp_path / "small")
    manifest = json.loads((copy / "manifest.json").read_text())
    edit(manifest)
    (copy / "manifest.json").write_text(json.dumps(manifest))
    finished = assistant_export("check", copy, cache=tmp_path)
    assert finished.returncode == 1
    assert re.search(f"^wrong  fp32: {check}: .*{message}", finished.stdout, re.MULTILINE)


def test_unknown_names_are_answered_with_the_known_ones(tmp_path: Path) -> None:
    finished = assistant_export_process("build", "nonesuch", cache=tmp_path)
    assert finished.returncode == 2 and "object-detector" in finished.stderr
    finished = assistant_export("build", "object-detector", "--precision", "int4", cache=tmp_path)
    assert finished.returncode == 2 and "int8-trt" in finished.stderr


def test_a_recipe_that_fails_keeps_no_other_from_being_built(built: Path, tmp_path: Path) -> None:
    bad = write_recipe(tmp_path / "bad", labels=3)
    good = built / "small"
    arguments = ("--calibration", built / "samples", "--out", tmp_path / "out", "--precision", "fp16")
    finished = assistant_export("build", bad, good, *arguments, "--json", cache=tmp_path / "cache")
    assert finished.returncode == 5
    first, second = json.loads(finished.stdout)
    assert first["recipe"] == "bad" and "expected 10 labels" in first["error"]
    assert second["recipe"] == "small" and second["shipped"] == ["fp32", "fp16"]
    assert "bad is not built. The labels do not match" in finished.stderr
    alone = assistant_export("build", bad, *arguments, "--json", cache=tmp_path / "cache")
    assert [row["recipe"] for row in json.loads(alone.stdout)] == ["bad"]
    assert alone.stderr.count("The labels do not match") == 1


def test_list_shows_what_is_here_and_what_was_built(built: Path, tmp_path: Path) -> None:
    rows = json.loads(assistant_export("list", "--json", "--out", built / "out", cache=tmp_path).stdout)
    by_name = {row["name"]: row for row in rows}
    assert by_name["image-encoder-vit"]["random_weights"] and by_name["image-encoder-vit"]["here"]
    assert by_name["object-detector"]["licence"] == "unstated"
    assert by_name["object-detector"]["last_built"] is None


def test_lint_exits_with_1_for_what_tensorrt_refuses(built: Path, tmp_path: Path) -> None:
    bundle = built / "out" / "small"
    assert assistant_export("lint", bundle / "int8-trt.onnx", cache=tmp_path).returncode == 0
    finished = assistant_export("lint", bundle / "int8-ort.onnx", "--target", "jetpack7", "--json", cache=tmp_path)
    assert finished.returncode == 1
    assert any(item["severity"] == "error" and item["node"] for item in json.loads(finished.stdout))
    assert assistant_export("lint", bundle / "fp32.onnx", "--target", "jetpack4", cache=tmp_path).returncode == 2


def test_import_and_report_print_json_for_machines(built: Path, tmp_path: Path) -> None:
    write_network(tmp_path / "net.onnx")
    imported = assistant_export("import", tmp_path / "net.onnx", "--out", tmp_path / "in", "--json", cache=tmp_path)
    assert json.loads(imported.stdout) == {"recipe": str(tmp_path / "in" / "net")}
    page = tmp_path / "page.html"
    reported = assistant_export("report", built / "out" / "small", "--out", page, "--json", cache=tmp_path)
    assert json.loads(reported.stdout) == {"report": str(page), "size_bytes": page.stat().st_size}


def test_compile_without_a_driver_says_so_and_writes_nothing(built: Path, tmp_path: Path) -> None:
    if Path("/dev/nvidiactl").exists() or Path("/dev/nvhost-gpu").exists():
        pytest.skip("there is a GPU here")
    engines = tmp_path / "engines"
    finished = assistant_export("compile", built / "out" / "small", "--engines", engines, cache=tmp_path)
    assert finished.returncode != 0 and "no NVIDIA driver" in finished.stderr
    assert not engines.exists()
