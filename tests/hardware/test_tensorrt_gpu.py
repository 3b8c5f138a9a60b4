"""TensorRT and a GPU as they really are. Skipped, and said so, where one of them is missing."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from assistant.inference.engine_build import compile_bundle
from assistant.inference.engine_options import CompileOptions
from assistant.inference.engine_plan import BuildSettings, ProfileShapes, build_engine
from assistant.inference.fallback import EngineError, FallbackReason
from assistant.inference.fingerprint import host_fingerprint
from assistant.inference.loader import SessionOptions, open_session
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from assistant.inference.stack import SYSTEM
from assistant.inference.tensorrt_log import log_of
from assistant.inference.tensorrt_session import TensorRtSession
from tests.doubles.networks import tiny_bundle, tiny_network

X = np.array([[0.5, -1.0, 2.0, 0.25]], np.float32)
pytestmark = [
    pytest.mark.gpu,
    # TensorRT's objects say this of themselves when they are freed.
    pytest.mark.filterwarnings("ignore:Use del obj instead:DeprecationWarning"),
]


@pytest.fixture(autouse=True, scope="module")
def gpu() -> Iterator[None]:
    """Skip with the reason, which names what is missing."""
    try:
        SYSTEM.tensorrt()
        SYSTEM.cuda()
    except EngineError as error:
        pytest.skip(f"SKIPPED, NOT PASSED: no engine can be run here. {error}")
    yield
    log_of.cache_clear()
    gc.collect()  # what errors still hold of TensorRT goes while its warning is ignored


def test_names_the_machine() -> None:
    host = host_fingerprint(SYSTEM)
    assert host.gpu
    assert float(host.sm) >= 5.0
    module = SYSTEM.tensorrt().__name__
    installed = {metadata.version(package) for package in metadata.packages_distributions()[module]}
    flavour = "RTX " if module == "tensorrt_rtx" else ""
    assert host.tensorrt in {f"{flavour}{version}" for version in installed}


@pytest.mark.parametrize("use_graph", [True, False])
def test_gives_the_numbers_of_the_network(use_graph: bool, tmp_path: Path) -> None:
    network = tiny_network(tmp_path / "network.onnx")
    build_engine(network, tmp_path / "network.engine", BuildSettings(workspace_bytes=64 << 20), SYSTEM)
    expected = OnnxRuntimeSession(network).run({"x": X})
    with TensorRtSession(tmp_path / "network.engine", use_graph=use_graph) as session:
        assert session.uses_graph == (use_graph and SYSTEM.cuda().supports_graphs)
        for _ in range(3):
            outputs = session.run({"x": X})
        for name, values in expected.items():
            np.testing.assert_allclose(outputs[name], values, rtol=1e-2, atol=1e-3)


def test_dynamic_shapes(tmp_path: Path) -> None:
    network = tiny_network(tmp_path / "network.onnx", batch="n")
    settings = BuildSettings(profiles={"x": ProfileShapes((1, 4), (2, 4), (8, 4))})
    build_engine(network, tmp_path / "network.engine", settings, SYSTEM)
    reference = OnnxRuntimeSession(network)
    with TensorRtSession(tmp_path / "network.engine") as session:
        for batch in (2, 8, 1):
            x = np.arange(batch * 4, dtype=np.float32).reshape(batch, 4) / 32
            expected = reference.run({"x": x})["y"]
            np.testing.assert_allclose(session.run({"x": x})["y"], expected, rtol=1e-2, atol=1e-3)


def test_a_part_of_an_engine_is_refused_with_tensorrts_words(tmp_path: Path) -> None:
    network = tiny_network(tmp_path / "network.onnx")
    engine = tmp_path / "network.engine"
    build_engine(network, engine, BuildSettings(), SYSTEM)
    engine.write_bytes(engine.read_bytes()[:100])
    with pytest.raises(EngineError) as caught:
        TensorRtSession(engine)
    assert caught.value.reason is FallbackReason.DESERIALIZE_FAILED
    assert "it gave no reason" not in caught.value.message


def test_what_tensorrt_cannot_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "network.onnx").write_bytes(b"not a network")
    with pytest.raises(EngineError, match="cannot read"):
        build_engine(tmp_path / "network.onnx", tmp_path / "network.engine", BuildSettings(), SYSTEM)


def test_a_bundle_becomes_an_engine_that_the_loader_opens(tmp_path: Path) -> None:
    bundle, cache = tiny_bundle(tmp_path / "bundle"), tmp_path / "cache"
    options = CompileOptions(runs=20, workspace_bytes=64 << 20)
    report = compile_bundle(bundle, cache, options)
    assert report.ok, report.as_json()
    assert compile_bundle(bundle, cache, options).cached
    session = open_session(bundle, SessionOptions(cache=cache, compilation=options))
    try:
        assert (session.backend, session.reason) == ("tensorrt", None)
        np.testing.assert_allclose(session.run({"x": X})["y"].sum(), 1.0, atol=1e-2)
    finally:
        session.close()
