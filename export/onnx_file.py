"""ONNX files: reading them so that a bad one gets one clear error, fixing their shapes, writing them reproducibly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ModelProto, NodeProto, helper, numpy_helper

from assistant.atomic import replace_file
from export.errors import ConversionError
from export.external_data import read_external_data, refuse_large
from export.graph import all_graphs, all_tensors, opset_version

OPSETS = range(17, 21)
"""What both TensorRT 10 and onnxruntime's static quantizer read."""

UNNAMED = "?"
"""Instead of the name of an open axis that has none."""
_IR_VERSIONS = {17: 8, 18: 8, 19: 9, 20: 9}
_DOMAINS = ("", "ai.onnx")


def read_onnx(path: Path, *, static: bool = True) -> ModelProto:
    """A model that this toolchain can work on, its external data read in.

    Raises `ConversionError` naming the file and the node or key when it is no ONNX file or a truncated one, when its
    external data is missing or lies outside its folder, when it uses an opset or an operator that devices do not
    read, holds NaN or infinite weights, or (with `static`) has an input whose size is not fixed.
    """
    model = _parse(path)
    _refuse_opset(path, model)
    _refuse_foreign_operators(path, model)
    read_external_data(path, model)
    _refuse_bad_weights(path, model)
    try:
        onnx.checker.check_model(model)
    except onnx.checker.ValidationError as error:
        raise ConversionError(
            f"{path} is not valid ONNX: {_first_line(error)}", remedy="Export it again from its framework."
        ) from error
    if static:
        refuse_dynamic(path, model)
    return model


def write_onnx(model: ModelProto, path: Path) -> None:
    """Write the same bytes for the same model, whole or not at all. Raises `ConversionError` if it is too large."""
    refuse_large(path, sum(len(tensor.raw_data) for tensor in all_tensors(model)))
    with replace_file(path) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


def refuse_dynamic(path: Path, model: ModelProto) -> None:
    """Raise `ConversionError` for an input whose size is not fixed."""
    for value in model.graph.input:
        shape = shape_of(value)
        if any(not isinstance(size, int) for size in shape):
            axes = ", ".join(f"axis {axis} ('{size}')" for axis, size in enumerate(shape) if not isinstance(size, int))
            raise ConversionError(
                f"{path}: the size of the input '{value.name}' is not fixed: {axes} of {list(shape)}.",
                remedy="TensorRT needs a size or a profile. Fix it in the recipe: fix_sizes(model, {name: size}).",
            )


def name_open_axes(model: ModelProto) -> None:
    """Give the inputs' axes that have neither size nor name the name "<input>_<axis>", by which they can be fixed.

    Some exporters write 0 for such an axis. Where a size of 0 is meant (an input that is not used), fix it to 0.
    """
    for value in model.graph.input:
        for number, axis in enumerate(value.type.tensor_type.shape.dim):
            if _size_of(axis) in (UNNAMED, 0):
                axis.dim_param = f"{value.name}_{number}"


def fix_sizes(model: ModelProto, sizes: Mapping[str, int]) -> ModelProto:
    """The model with its named sizes fixed and all shapes inferred anew. Raises `ConversionError` if they clash."""
    fixed = ModelProto()
    fixed.CopyFrom(model)
    for value in fixed.graph.input:
        for axis in value.type.tensor_type.shape.dim:
            if axis.dim_param in sizes:
                axis.dim_value = sizes[axis.dim_param]
    for value in fixed.graph.output:
        value.type.tensor_type.ClearField("shape")
    del fixed.graph.value_info[:]
    return infer_shapes(fixed)


def infer_shapes(model: ModelProto) -> ModelProto:
    """The model with every shape that can be known written down."""
    try:
        return onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    except onnx.shape_inference.InferenceError as error:
        raise ConversionError(f"The graph's shapes do not fit together: {_first_line(error)}") from error


def simplify(model: ModelProto) -> ModelProto:
    """The same network with all that is constant computed and batch normalisation folded, in ONNX's own operators.

    By onnxruntime's basic level, whose results are ONNX; higher levels write operators that only onnxruntime reads.
    Raises `ConversionError` for a network that onnxruntime cannot run.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "simple.onnx")
        try:
            ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # onnxruntime raises its own types, which have no common base
            raise ConversionError(f"onnxruntime cannot run the network: {_first_line(error)}") from error
        simple = onnx.load(options.optimized_model_filepath)
    opset = opset_version(model)
    del simple.opset_import[:]
    simple.opset_import.append(helper.make_opsetid("", opset))
    del simple.graph.value_info[:]
    return infer_shapes(simple)


def pin_versions(model: ModelProto) -> None:
    """Set the IR version that goes with the opset, and drop what says which machine or tool wrote the file."""
    opset = opset_version(model)
    model.ir_version = _IR_VERSIONS[opset]
    del model.opset_import[:]
    model.opset_import.append(helper.make_opsetid("", opset))
    model.producer_name, model.producer_version, model.doc_string = "edge-assistant", "", ""
    del model.metadata_props[:]
    for graph in all_graphs(model.graph):
        graph.doc_string = ""
        for node in graph.node:
            node.doc_string = ""
            del node.metadata_props[:]


def has_shape(value: onnx.ValueInfoProto) -> bool:
    """Whether the number of axes is known; a scalar has none of them, and a shape."""
    return bool(value.type.tensor_type.HasField("shape"))


def shape_of(value: onnx.ValueInfoProto) -> tuple[int | str, ...]:
    """An input's or output's sizes; a name (or "?") where one is not fixed. Some exporters write -1 for that."""
    return tuple(_size_of(axis) for axis in value.type.tensor_type.shape.dim)


def _size_of(axis: onnx.TensorShapeProto.Dimension) -> int | str:
    if axis.HasField("dim_value") and axis.dim_value >= 0:
        return axis.dim_value
    return axis.dim_param or UNNAMED


def dtype_of(value: onnx.ValueInfoProto) -> str:
    """An input's or output's type as numpy calls it. Raises `ConversionError` where it has none."""
    try:
        return str(helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).name)
    except KeyError as error:
        raise ConversionError(
            f"'{value.name}' is no tensor of a known type: expected one of numbers, got type {error}.",
            remedy="Export the network with tensors as its inputs and outputs, each with its type.",
        ) from error


def describe(node: NodeProto) -> str:
    """A node as messages call it."""
    return f"{node.op_type} '{node.name or (node.output[0] if node.output else '')}'"


def _parse(path: Path) -> ModelProto:
    try:
        refuse_large(path, path.stat().st_size)
        data = path.read_bytes()
    except OSError as error:
        raise ConversionError(f"{path} cannot be read: {error.strerror}.", remedy="Check the path.") from error
    model = ModelProto()
    remedy = "Give a file that torch.onnx.export, tf2onnx or the like wrote, or copy it again."
    try:
        model.ParseFromString(data)
    except DecodeError as error:
        raise ConversionError(
            f"{path} is not an ONNX file, or a truncated one: expected a protobuf message, got {len(data):,} bytes "
            "that are none.",
            remedy=remedy,
        ) from error
    if not model.graph.node or not model.opset_import:
        raise ConversionError(f"{path} is not an ONNX model: it has no nodes or no opset.", remedy=remedy)
    return model


def _refuse_opset(path: Path, model: ModelProto) -> None:
    opset = opset_version(model)
    if opset not in OPSETS:
        problem = "too new" if opset > OPSETS[-1] else "too old"
        raise ConversionError(
            f"{path}: opset {opset} is {problem}: expected {OPSETS[0]} to {OPSETS[-1]}.",
            remedy="Export it with opset_version=17, or convert it with onnx.version_converter.",
        )


def _refuse_foreign_operators(path: Path, model: ModelProto) -> None:
    functions = {(function.domain, function.name) for function in model.functions}
    for graph in all_graphs(model.graph):
        for node in graph.node:
            if node.domain not in _DOMAINS and (node.domain, node.op_type) not in functions:
                raise ConversionError(
                    f"{path}: the node {describe(node)} is a custom operator of the domain '{node.domain}': expected "
                    "ONNX's own operators.",
                    remedy="Export the network without it, or replace it by ONNX's operators.",
                )


def _refuse_bad_weights(path: Path, model: ModelProto) -> None:
    for tensor in all_tensors(model):
        try:
            values: Any = numpy_helper.to_array(tensor)
        except (ValueError, TypeError) as error:
            raise ConversionError(f"{path}: the weight '{tensor.name}' is damaged: {error}") from error
        if values.dtype.kind == "f" and not np.isfinite(values).all() and not _is_mask(values):
            count = int(np.count_nonzero(~np.isfinite(values)))
            raise ConversionError(
                f"{path}: the weight '{tensor.name}' holds {count:,} values that are NaN or infinite, of "
                f"{values.size:,}.",
                remedy="The training diverged or the file is damaged: take an earlier checkpoint.",
            )


def _is_mask(values: Any) -> bool:
    """Minus infinity is how attention masks say "not there"."""
    return not np.isnan(values).any() and not np.isposinf(values).any()


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
