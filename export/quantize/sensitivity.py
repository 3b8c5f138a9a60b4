"""Which layers suffer most from INT8, measured on the CPU: each is quantized alone, the outputs are compared.

One graph serves all layers. In it each quantized input of each layer, and its output where the INT8 graph quantizes
it, passes a switch, Where(layer is on, quantized, exact), so that a layer costs one run, not one more file, session and
optimization.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from assistant.inference.bundle import Precision
from export.calibration import exact_session, read_calibration
from export.errors import CalibrationError, QuantizationError
from export.graph import load_graph, value_types, with_outputs
from export.quantize.int8 import check_calibrated, int8_operators, to_int8
from export.quantize.options import WEIGHTED_OPERATORS, LayerSensitivity, QuantizeOptions
from export.quantize.sqnr import Sqnr

_SWITCHES = "quantized_layers"
_DISCONTINUOUS = frozenset(
    (
        *("TopK", "ArgMax", "ArgMin", "NonMaxSuppression", "NonZero", "Hardmax", "OneHot", "Unique"),
        *("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Floor", "Ceil", "Round", "Sign", "Mod"),
    )
)
"""A small change before them may be a large one after, or none: errors are measured before them."""


def sensitivity(
    fp32: Path, calibration: Path, samples: Iterable[Mapping[str, NDArray[Any]]], precision: Precision
) -> list[LayerSensitivity]:
    """Layers with weights, the most sensitive first: what to spare from INT8.

    Takes a run of the network a layer and sample: a few samples are enough for a ranking. Raises `QuantizationError`
    for a precision that is not INT8 and `CalibrationError` when there is no sample.
    """
    if precision not in ("int8-trt", "int8-ort"):
        raise QuantizationError(f"Sensitivity is measured for INT8, not for {precision}.")
    model = load_graph(fp32)
    result = read_calibration(calibration)
    check_calibrated(model, result, int8_operators(precision, QuantizeOptions()))
    switched = _Switched.of(model, to_int8(model, result, precision, QuantizeOptions()))
    points = measured_tensors(model)
    session = exact_session(with_outputs(switched.model, points))
    totals = [[Sqnr() for _ in points] for _ in switched.layers]
    count = 0
    for sample in samples:
        off = np.zeros(len(switched.layers), np.bool_)
        exact = session.run(points, {**sample, _SWITCHES: off})
        for layer, sums in enumerate(totals):
            on = off.copy()
            on[layer] = True
            for total, expected, got in zip(sums, exact, session.run(points, {**sample, _SWITCHES: on}), strict=True):
                total.add(expected, got)
        count += 1
    if count == 0:
        raise CalibrationError("There are no samples to measure sensitivity with.", remedy="Give a few.")
    return sorted(
        (_worst(node, points, sums) for node, sums in zip(switched.layers, totals, strict=True)),
        key=lambda layer: (layer.sqnr_db, layer.node),
    )


def measured_tensors(model: ModelProto) -> list[str]:
    """Float outputs, or, where they come after a discontinuous operator, what goes into that."""
    types = value_types(model)

    def is_float(name: str) -> bool:
        return name in types and types[name].type.tensor_type.elem_type == TensorProto.FLOAT

    points: list[str] = []
    behind: set[str] = set()
    for node in model.graph.node:
        if any(name in behind for name in node.input):
            behind.update(node.output)
        elif node.op_type in _DISCONTINUOUS or (node.op_type == "Cast" and not is_float(node.output[0])):
            behind.update(node.output)
            points.extend(name for name in node.input[:1] if is_float(name))
    points.extend(item.name for item in model.graph.output if item.name not in behind and is_float(item.name))
    return list(dict.fromkeys(points))


def _worst(node: NodeProto, points: list[str], sums: list[Sqnr]) -> LayerSensitivity:
    index = min(range(len(points)), key=lambda item: sums[item].db)
    return LayerSensitivity(node.name, node.op_type, sums[index].db, points[index])


@dataclass(frozen=True, slots=True)
class _Switched:
    """The FP32 graph with a switch for each layer that the INT8 graph quantizes."""

    model: ModelProto
    layers: list[NodeProto]

    @classmethod
    def of(cls, exact: ModelProto, quantized: ModelProto) -> _Switched:
        model = ModelProto()
        model.CopyFrom(exact)
        source = _Quantized(quantized)
        layers: list[NodeProto] = []
        nodes: list[NodeProto] = []
        for node in model.graph.node:
            found = source.quantized_inputs(node) if node.op_type in WEIGHTED_OPERATORS else {}
            if not found:
                nodes.append(node)
                continue
            nodes.extend(_switched_inputs(model, node, found, len(layers), source))
            nodes.append(node)
            layers.append(node)
            if quantize := source.quantizer(node.output[0]):
                nodes.extend(_switched_output(model, node, quantize, len(layers) - 1, source))
        copies = [NodeProto.FromString(node.SerializeToString()) for node in nodes]
        names = [NodeProto.FromString(node.SerializeToString()) for node in layers]
        del model.graph.node[:]
        model.graph.node.extend(copies)
        model.graph.input.append(helper.make_tensor_value_info(_SWITCHES, TensorProto.BOOL, [len(layers)]))
        return cls(model, names)


class _Quantized:
    """How the INT8 graph quantizes a node's inputs."""

    def __init__(self, model: ModelProto) -> None:
        self._nodes = {node.name: node for node in model.graph.node}
        self._makers = {name: node for node in model.graph.node for name in node.output}
        self._quantizers = {node.input[0]: node for node in model.graph.node if node.op_type == "QuantizeLinear"}
        self.constants = {item.name: item for item in model.graph.initializer}

    def quantized_inputs(self, node: NodeProto) -> dict[int, NodeProto]:
        """Position of the input → the DequantizeLinear that it comes from."""
        twin = self._nodes.get(node.name)
        # A twin may have taken in the bias of an Add behind it.
        names = [] if twin is None else twin.input[: len(node.input)]
        makers = {index: self._makers.get(name) for index, name in enumerate(names)}
        return {index: maker for index, maker in makers.items() if maker and maker.op_type == "DequantizeLinear"}

    def quantizer(self, tensor: str) -> NodeProto | None:
        """The QuantizeLinear that a tensor goes into; onnxruntime's quantizer renames it where it is an output."""
        return self._quantizers.get(tensor) or self._quantizers.get(f"{tensor}_QuantizeLinear_Input")


def _switched_inputs(
    model: ModelProto, node: NodeProto, inputs: Mapping[int, NodeProto], layer: int, source: _Quantized
) -> Iterable[NodeProto]:
    """Nodes that give `node` its inputs, quantized where its switch is on; its inputs are renamed to them."""
    prefix = f"{_SWITCHES}_{layer}"
    index = numpy_helper.from_array(np.array(layer, np.int64), f"{prefix}_index")
    model.graph.initializer.append(index)
    yield helper.make_node("Gather", [_SWITCHES, index.name], [f"{prefix}_on"])
    for position, dequantize in inputs.items():
        exact, stem = node.input[position], f"{prefix}_{position}"
        axis = {item.name: item.i for item in dequantize.attribute if item.name == "axis"}
        parameters = _copy_constants(model, dequantize.input[1:], stem, source)
        if dequantize.input[0] in source.constants:
            (integers,) = _copy_constants(model, dequantize.input[:1], stem, source)
        else:
            integers = f"{stem}_q"
            yield helper.make_node("QuantizeLinear", [exact, *parameters], [integers], **axis)
        yield helper.make_node("DequantizeLinear", [integers, *parameters], [f"{stem}_dq"], **axis)
        yield helper.make_node("Where", [f"{prefix}_on", f"{stem}_dq", exact], [f"{stem}_switched"])
        node.input[position] = f"{stem}_switched"


def _switched_output(
    model: ModelProto, node: NodeProto, quantize: NodeProto, layer: int, source: _Quantized
) -> Iterable[NodeProto]:
    """Nodes that give `node`'s readers its output, quantized where its switch is on; its output is renamed."""
    stem, output = f"{_SWITCHES}_{layer}_output", node.output[0]
    parameters = _copy_constants(model, quantize.input[1:], stem, source)
    node.output[0] = f"{stem}_exact"
    yield helper.make_node("QuantizeLinear", [node.output[0], *parameters], [f"{stem}_q"])
    yield helper.make_node("DequantizeLinear", [f"{stem}_q", *parameters], [f"{stem}_dq"])
    yield helper.make_node("Where", [f"{_SWITCHES}_{layer}_on", f"{stem}_dq", node.output[0]], [output])


def _copy_constants(model: ModelProto, names: Iterable[str], stem: str, source: _Quantized) -> list[str]:
    copied = []
    for name in names:
        tensor = onnx.TensorProto()
        tensor.CopyFrom(source.constants[name])
        tensor.name = f"{stem}_{name}"
        model.graph.initializer.append(tensor)
        copied.append(tensor.name)
    return copied
