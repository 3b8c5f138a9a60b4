"""`assistant-export` from a network to a checked bundle, as a person runs it."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
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
from tests.doubles.export_command import assistant_export, assistant_export_process, write_recipe, write_samples
from tests.doubles.tiny_networks import write_model, write_network


def build(folder: Path, *arguments: str | Path, cache: Path) -> subprocess.CompletedProcess[str]:
    samples = folder.parent / "samples"
    return assistant_export("build", folder, "--calibration", samples, *arguments, cache=cache)


def contents(bundle: Path) -> dict[str, bytes]:
    """What a bundle's manifest vouches for, and the manifest."""
    files = [path for path in bundle.rglob("*") if path.is_file()]
    return {
        path.relative_to(bundle).as_posix(): path.read_bytes()
        for path in files
        if path.name not in ("measurements.json", "report.html")
    }


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


def test_an_edited_bundle_fails_its_check(built: Path, tmp_path: Path) -> None:
    folder = write_recipe(tmp_path / "small")
    build(folder, "--out", tmp_path / "out", "--precision", "fp16", cache=built / "cache2")
    path = tmp_path / "out" / "small" / "fp16.onnx"
    path.write_bytes(path.read_bytes() + b" ")
    finished = assistant_export("check", tmp_path / "out" / "small", "--json", cache=built / "cache2")
    assert finished.returncode == 1
    [result] = json.loads(finished.stdout)
    assert not result["ok"] and "fp16.onnx: expected" in result["problem"]


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


def test_more_samples_change_the_calibration_only_where_it_counts(built: Path, tmp_path: Path) -> None:
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
