"""TensorFlow.js graph model → ONNX, with numpy and onnx alone.

Static graphs only: no loops, no branches. Inputs and outputs keep TensorFlow's layout (NHWC) and the names of the
model's signature; a dynamic axis becomes "N". The same model gives the same bytes on every run.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import onnx
from onnx import ValueInfoProto, helper

from assistant.atomic import replace_file
from export.errors import ConversionError
from export.tfjs.builder import GraphBuilder, Value
from export.tfjs.graph_model import Endpoint, GraphModel, Node, read_graph_model, split_reference
from export.tfjs.operator_support import ONNX_TYPES
from export.tfjs.operators import OPERATORS

OPSET = 17
IR_VERSION = 8
"""What goes with opset 17: every runtime that reads the operators reads the file."""

_LEAVES = ("Const", "Placeholder")


def convert_file(source: Path, target: Path) -> None:
    """Write `target` (ONNX) from `source`, a model.json with its .bin files beside it.

    Raises `ConversionError` when the files are damaged or an operator is unknown; then `target` is left as it was.
    """
    model = convert(read_graph_model(source))
    with replace_file(target) as temporary:
        temporary.write_bytes(model.SerializeToString(deterministic=True))


def convert(graph_model: GraphModel) -> onnx.ModelProto:
    """The ONNX model, checked by onnx's own checker and shape inference."""
    _refuse_unknown(graph_model.nodes)
    builder = GraphBuilder()
    values: dict[str, list[Value]] = {}
    for node in graph_model.nodes:
        builder.scope = node.name
        values[node.name] = _convert_node(builder, graph_model, node, values)
    for output in graph_model.outputs:
        builder.scope = output.name
        builder.name_output(_resolve(values, output.tensor), output.name)
    graph = helper.make_graph(
        builder.nodes,
        "tfjs",
        [_value_info(endpoint) for endpoint in graph_model.inputs],
        [ValueInfoProto(name=endpoint.name) for endpoint in graph_model.outputs],
        builder.initializers,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="edge-assistant"
    )
    return _with_output_types(model, graph_model.outputs)


def _convert_node(
    builder: GraphBuilder, graph_model: GraphModel, node: Node, values: dict[str, list[Value]]
) -> list[Value]:
    if node.op == "Const":
        if node.name not in graph_model.weights:
            raise ConversionError(f"The weights of {node} are not in the model's weight manifest.")
        return [Value("", constant=graph_model.weights[node.name])]
    if node.op == "Placeholder":
        return [Value(next(item.name for item in graph_model.inputs if split_reference(item.tensor)[0] == node.name))]
    operands = [_resolve(values, reference) for reference in node.inputs]
    try:
        return OPERATORS[node.op](builder, node, operands)
    except (TypeError, ValueError, IndexError) as error:
        raise ConversionError(f"{node} lacks an operand or attribute, or has a malformed one: {error}.") from error


def _resolve(values: dict[str, list[Value]], reference: str) -> Value:
    name, output = split_reference(reference)
    if output >= len(values[name]):
        raise ConversionError(f"The graph refers to output {output} of '{name}', which has {len(values[name])}.")
    return values[name][output]


def _refuse_unknown(nodes: Sequence[Node]) -> None:
    unknown = [node for node in nodes if node.op not in OPERATORS and node.op not in _LEAVES]
    if unknown:
        raise ConversionError(
            f"The graph uses operators that are not supported: {', '.join(str(node) for node in unknown)}.",
            remedy="Add a function for each to the table in export/tfjs/operators.py.",
        )


def _value_info(endpoint: Endpoint) -> ValueInfoProto:
    if endpoint.dtype not in ONNX_TYPES:
        raise ConversionError(f"The input '{endpoint.name}' has the type '{endpoint.dtype}', which is not supported.")
    shape = ["N" if size < 0 else size for size in endpoint.shape]
    return helper.make_tensor_value_info(endpoint.name, ONNX_TYPES[endpoint.dtype], shape)


def _with_output_types(model: onnx.ModelProto, outputs: Sequence[Endpoint]) -> onnx.ModelProto:
    """Fill in the outputs' types and shapes, which only shape inference knows, and check the whole."""
    try:
        inferred = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True)
        del model.graph.output[:]
        model.graph.output.extend(inferred.graph.output)
        for value, endpoint in zip(model.graph.output, outputs, strict=True):
            for axis, size in zip(value.type.tensor_type.shape.dim, endpoint.shape, strict=False):
                if size < 0:
                    axis.dim_param = "N"
        onnx.checker.check_model(model)
    except (onnx.checker.ValidationError, onnx.shape_inference.InferenceError) as error:
        raise ConversionError(f"The graph cannot be expressed in ONNX: {error}") from error
    return model
