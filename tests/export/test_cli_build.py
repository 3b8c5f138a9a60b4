"""`assistant-export build`: what it rejects, what it refuses, and where it goes on."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from onnx import NodeProto, helper

from assistant.errors import ModelError
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from export.errors import QuantizationError
from tests.doubles.command import ROOT
from tests.doubles.export_command import (
    assistant_export,
    assistant_export_process,
    build,
    contents,
    write_recipe,
    write_samples,
)
from tests.doubles.tiny_networks import write_model


def test_a_killed_build_goes_on_where_it_was(tmp_path: Path) -> None:
    folder = write_recipe(tmp_path / "small")
    script = (
        "import os, signal, sys, export.calibration as c\n"
        "c.calibrate = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from export.cli import main\n"
        "main()"
    )
    arguments = ["build", str(folder), "--calibration", str(tmp_path / "samples"), "--cache", str(tmp_path / "cache")]
    arguments += ["--out", str(tmp_path / "out")]
    killed = subprocess.run(
        [sys.executable, "-c", script, *arguments], cwd=ROOT, capture_output=True, timeout=120, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert not (tmp_path / "out").exists()
    finished = build(folder, "--out", tmp_path / "out", "--json", cache=tmp_path / "cache")
    [result] = json.loads(finished.stdout)
    assert result["stages_run"][0] == "calibrate"
    assert not {"export", "reference", "parity-fp32", "emit-fp16"} & set(result["stages_run"])


def test_a_variant_that_fails_its_gate_is_not_shipped_and_the_reason_is_kept(tmp_path: Path) -> None:
    folder = write_recipe(tmp_path / "small", int8=(0.9999999, 1e-9))
    finished = build(folder, "--out", tmp_path / "out", "--precision", "int8-trt", cache=tmp_path / "cache")
    assert finished.returncode == 1
    assert re.search(r"rejected: int8-trt: classes: .* is 0\.\d+, the limit is 1e-09", finished.stdout)
    bundle = tmp_path / "out" / "small"
    assert not (bundle / "int8-trt.onnx").exists() and (bundle / "fp32.onnx").exists()
    assert "int8-trt is not shipped: classes: " in (bundle / "report.html").read_text()


def test_a_reason_survives_that_layers_cannot_be_spared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_arguments: object) -> None:
        raise QuantizationError("No layer can be switched.")

    monkeypatch.setattr("export.quantize.sensitivity", fails)
    folder = write_recipe(tmp_path / "small", int8=(0.9999999, 1e-9))
    finished = build(folder, "--out", tmp_path / "out", "--precision", "int8-trt", cache=tmp_path / "cache")
    assert finished.returncode == 1
    assert re.search(
        r"rejected: int8-trt: classes: .* the limit is 1e-09; layers could not be spared: No layer can be switched\n",
        finished.stdout,
    )


def write_other_network(
    folder: Path,
    nodes: Sequence[NodeProto],
    shape: Sequence[int],
    weights: Mapping[str, NDArray[np.float32]] = MappingProxyType({}),
) -> Path:
    """A recipe folder of these nodes, from "picture" to "y", without classes."""
    write_recipe(folder, labels=0)
    write_model(folder / "model.onnx", nodes, dict(weights), inputs={"picture": [1, 3, 16, 16]}, outputs={"y": shape})
    text = (folder / "recipe.py").read_text()
    (folder / "recipe.py").write_text(
        text.replace('outputs=["classes"]', 'outputs=["y"]').replace('classes_output="classes"', "classes_output=None")
    )
    return folder


def test_a_precision_that_cannot_be_made_takes_nothing_from_the_others(tmp_path: Path) -> None:
    folder = write_other_network(
        tmp_path / "small", [helper.make_node("Exp", ["picture"], ["y"], "exp")], [1, 3, 16, 16]
    )
    finished = build(folder, "--out", tmp_path / "out", cache=tmp_path / "cache")
    assert finished.returncode == 0, finished.stderr
    assert "shipped: fp32, fp16\n" in finished.stdout
    for precision in ("int8-trt", "int8-ort"):
        assert f"rejected: {precision}: The network has no operator that INT8 could quantize\n" in finished.stdout
    page = (tmp_path / "out" / "small" / "report.html").read_text()
    assert "int8-trt is not shipped: The network has no operator that INT8 could quantize." in page


def test_a_network_for_which_there_is_no_memory_is_not_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise MemoryError

    folder, arguments = write_recipe(tmp_path / "small"), ("--out", tmp_path / "out", "--precision")
    assert build(folder, *arguments, "fp32", cache=tmp_path / "cache").returncode == 0
    before = contents(tmp_path / "out" / "small")
    monkeypatch.setattr("onnxruntime.InferenceSession", full)
    finished = build(folder, *arguments, "fp16", cache=tmp_path / "cache")
    assert finished.returncode == 1 and "Cannot allocate memory" in finished.stderr
    assert contents(tmp_path / "out" / "small") == before


def test_pruning_is_judged_by_the_same_gate(tmp_path: Path) -> None:
    folder = write_recipe(tmp_path / "small", int8=(0.99999, 1e-4))
    arguments = ("--out", tmp_path / "out", "--precision", "fp16", "--prune", "0.9")
    finished = build(folder, *arguments, cache=tmp_path / "cache")
    assert finished.returncode == 5
    assert "does not agree with its source: classes: cosine" in finished.stderr and "Prune less." in finished.stderr
    assert not (tmp_path / "out").exists()


def test_pruning_channels_asks_for_a_share_and_is_not_told_as_zeros(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["picture", "w1"], ["c"], "first"),
        helper.make_node("Conv", ["c", "w2"], ["y"], "second"),
    ]
    rng = np.random.default_rng(0)
    weights = {
        name: rng.standard_normal(shape, np.float32) for name, shape in (("w1", (8, 3, 1, 1)), ("w2", (2, 8, 1, 1)))
    }
    folder = write_other_network(tmp_path / "small", nodes, [1, 2, 16, 16], weights)
    text = (folder / "recipe.py").read_text()
    (folder / "recipe.py").write_text(text.replace("int8=(0.8, 0.6)", "int8=(0.0, 10.0)"))
    arguments = ("--out", tmp_path / "out", "--precision", "fp16", "--prune-channels")
    finished = build(folder, *arguments, cache=tmp_path / "cache")
    assert finished.returncode == 2 and "--prune 0.3" in finished.stderr
    finished = build(folder, *arguments, "--prune", "0.25", cache=tmp_path / "cache")
    assert finished.returncode == 0, finished.stderr
    manifest = json.loads((tmp_path / "out" / "small" / "manifest.json").read_text())
    assert manifest["notes"] == ["Pruned: 25% of each layer's channels were removed."]
    page = (tmp_path / "out" / "small" / "report.html").read_text()
    assert "set to zero" not in page and "channels were removed." in page


def test_a_variant_that_onnxruntimes_optimizer_refuses_has_no_latency(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def open_session(path: Path, **options: Any) -> OnnxRuntimeSession:
        if "emit-fp16" in path.parts:
            raise ModelError(f"The model {path.name} cannot be loaded: Type Error: float16.")
        return OnnxRuntimeSession(path, **options)

    monkeypatch.setattr("export.measure.OnnxRuntimeSession", open_session)
    folder = write_recipe(tmp_path / "small")
    arguments = ("--precision", "fp16", "--out", tmp_path / "out")
    finished = build(folder, *arguments, cache=tmp_path / "cache")
    assert finished.returncode == 0, finished.stderr
    assert "shipped: fp32, fp16" in finished.stdout
    page = (tmp_path / "out" / "small" / "report.html").read_text()
    assert "does not load fp16 with its optimizations: The model model.onnx cannot be loaded: Type Error" in page


def test_what_tensorrt_refuses_and_onnxruntime_runs_is_told_and_not_wrong(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["picture"], ["r"], "relu"), helper.make_node("Det", ["r"], ["y"], "det")]
    folder = write_other_network(tmp_path / "small", nodes, [1, 3])
    arguments = ("--precision", "fp16", "--out", tmp_path / "out")
    assert build(folder, *arguments, cache=tmp_path / "cache").returncode == 0
    finished = assistant_export("check", tmp_path / "out" / "small", cache=tmp_path / "cache")
    assert finished.returncode == 0, finished.stdout
    assert "ok     fp32: lint: jetpack6 refuses det: TensorRT 10.3 has no Det." in finished.stdout


def test_labels_that_do_not_match_stop_the_build(tmp_path: Path) -> None:
    folder = write_recipe(tmp_path / "small", labels=3)
    finished = build(folder, "--out", tmp_path / "out", "--precision", "fp16", cache=tmp_path / "cache")
    assert finished.returncode == 5
    assert "expected 10 labels, one for each of its classes, got 3" in finished.stderr
    assert not (tmp_path / "out").exists()


def test_labels_without_an_output_stop_the_build_before_its_long_stages(tmp_path: Path) -> None:
    folder = write_recipe(tmp_path / "small")
    text = (folder / "recipe.py").read_text()
    assert 'classes_output="classes"' in text
    (folder / "recipe.py").write_text(text.replace('classes_output="classes"', "classes_output=None"))
    finished = build(folder, "--out", tmp_path / "out", "--precision", "fp16", cache=tmp_path / "cache")
    assert finished.returncode == 5
    assert "has 10 labels, and recipe.py does not say which output they name: expected one of cla" in finished.stderr
    assert not (tmp_path / "out").exists() and not (tmp_path / "cache" / "small" / "reference").exists()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        (None, "has no samples for small: expected files that end in .npz, got 1 others"),
        ({"picture": np.zeros((1, 3, 8, 8), np.float32)}, "expected float32 [1, 3, 16, 16], got float32 [1, 3, 8, 8]"),
        ({"picture": np.zeros((1, 3, 16, 16))}, "expected float32 [1, 3, 16, 16], got float64 [1, 3, 16, 16]"),
        (
            {"image": np.zeros((1, 3, 16, 16), np.float32)},
            "the input 'picture': expected float32 [1, 3, 16, 16], got only 'image'",
        ),
        ({}, "the input 'picture': expected float32 [1, 3, 16, 16], got no input at all"),
        (
            {"picture": np.zeros((1, 3, 16, 16), np.float32), "label": np.array(3)},
            "the network has no input 'label': expected picture",
        ),
        ({"picture": np.full((1, 3, 16, 16), np.nan, np.float32)}, "holds NaN or infinite values"),
        ({"picture": np.array([object()])}, "is no archive of plain arrays"),
    ],
    ids=["empty", "shape", "type", "name", "nothing inside", "one more", "NaN", "pickle"],
)
def test_unusable_samples_are_named(arrays: dict[str, np.ndarray] | None, message: str, tmp_path: Path) -> None:
    folder = write_recipe(tmp_path / "small")
    samples = tmp_path / "mine"
    samples.mkdir()
    if arrays is None:
        (samples / "letter.txt").write_text("dear")
    else:
        np.savez(samples / "one.npz", **arrays)
    finished = assistant_export(
        "build", folder, "--calibration", samples, "--out", tmp_path / "out", cache=tmp_path / "cache"
    )
    assert finished.returncode in (2, 3)
    assert message in finished.stderr
    assert "Traceback" not in finished.stderr
    assert not (tmp_path / "out").exists()


def test_a_recipe_without_samples_asks_for_them(tmp_path: Path) -> None:
    folder = write_recipe(tmp_path / "small")
    finished = assistant_export("build", folder, "--out", tmp_path / "out", cache=tmp_path / "cache")
    assert finished.returncode == 2 and "Give --calibration DIR" in finished.stderr


def build_beside_a_parser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, tuple[str | Path, ...]]:
    """A build's arguments, and the file that it takes for TensorRT-RTX, to be written."""
    folder, parser = write_recipe(tmp_path / "small"), tmp_path / "packages" / "tensorrt_rtx.py"
    parser.parent.mkdir()
    monkeypatch.setenv("PYTHONPATH", str(parser.parent))
    return parser, ("build", folder, "--calibration", tmp_path / "samples", "--out", tmp_path / "out", "--json")


def test_a_parser_that_was_killed_is_asked_again_by_the_next_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parser, arguments = build_beside_a_parser(tmp_path, monkeypatch)
    stages = []
    for source in (
        "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)",
        "import os\nprint('{\"problems\": []}', flush=True)\nos._exit(0)",
    ):
        parser.write_text(source)
        finished = assistant_export_process(*arguments, cache=tmp_path / "cache")
        assert finished.returncode == 0, finished.stderr
        [result] = json.loads(finished.stdout)
        assert "int8-trt" in result["shipped"]
        stages.append(set(result["stages_run"]))
        page = (tmp_path / "out" / "small" / "report.html").read_text()
        answered = "parsed and built the files for TensorRT." in page
        assert answered != ("It came to no answer about fp32, fp16, int8-trt, as the lint says." in page)
    assert answered and stages[1] == {"lint-fp32", "lint-fp16", "lint-int8-trt"}


def test_a_parser_that_crashes_is_not_asked_again_of_the_same_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parser, arguments = build_beside_a_parser(tmp_path, monkeypatch)
    parser.write_text("import os, sys\nprint(os.getpid(), file=sys.stderr, flush=True)\nos.abort()")
    first, second = (json.loads(assistant_export_process(*arguments, cache=tmp_path / "cache").stdout) for _ in "12")
    assert "it died (SIGABRT)" in first[0]["rejected"]["int8-trt"][0] and second[0]["rejected"] == first[0]["rejected"]
    assert second[0]["stages_run"] == [] and not second[0]["published"]
    bundle = contents(tmp_path / "out" / "small")
    assistant_export_process(*arguments, cache=tmp_path / "another")
    assert contents(tmp_path / "out" / "small") == bundle


def test_more_samples_change_the_calibration_only_where_it_counts(tmp_path: Path) -> None:
    folder = write_recipe(tmp_path / "small")
    assert build(folder, "--out", tmp_path / "out", "--precision", "fp16", cache=tmp_path / "cache").returncode == 0
    write_samples(tmp_path / "samples", count=15)
    finished = build(folder, "--out", tmp_path / "out", "--precision", "fp16", "--json", cache=tmp_path / "cache")
    [result] = json.loads(finished.stdout)
    assert "reference" in result["stages_run"] and not {"export", "emit-fp16"} & set(result["stages_run"])


@pytest.mark.parametrize("field", ["sources", "sample_networks"])
def test_another_network_that_samples_are_made_with_makes_them_anew(tmp_path: Path, field: str) -> None:
    folder = write_recipe(tmp_path / "small", int8=(0.9999999, 1e-9))
    finder = folder / "finder.onnx"
    finder.write_bytes(b"one")
    names = ["model.onnx", finder.name] if field == "sources" else [finder.name]
    (folder / "recipe.py").write_text(
        (folder / "recipe.py").read_text() + "\nfrom dataclasses import replace\n\n"
        f"RECIPE = replace(RECIPE, {field}=lambda store: [Path(__file__).with_name(name) for name in {names}])\n"
    )
    arguments = ("--out", tmp_path / "out", "--json")
    assert build(folder, *arguments, cache=tmp_path / "cache").returncode == 0
    manifest = json.loads((tmp_path / "out" / "small" / "manifest.json").read_text())
    assert ("finder.onnx" in manifest["source"]) == (field == "sources")
    assert (", made with finder.onnx; compared on" in manifest["calibration"]) == (field == "sample_networks")
    finder.write_bytes(b"two")
    [result] = json.loads(build(folder, *arguments, cache=tmp_path / "cache").stdout)
    assert {"reference", "calibrate", "sensitivity"} <= set(result["stages_run"])
    assert ("export" in result["stages_run"]) == (field == "sources")
