"""Compiling a bundle on a machine with the TensorRT double, whatever its children die of."""

from __future__ import annotations

import functools
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import IntegrityError
from assistant.inference.engine_build import compile_bundle
from assistant.inference.engine_cache import Choice, EngineCache, VariantResult
from assistant.inference.engine_options import CompileOptions
from assistant.inference.engine_plan import ProfileShapes
from assistant.inference.fallback import EngineError, FallbackReason
from export.commands import compile_on_device
from tests.doubles.networks import tiny_bundle
from tests.doubles.tensorrt_module import VERSIONS
from tests.doubles.tensorrt_stack import JETPACK_6, JETPACK_7, NO_DRIVER, STACKS
from tests.inference.conftest import Faults

FP16_ONLY = CompileOptions(precisions=("fp16",), runs=3)
BOTH = CompileOptions(runs=3)
SLOW_FP16 = {"at": "execute", "do": "sleep 0.2", "file": "fp16"}
SLOW_INT8 = {"at": "execute", "do": "sleep 0.2", "file": "int8"}


def variant(choice: Choice, precision: str) -> VariantResult:
    return next(result for result in choice.variants if result.precision == precision)


def files(cache: Path) -> set[str]:
    return {path.suffix for path in cache.rglob("*") if path.is_file() and path.name != ".lock"}


@pytest.mark.parametrize("version", VERSIONS)
def test_an_engine_is_built_checked_and_published(version: str, tmp_path: Path) -> None:
    report = compile_bundle(tiny_bundle(tmp_path / "bundle"), tmp_path / "cache", FP16_ONLY, stack=STACKS[version])
    assert report.ok
    assert (report.choice.winner, report.choice.host.tensorrt) == ("fp16", version)
    assert {found.output for found in variant(report.choice, "fp16").parity} == {"y", "p"}
    assert variant(report.choice, "fp16").median_ms


@pytest.mark.usefixtures("jobs_here")
def test_int8_wins_where_it_is_right_and_faster(tmp_path: Path, faults: Faults) -> None:
    bundle = tiny_bundle(tmp_path / "bundle")
    faults(SLOW_FP16)
    said: list[str] = []
    report = compile_bundle(bundle, tmp_path / "cache", BOTH, stack=JETPACK_7, notify=said.append)
    assert report.choice.winner == "int8-trt"
    assert [result.status for result in report.choice.variants] == ["lost", "won"]
    winner = variant(report.choice, "int8-trt")
    assert winner.parity
    assert winner.median_ms is not None and winner.median_ms < 200
    assert "gain of" in report.choice.reason
    assert said[-1] == report.choice.reason
    engines = list((tmp_path / "cache" / "tiny").glob("*.engine"))
    assert [engine.stem for engine in engines] == [report.choice.engine], "only the winner stays"
    assert list((tmp_path / "cache" / "timing").glob("*.cache"))


@pytest.mark.usefixtures("jobs_here")
def test_fp16_stays_where_int8_is_slower(tmp_path: Path, faults: Faults) -> None:
    faults(SLOW_INT8)
    report = compile_bundle(tiny_bundle(tmp_path / "bundle"), tmp_path / "cache", BOTH, stack=JETPACK_6)
    assert report.choice.winner == "fp16"
    assert "less than the 5%" in report.choice.reason


@pytest.mark.usefixtures("jobs_here")
def test_a_precision_that_answers_wrongly_is_rejected(tmp_path: Path, faults: Faults) -> None:
    faults({"at": "execute", "do": "nan", "file": "int8"})
    report = compile_bundle(tiny_bundle(tmp_path / "bundle"), tmp_path / "cache", BOTH, stack=JETPACK_6)
    assert report.choice.winner == "fp16"
    rejected = variant(report.choice, "int8-trt")
    assert rejected.status == "rejected"
    assert "not finite" in rejected.reason


@pytest.mark.usefixtures("jobs_here")
def test_fp32_is_next_when_no_narrower_precision_answers_right(tmp_path: Path, faults: Faults) -> None:
    faults({"at": "execute", "do": "noise", "file": "fp16"})
    report = compile_bundle(tiny_bundle(tmp_path / "bundle"), tmp_path / "cache", FP16_ONLY, stack=JETPACK_6)
    assert report.choice.winner == "fp32"
    assert "cosine" in variant(report.choice, "fp16").reason


@pytest.mark.usefixtures("jobs_here")
def test_a_bundle_of_which_only_fp32_was_right_gets_an_engine_too(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "bundle", precisions=("fp32",))
    assert compile_bundle(bundle, tmp_path / "cache", BOTH, stack=JETPACK_6).choice.winner == "fp32"


@pytest.mark.parametrize(
    ("death", "outcome", "words"),
    [
        ("segfault", "crashed", "SIGSEGV"),
        ("oom-kill", "killed", "memory runs out"),
        ("hang", "timed-out", "took longer than 8 s"),
        ("out-of-memory", "out-of-memory", "OutOfMemory"),
    ],
)
def test_a_build_that_dies_is_tried_with_less_workspace(
    death: str, outcome: str, words: str, tmp_path: Path, faults: Faults
) -> None:
    faults({"at": "build", "do": death, "workspace_over": 600 << 20})
    options = CompileOptions(precisions=("fp16",), runs=3, build_timeout_s=8.0 if death == "hang" else 60.0)
    report = compile_bundle(tiny_bundle(tmp_path / "bundle"), tmp_path / "cache", options, stack=JETPACK_6)
    attempts = variant(report.choice, "fp16").attempts
    assert report.choice.winner == "fp16"
    assert [attempt.outcome for attempt in attempts][:1] == [outcome]
    assert attempts[-1].outcome == "built"
    assert attempts[-1].workspace_bytes < attempts[0].workspace_bytes == 1 << 30
    assert words in attempts[0].message


def test_then_fp16_only_then_onnxruntime_with_the_reason(tmp_path: Path, faults: Faults) -> None:
    bundle = tiny_bundle(tmp_path / "bundle")
    faults({"at": "build", "do": "segfault", "file": "int8"})
    report = compile_bundle(bundle, tmp_path / "cache", BOTH, stack=JETPACK_6)
    assert report.choice.winner == "fp16"
    failed = variant(report.choice, "int8-trt")
    assert (failed.status, len(failed.attempts)) == ("failed", 3)
    faults({"at": "build", "do": "segfault"})
    report = compile_bundle(bundle, tmp_path / "cache", FP16_ONLY, stack=JETPACK_6, force=True)
    assert not report.ok
    assert report.choice.reason_code is FallbackReason.BUILD_FAILED
    assert "SIGSEGV" in report.choice.reason
    assert files(tmp_path / "cache" / "tiny") == {".json"}
    assert '"reason_code": "build-failed"' in report.as_json()


@pytest.mark.usefixtures("jobs_here")
def test_what_tensorrt_cannot_read_is_named_and_not_tried_again(tmp_path: Path, faults: Faults) -> None:
    faults({"at": "parse", "do": "refuse"})
    report = compile_bundle(tiny_bundle(tmp_path / "bundle"), tmp_path / "cache", FP16_ONLY, stack=JETPACK_6)
    failed = variant(report.choice, "fp16")
    assert [attempt.outcome for attempt in failed.attempts] == ["refused"]
    assert "'/body/frobnicate', Frobnicate" in failed.reason


def test_an_engine_that_kills_whoever_loads_it_is_left_out(tmp_path: Path, faults: Faults) -> None:
    faults({"at": "deserialize", "do": "segfault", "file": "int8"})
    report = compile_bundle(tiny_bundle(tmp_path / "bundle"), tmp_path / "cache", BOTH, stack=JETPACK_6)
    assert report.choice.winner == "fp16"
    assert "SIGSEGV" in variant(report.choice, "int8-trt").reason


@pytest.mark.usefixtures("jobs_here")
def test_a_dynamic_axis_needs_a_profile(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "bundle", batch="n")
    report = compile_bundle(bundle, tmp_path / "cache", FP16_ONLY, stack=JETPACK_6)
    assert "'x'" in report.choice.reason and "no profile" in report.choice.reason
    options = CompileOptions(precisions=("fp16",), runs=3, profiles={"x": ProfileShapes((1, 4), (1, 4), (4, 4))})
    assert compile_bundle(bundle, tmp_path / "cache", options, stack=JETPACK_6).choice.winner == "fp16"


def test_without_a_driver_nothing_is_touched(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "bundle")
    with pytest.raises(EngineError, match=r"libcuda\.so\.1") as caught:
        compile_bundle(bundle, tmp_path / "cache", stack=NO_DRIVER)
    assert caught.value.reason is FallbackReason.NO_DRIVER
    assert caught.value.remedy
    assert not (tmp_path / "cache").exists()


def test_an_altered_bundle_is_not_compiled(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "bundle")
    with (bundle / "fp16.onnx").open("ab") as file:
        file.write(b"!")
    with pytest.raises(IntegrityError, match=r"fp16\.onnx"):
        compile_bundle(bundle, tmp_path / "cache", stack=JETPACK_6)


@pytest.mark.usefixtures("jobs_here")
def test_a_bundle_without_golden_pairs_proves_nothing(tmp_path: Path) -> None:
    bundle = tiny_bundle(tmp_path / "bundle", pairs=0)
    report = compile_bundle(bundle, tmp_path / "cache", FP16_ONLY, stack=JETPACK_6)
    assert report.choice.reason_code is FallbackReason.PARITY_FAILED
    assert "no golden pairs" in report.choice.reason


def test_an_unchanged_bundle_is_not_compiled_again_and_a_changed_machine_is(tmp_path: Path, faults: Faults) -> None:
    bundle, cache = tiny_bundle(tmp_path / "bundle"), tmp_path / "cache"
    first = compile_bundle(bundle, cache, FP16_ONLY, stack=JETPACK_6)
    faults({"at": "build", "do": "segfault"})
    again = compile_bundle(bundle, cache, FP16_ONLY, stack=JETPACK_6)
    assert again.cached
    assert again.choice == first.choice
    faults()
    updated = compile_bundle(bundle, cache, FP16_ONLY, stack=JETPACK_7)
    assert not updated.cached
    assert updated.choice.engine != first.choice.engine


def test_an_interrupted_compilation_goes_on_with_the_engines_that_it_has(tmp_path: Path, faults: Faults) -> None:
    bundle, cache = tiny_bundle(tmp_path / "bundle"), tmp_path / "cache"
    compile_bundle(bundle, cache, FP16_ONLY, stack=JETPACK_6)
    (cache / "tiny" / "choice.json").unlink()
    (cache / "tiny" / ".x.engine.abc.part").write_bytes(b"half")
    faults({"at": "build", "do": "segfault"})
    report = compile_bundle(bundle, cache, FP16_ONLY, stack=JETPACK_6)
    assert report.choice.winner == "fp16"
    assert variant(report.choice, "fp16").attempts == ()
    assert ".part" not in files(cache)


def test_a_full_disk_leaves_nothing_and_says_so(tmp_path: Path, faults: Faults) -> None:
    faults({"at": "build", "do": "disk-full"})
    with pytest.raises(EngineError, match="cannot be written") as caught:
        compile_bundle(tiny_bundle(tmp_path / "bundle"), tmp_path / "cache", FP16_ONLY, stack=JETPACK_6)
    assert "space" in str(caught.value.remedy)
    assert files(tmp_path / "cache") == set()


def test_of_two_processes_one_builds_and_the_other_uses_it(tmp_path: Path, faults: Faults) -> None:
    bundle = tiny_bundle(tmp_path / "bundle")
    program = (
        "import sys; from pathlib import Path; from assistant.inference.engine_build import compile_bundle;"
        "from assistant.inference.engine_options import CompileOptions;"
        "from tests.doubles.tensorrt_stack import JETPACK_6;"
        "options = CompileOptions(precisions=('fp16',), runs=3);"
        "print(compile_bundle(Path(sys.argv[1]), Path(sys.argv[2]), options, stack=JETPACK_6).cached)"
    )
    command = [sys.executable, "-c", program, str(bundle), str(tmp_path / "cache")]

    def compile_it(_: int) -> str:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    with ThreadPoolExecutor(2) as both:
        assert sorted(both.map(compile_it, range(2))) == ["False", "True"]


def test_who_cannot_wait_is_told_that_another_builds(tmp_path: Path) -> None:
    bundle, cache = tiny_bundle(tmp_path / "bundle"), tmp_path / "cache"
    with EngineCache(cache).building("tiny", wait_s=0), pytest.raises(EngineError, match="Another process"):
        compile_bundle(bundle, cache, FP16_ONLY, stack=JETPACK_6, wait_s=0)


@pytest.mark.usefixtures("jobs_here")
def test_compile_prints_every_attempt_for_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    compiled = functools.partial(compile_bundle, options=BOTH, stack=JETPACK_6)
    monkeypatch.setattr("assistant.inference.engine_build.compile_bundle", compiled)
    bundle, cache = tiny_bundle(tmp_path / "bundle"), tmp_path / "cache"

    def printed(*, force: bool) -> dict[str, Any]:
        assert compile_on_device(bundle, cache, as_json=True, force=force) == 0
        report: dict[str, Any] = json.loads(capsys.readouterr().out)
        return report

    first = printed(force=False)
    assert first["choice"]["winner"] in ("fp16", "int8-trt")
    assert {item["precision"] for item in first["choice"]["variants"]} == {"fp16", "int8-trt"}
    assert printed(force=False)["cached"] and not printed(force=True)["cached"]
