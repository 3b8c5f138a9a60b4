"""Every inference backend in the registry on a small network of known arithmetic."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from assistant.errors import DependencyMissingError, ModelError
from assistant.inference import BACKENDS
from assistant.inference.engine_plan import BuildSettings, ProfileShapes, build_engine
from assistant.ports import InferenceSession
from assistant.registry import resolve
from tests.doubles.tensorrt_stack import JETPACK_6

Load = Callable[[Path], InferenceSession]


def _onnx_file(folder: Path) -> Path:
    """doubled = 2 * image, with a dynamic batch axis; counted = int64 shape of it."""
    graph = helper.make_graph(
        [
            helper.make_node("Add", ["image", "image"], ["doubled"]),
            helper.make_node("Shape", ["image"], ["counted"]),
        ],
        "double",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["N", 2, 3])],
        [
            helper.make_tensor_value_info("doubled", TensorProto.FLOAT, ["N", 2, 3]),
            helper.make_tensor_value_info("counted", TensorProto.INT64, [3]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / "double.onnx")
    return folder / "double.onnx"


def _engine_file(folder: Path) -> Path:
    """The same as an engine of the TensorRT double."""
    profile = ProfileShapes((1, 2, 3), (1, 2, 3), (8, 2, 3))
    settings = BuildSettings(profiles={"image": profile})
    build_engine(_onnx_file(folder), folder / "double.engine", settings, JETPACK_6)
    return folder / "double.engine"


_FILES = {"onnxruntime": _onnx_file, "tensorrt": _engine_file}
"""How the network is written for a backend: each loads files of its own kind."""
_OPTIONS: dict[str, dict[str, Any]] = {"onnxruntime": {}, "tensorrt": {"stack": JETPACK_6}}
"""What a backend needs that this machine may not have."""


@pytest.fixture(params=sorted(BACKENDS))
def load(request: pytest.FixtureRequest) -> Load:
    try:
        backend: Load = resolve(BACKENDS, request.param, kind="inference backend")
    except DependencyMissingError as error:
        pytest.skip(str(error))
    return functools.partial(backend, **_OPTIONS[request.param])


@pytest.fixture
def session(load: Load, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InferenceSession]:
    opened = load(_FILES[request.node.callspec.params["load"]](tmp_path))
    yield opened
    opened.close()


def images(count: int) -> np.ndarray:
    return np.arange(count * 6, dtype=np.float32).reshape(count, 2, 3)


def test_tells_names_dtypes_and_shapes(session: InferenceSession, request: pytest.FixtureRequest) -> None:
    assert session.backend == request.node.callspec.params["load"]
    (image,) = session.inputs
    assert (image.name, image.dtype) == ("image", np.dtype(np.float32))
    assert isinstance(image.shape[0], str), "a dynamic axis has a name"
    assert image.shape[1:] == (2, 3)
    outputs = {spec.name: spec for spec in session.outputs}
    assert outputs["doubled"].dtype == np.float32
    assert outputs["counted"].dtype == np.int64
    assert outputs["counted"].shape == (3,)


@pytest.mark.parametrize("count", [1, 3])
def test_computes_outputs_by_name(session: InferenceSession, count: int) -> None:
    outputs = session.run({"image": images(count)})
    assert set(outputs) == {"doubled", "counted"}
    assert np.array_equal(outputs["doubled"], 2 * images(count))
    assert outputs["counted"].tolist() == [count, 2, 3]


def test_input_in_any_memory_layout(session: InferenceSession) -> None:
    """What preprocessors hand over is often a view."""
    view = np.ascontiguousarray(images(2).transpose(2, 1, 0)).transpose(2, 1, 0)
    assert not view.flags.c_contiguous
    assert np.array_equal(session.run({"image": view})["doubled"], 2 * images(2))


def test_can_be_closed_twice(session: InferenceSession) -> None:
    session.close()
    session.close()


@pytest.mark.parametrize("content", [None, b"", b"hello"])
def test_a_file_that_is_no_network_is_an_error_that_names_it(load: Load, tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "network.bin"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ModelError, match=r"network\.bin") as raised:
        load(path)
    assert raised.value.remedy
