"""Small real networks as ONNX files, and bundles of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from assistant.inference.bundle import BundleManifest, HashedFile, Precision, Tolerance, Variant
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from assistant.models.hashing import hash_file
from assistant.models.manifest import Tensor as TensorContract


def tiny_network(
    path: Path, *, batch: int | str = 1, weights_type: int = TensorProto.FLOAT, scale: float = 1.0
) -> Path:
    """x (batch, 4) float32 → y (batch, 3) = softmax(x · W), p (batch, 3) = x · W. With FP16 weights the product is in
    FP16, between casts."""
    rng = np.random.default_rng(7)
    dtype = helper.tensor_dtype_to_np_dtype(weights_type)
    weights = numpy_helper.from_array((rng.normal(size=(4, 3)) * scale).astype(dtype), "W")
    nodes = [
        helper.make_node("Cast", ["x"], ["x_cast"], "into", to=weights_type),
        helper.make_node("MatMul", ["x_cast", "W"], ["product"], "product"),
        helper.make_node("Cast", ["product"], ["p"], "out_of", to=TensorProto.FLOAT),
        helper.make_node("Softmax", ["p"], ["y"], "softmax", axis=-1),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, 4])]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, 3]) for name in ("y", "p")]
    graph = helper.make_graph(nodes, "tiny", inputs, outputs, [weights])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


def tiny_bundle(
    folder: Path,
    precisions: Sequence[Precision] = ("fp32", "fp16", "int8-trt"),
    *,
    batch: int | str = 1,
    recipe: str = "tiny",
    pairs: int = 2,
) -> Path:
    """A bundle of `tiny_network`. What it calls INT8 has FP16 weights too: the double has no INT8 kernels to try."""
    (folder / "golden").mkdir(parents=True)
    reference = OnnxRuntimeSession(tiny_network(folder / "fp32.onnx", batch=batch))
    golden = []
    for number in range(pairs):
        x = np.random.default_rng(number).normal(size=(1, 4)).astype(np.float32)
        outputs = {f"output/{name}": value for name, value in reference.run({"x": x}).items()}
        path = folder / "golden" / f"{number}.npz"
        np.savez(path, **{"input/x": x}, **outputs)
        golden.append(_hashed(folder, path))
    variants = []
    limits = {name: Tolerance(min_cosine=0.999, max_error_of_range=0.05) for name in ("y", "p")}
    for precision in precisions:
        kind = TensorProto.FLOAT if precision == "fp32" else TensorProto.FLOAT16
        path = tiny_network(folder / f"{precision}.onnx", batch=batch, weights_type=kind)
        facts = _hashed(folder, path).model_dump()
        variants.append(Variant(**facts, precision=precision, parity=(), gate=(), tolerances=limits))
    manifest = BundleManifest(
        schema_version=1,
        recipe=recipe,
        title="A tiny network",
        task="test",
        licence="CC0-1.0",
        licence_source="the test",
        weights="random",
        random_weights=True,
        source={},
        calibration="none",
        inputs=(TensorContract(name="x", dtype="float32", shape=(batch, 4)),),
        outputs=tuple(TensorContract(name=name, dtype="float32", shape=(batch, 3)) for name in ("y", "p")),
        preprocessing={},
        labels=(),
        variants=tuple(variants),
        rejected=(),
        golden=tuple(golden),
        evidence=(),
        opset=17,
        pruned=0.0,
        tools={},
        notes=(),
    )
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


def _hashed(folder: Path, path: Path) -> HashedFile:
    sha256, size = hash_file(path)
    return HashedFile(file=path.relative_to(folder).as_posix(), sha256=sha256, size=size)
