"""The TensorRT backend on all three versions of the API, with real numbers."""

from __future__ import annotations

import concurrent.futures
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.errors import ModelError
from assistant.inference.engine_plan import BuildSettings, ProfileShapes, build_engine
from assistant.inference.fallback import EngineError, FallbackReason
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from assistant.inference.stack import DeviceStack
from assistant.inference.tensorrt_session import TensorRtSession
from tests.doubles.faults import VARIABLE
from tests.doubles.networks import tiny_network
from tests.doubles.tensorrt_module import VERSIONS
from tests.doubles.tensorrt_stack import JETPACK_6, JETPACK_7, NO_DRIVER, STACKS, THOR, fake_cuda, fake_stack

X = np.array([[0.5, -1.0, 2.0, 0.25]], np.float32)


def build(folder: Path, stack: DeviceStack, *, batch: int | str = 1, settings: BuildSettings | None = None) -> Path:
    network = tiny_network(folder / "network.onnx", batch=batch)
    engine = folder / "network.engine"
    build_engine(network, engine, settings or BuildSettings(), stack)
    return engine


def faults(monkeypatch: pytest.MonkeyPatch, *items: dict[str, Any]) -> None:
    monkeypatch.setenv(VARIABLE, json.dumps(items))


@pytest.mark.parametrize("version", VERSIONS)
def test_gives_the_numbers_of_the_network(version: str, tmp_path: Path) -> None:
    engine = build(tmp_path, STACKS[version])
    expected = OnnxRuntimeSession(tmp_path / "network.onnx").run({"x": X})
    with TensorRtSession(engine, stack=STACKS[version]) as session:
        for _ in range(3):
            outputs = session.run({"x": X})
        assert [(spec.name, spec.dtype, spec.shape) for spec in session.inputs] == [("x", np.float32, (1, 4))]
        assert [spec.name for spec in session.outputs] == ["y", "p"]
        assert outputs.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_allclose(outputs[name], values, rtol=1e-6)


@pytest.mark.parametrize("use_graph", [True, False])
def test_a_call_allocates_nothing_and_a_closed_session_leaves_nothing(tmp_path: Path, use_graph: bool) -> None:
    stack, cuda = JETPACK_7, fake_cuda("JETPACK_7")
    session = TensorRtSession(build(tmp_path, stack), stack=stack, use_graph=use_graph)
    before, launches = cuda.allocations, cuda.launches
    assert session.uses_graph == use_graph
    first = session.run({"x": X})
    second = session.run({"x": -X})
    assert cuda.allocations == before
    assert cuda.launches - launches == (2 if use_graph else 0)
    assert all(np.shares_memory(first[name], second[name]) for name in first)
    session.close()
    session.close()
    assert cuda.leaks == 0
    with pytest.raises(ModelError, match="closed"):
        session.run({"x": X})


def test_a_driver_without_graphs_and_a_capture_that_fails_run_call_by_call(tmp_path: Path) -> None:
    engine = build(tmp_path, JETPACK_6)
    cuda = fake_cuda("JETPACK_6")
    for setting in ("supports_graphs", "refuse_capture"):
        setattr(cuda, setting, not getattr(cuda, setting))
        try:
            with TensorRtSession(engine, stack=JETPACK_6) as session:
                assert not session.uses_graph
                assert session.run({"x": X})["y"].sum() == pytest.approx(1.0)
        finally:
            setattr(cuda, setting, not getattr(cuda, setting))
    assert cuda.leaks == 0


def test_runs_on_another_thread_than_it_was_loaded_on(tmp_path: Path) -> None:
    with (
        TensorRtSession(build(tmp_path, JETPACK_6), stack=JETPACK_6) as session,
        concurrent.futures.ThreadPoolExecutor(1) as thread,
    ):
        outputs = thread.submit(session.run, {"x": X}).result()
    assert outputs["y"].shape == (1, 3)


def test_dynamic_shapes_use_the_same_memory_up_to_the_profile(tmp_path: Path) -> None:
    profile = ProfileShapes((1, 4), (2, 4), (8, 4))
    engine = build(tmp_path, JETPACK_6, batch="n", settings=BuildSettings(profiles={"x": profile}))
    reference = OnnxRuntimeSession(tmp_path / "network.onnx")
    cuda = fake_cuda("JETPACK_6")
    with TensorRtSession(engine, stack=JETPACK_6) as session:
        assert session.inputs[0].shape == ("dynamic", 4)
        before = cuda.allocations
        for batch in (2, 8, 1):
            x = np.arange(batch * 4, dtype=np.float32).reshape(batch, 4)
            outputs = session.run({"x": x})
            np.testing.assert_allclose(outputs["y"], reference.run({"x": x})["y"], rtol=1e-6)
        assert cuda.allocations == before
        with pytest.raises(ModelError, match=r"does not take 'x' of shape \(9, 4\)"):
            session.run({"x": np.zeros((9, 4), np.float32)})
        assert session.run({"x": X})["y"].shape == (1, 3)


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        ({}, "takes x; got nothing"),
        ({"x": X, "z": X}, "takes x; got x, z"),
        ({"x": X.astype(np.float64)}, r"must be float32 \(1, 4\); got float64 \(1, 4\)"),
        ({"x": X[:, :3]}, r"got float32 \(1, 3\)"),
    ],
)
def test_feeds_that_do_not_fit_are_named(feeds: dict[str, Any], message: str, tmp_path: Path) -> None:
    with (
        TensorRtSession(build(tmp_path, JETPACK_6), stack=JETPACK_6) as session,
        pytest.raises(ModelError, match=message),
    ):
        session.run(feeds)


def refused(engine: Path, stack: DeviceStack, **options: Any) -> EngineError:
    with pytest.raises(EngineError) as caught:
        TensorRtSession(engine, stack=stack, **options)
    assert caught.value.remedy
    return caught.value


def test_without_a_driver_tensorrt_is_not_touched(tmp_path: Path) -> None:
    error = refused(build(tmp_path, JETPACK_6), NO_DRIVER)
    assert error.reason is FallbackReason.NO_DRIVER
    assert "libcuda.so.1" in error.message


def test_tensorrt_8_is_too_old(tmp_path: Path) -> None:
    engine = build(tmp_path, JETPACK_6)
    old = fake_stack("OLD", "10.3.0")
    old.import_tensorrt().__version__ = "8.5.2"
    assert refused(engine, old).reason is FallbackReason.TENSORRT_TOO_OLD


def test_an_engine_of_another_version_or_gpu_or_a_part_of_one_is_refused_with_tensorrts_words(tmp_path: Path) -> None:
    engine = build(tmp_path, JETPACK_6)
    assert "expecting library version 10.13.3.9 got 10.3.0" in refused(engine, JETPACK_7).message
    assert "expecting compute 11.0 got compute 8.7" in refused(engine, THOR).message
    engine.write_bytes(engine.read_bytes()[:-100])
    error = refused(engine, JETPACK_6)
    assert error.reason is FallbackReason.DESERIALIZE_FAILED
    assert "magicTag" in error.message
    assert refused(engine, JETPACK_6, sha256="0" * 64).reason is FallbackReason.HASH_MISMATCH
    assert refused(tmp_path / "none.engine", JETPACK_6).reason is FallbackReason.HASH_MISMATCH


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"at": "deserialize", "do": "none"}, FallbackReason.DESERIALIZE_FAILED),
        ({"at": "context", "do": "none"}, FallbackReason.OUT_OF_MEMORY),
        ({"at": "allocate", "do": "out-of-memory"}, FallbackReason.OUT_OF_MEMORY),
        ({"at": "execute", "do": "fail"}, FallbackReason.CUDA_FAILED),
    ],
)
def test_a_load_that_fails_says_why_and_frees_everything(
    item: dict[str, Any], reason: FallbackReason, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "FAULTY_" + "_".join(item.values())
    stack = fake_stack(name, "10.3.0")
    engine = build(tmp_path, stack)
    faults(monkeypatch, item)
    assert refused(engine, stack).reason is reason
    assert fake_cuda(name).leaks == 0
