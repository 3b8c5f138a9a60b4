"""The rules: each a function that yields findings, each one line in `RULES`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
from onnx import NodeProto, TensorProto, numpy_helper

from export.graph import opset_version
from export.lint.finding import Finding
from export.lint.inspected import InspectedModel, type_name
from export.lint.operators import FLOAT_ONLY, NEVER_SUPPORTED, REMEDIES, SUPPORTED_SINCE
from export.lint.restrictions import restrictions
from export.lint.targets import Target
from export.onnx_file import has_shape, shape_of

Rule = Callable[[InspectedModel, Target], Iterator[Finding]]

_OLDEST_EXPORTED_OPSET = 17
_ONNX_DOMAINS = ("", "ai.onnx")
_Q_DQ = ("QuantizeLinear", "DequantizeLinear")
_TYPES_WITHOUT_SUPPORT = frozenset(
    (
        *(TensorProto.INT16, TensorProto.UINT16, TensorProto.UINT32, TensorProto.UINT64),
        *(TensorProto.STRING, TensorProto.COMPLEX64, TensorProto.COMPLEX128),
    )
)
_INTEGERS = (TensorProto.INT32, TensorProto.INT64)


def opset(model: InspectedModel, target: Target) -> Iterator[Finding]:
    """The operator set is one that the parser reads."""
    version = opset_version(model.proto)
    known = target.opsets
    if version not in known:
        yield Finding(
            "opset",
            "error",
            "",
            f"Opset {version}; {target} reads {known[0]} to {known[-1]}.",
            "Export with opset 17, or convert the file with onnx.version_converter.",
        )
    elif version < _OLDEST_EXPORTED_OPSET:
        yield Finding(
            "opset",
            "warning",
            "",
            f"Opset {version} is older than what this toolchain quantizes ({_OLDEST_EXPORTED_OPSET} to 20).",
            "Export with opset 17.",
        )


def ir_version(model: InspectedModel, target: Target) -> Iterator[Finding]:
    """The file format is not newer than the parser."""
    version = model.proto.ir_version
    if version > target.max_ir_version:
        yield Finding(
            "ir-version",
            "error",
            "",
            f"IR version {version}; {target} is built with an ONNX that reads up to {target.max_ir_version}.",
            "Set ir_version to 8 (opset 17, 18) or 9 (opset 19, 20).",
        )


def foreign_domain(model: InspectedModel, target: Target) -> Iterator[Finding]:
    """All operators are ONNX's own or functions in the file."""
    functions = {(function.domain, function.name) for function in model.proto.functions}
    for node in model.nodes():
        if node.domain not in _ONNX_DOMAINS and (node.domain, node.op_type) not in functions:
            yield Finding(
                "foreign-domain",
                "error",
                node.name,
                f"{node.domain}::{node.op_type} is not ONNX's; {target} has it only with a plugin of that name.",
                "Save the graph before onnxruntime's extended optimizations, or export it with ONNX's operators.",
            )


def operator(model: InspectedModel, target: Target) -> Iterator[Finding]:
    """TensorRT has the operator."""
    for node in model.nodes():
        since = SUPPORTED_SINCE.get(node.op_type)
        missing = node.op_type in NEVER_SUPPORTED or (since is not None and target.tensorrt < since)
        if node.domain in _ONNX_DOMAINS and missing:
            later = f" (10.{since[1]} is the first)" if since else ""
            remedy = REMEDIES.get(node.op_type, "Export the network without it, or do this step outside the network.")
            yield Finding("operator", "error", node.name, f"{target} has no {node.op_type}{later}.", remedy)


def tensor_type(model: InspectedModel, target: Target) -> Iterator[Finding]:
    """Tensors have types that TensorRT computes with."""
    for node in model.nodes():
        for name in node.output:
            yield from _type_of_output(model, target, node, name)
        first = model.types.get(node.input[0]) if node.input else None
        if node.op_type in FLOAT_ONLY and first in _INTEGERS:
            yield Finding(
                "tensor-type",
                "error",
                node.name,
                f"{node.op_type} of {type_name(first or 0)}; {target} has it for floating point only.",
                "Cast its input to FLOAT, or use an integer operator.",
            )


def _type_of_output(model: InspectedModel, target: Target, node: NodeProto, name: str) -> Iterator[Finding]:
    kind = model.types.get(name, TensorProto.UNDEFINED)
    where = f"The output '{name}' of {node.op_type}"
    if kind in _TYPES_WITHOUT_SUPPORT:
        message, remedy = f"{where} is {type_name(kind)}, which {target} lacks.", "Cast it to FLOAT or INT32."
        yield Finding("tensor-type", "error", node.name, message, remedy)
    elif kind == TensorProto.UINT8 and node.op_type != "Cast":
        message = f"{where} is UINT8, which {target} has only at a network's inputs and outputs."
        yield Finding("tensor-type", "error", node.name, message, "Quantize with signed activations: emit int8-trt.")
    elif kind == TensorProto.DOUBLE:
        message = f"{where} is DOUBLE; {target} computes it in FLOAT."
        yield Finding("tensor-type", "warning", node.name, message, "Export in FP32, to see the same values.")
    elif kind == TensorProto.BFLOAT16:
        message = f"{where} is BFLOAT16, which onnxruntime, the fallback, does not run on a CPU."
        yield Finding("tensor-type", "warning", node.name, message, "Export in FP32 and emit fp16.")


def zero_point(model: InspectedModel, target: Target) -> Iterator[Finding]:
    """Quantization is symmetric."""
    for node in model.nodes():
        if node.op_type not in _Q_DQ or len(node.input) < 3 or not node.input[2]:
            continue
        value = model.constant(node.input[2])
        if value is None:
            problem = f"the zero point '{node.input[2]}' is computed"
        elif np.any(value):
            problem = f"zero points up to {int(np.abs(value.astype(np.int64)).max())}"
        else:
            continue
        message = f"{node.op_type} with {problem}; {target} takes constant 0 only."
        yield Finding("zero-point", "error", node.name, message, "Quantize symmetrically: emit int8-trt.")


def int32_dequantize(model: InspectedModel, target: Target) -> Iterator[Finding]:
    """Biases are not quantized."""
    for node in model.nodes():
        if node.op_type == "DequantizeLinear" and model.types.get(node.input[0]) == TensorProto.INT32:
            message = f"DequantizeLinear of INT32 ('{node.input[0]}', a quantized bias); {target} takes INT8."
            yield Finding("int32-dequantize", "error", node.name, message, "Leave biases alone: emit int8-trt.")


def dynamic_axis(model: InspectedModel, _target: Target) -> Iterator[Finding]:
    """Inputs have fixed sizes."""
    for value in model.proto.graph.input:
        if not has_shape(value):
            message = f"The input '{value.name}' has no shape, not even a number of axes: no engine is built of it."
            yield Finding("dynamic-axis", "error", value.name, message, "Export it with the shape of each input.")
        free = [f"{axis} ('{size}')" for axis, size in enumerate(shape_of(value)) if not isinstance(size, int)]
        if free:
            yield Finding(
                "dynamic-axis",
                "error",
                value.name,
                f"The input '{value.name}' has no fixed size along axis {', '.join(free)}: no engine is built without "
                "an optimization profile.",
                "Fix the sizes when exporting: export.onnx_file.fix_sizes.",
            )


def control_flow(model: InspectedModel, target: Target) -> Iterator[Finding]:
    """The graph is static."""
    for node in model.nodes():
        if node.op_type in ("If", "Loop", "Scan"):
            yield Finding(
                "control-flow",
                "warning",
                node.name,
                f"{node.op_type}: {target} takes it with restrictions (equal ranks of both branches, fixed lengths), "
                "and does not fuse across it.",
                "Export a static graph: fix the inputs that the branches depend on, and fold constants.",
            )


def constant_values(model: InspectedModel, target: Target) -> Iterator[Finding]:
    """Constants are finite."""
    for name, tensor in model.constants():
        if tensor.data_type not in (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE):
            continue
        values = numpy_helper.to_array(tensor)
        if np.isnan(values).any():
            message, remedy = f"The constant '{name}' holds NaN.", "Take an earlier checkpoint: training diverged."
            yield Finding("constant-values", "error", name, message, remedy)
        elif np.isinf(values).any():
            message = (
                f"The constant '{name}' holds infinity, which {target} turns to NaN where it is scaled or in FP16."
            )
            yield Finding("constant-values", "warning", name, message, "Use the lowest finite value (-65504 in FP16).")


RULES: tuple[Rule, ...] = (
    *(opset, ir_version, foreign_domain, operator, restrictions, tensor_type, zero_point, int32_dequantize),
    *(dynamic_axis, control_flow, constant_values),
)
