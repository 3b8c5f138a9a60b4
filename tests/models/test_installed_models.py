"""The pulled networks have the tensors that their manifests name."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.models.catalog import Catalog, shipped_manifests
from assistant.models.manifest import Tensor
from assistant.models.store import ModelStore

CATALOG = Catalog(shipped_manifests())
WITH_TENSORS = [name for name in CATALOG.names if CATALOG.manifest(name).inputs and CATALOG.manifest(name).files]


@pytest.mark.models
@pytest.mark.parametrize("name", WITH_TENSORS)
def test_the_network_has_the_tensors_of_its_manifest(model_store: ModelStore, name: str) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    manifest = model_store.manifest(name)
    # The first: whatever follows is the same network, made ready for something.
    network = next(file.name for file in manifest.files if Path(file.name).suffix == ".onnx")
    session = onnxruntime.InferenceSession(model_store.file(name, network), providers=["CPUExecutionProvider"])
    for named, found in ((manifest.inputs, session.get_inputs()), (manifest.outputs, session.get_outputs())):
        tensors = {tensor.name: tensor for tensor in found}
        assert {tensor.name for tensor in named} == set(tensors)
        for tensor in named:
            assert_same(tensor, tensors[tensor.name].type, tensors[tensor.name].shape)


def assert_same(tensor: Tensor, onnx_type: str, shape: list[int | str]) -> None:
    expected = {"float32": "tensor(float)", "int64": "tensor(int64)", "int32": "tensor(int32)"}[tensor.dtype]
    assert onnx_type == expected, tensor.name
    assert len(shape) == len(tensor.shape), tensor.name
    for wanted, got in zip(tensor.shape, shape, strict=True):
        assert not (isinstance(wanted, int) and isinstance(got, int)) or wanted == got, tensor.name
