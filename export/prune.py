"""Weights that are set to zero, or channels that are taken out, by magnitude. Off unless asked for; the result has to
pass the same gate as any other variant.

Unstructured: in each weighted layer the smallest share of weights becomes zero (Han et al., "Learning both Weights and
Connections", 2015, https://arxiv.org/abs/1506.02626). The file's size and speed stay; it compresses better.
Structured: whole output channels with the smallest L1 norm go (Li et al., "Pruning Filters for Efficient ConvNets",
2017, https://arxiv.org/abs/1608.08710), and with them the channels of all layers up to the next convolution: the
network becomes smaller and faster. Only channels that nothing but convolutions and element-wise operators sees can go.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper

from export.errors import QuantizationError
from export.graph import load_graph
from export.onnx_file import infer_shapes, write_onnx
from export.quantize.options import WEIGHTED_OPERATORS

_CHANNEL_WISE = ("Relu", "Clip", "LeakyRelu", "Sigmoid", "HardSigmoid", "HardSwish", "Tanh", "MaxPool", "AveragePool")
"""Operators that treat every channel alike and have no weights."""


def prune(fp32: Path, fraction: float, out: Path, structured: bool = False) -> None:
    """Write `fp32` with the `fraction` (0 to 1, both exclusive) of smallest weights or channels pruned, atomically.

    Raises `QuantizationError` for another fraction, or when no channel can be taken out.
    """
    if not 0.0 < fraction < 1.0:
        raise QuantizationError(f"The fraction to prune is {fraction}: expected more than 0 and less than 1.")
    model = load_graph(fp32)
    if structured:
        model = _without_channels(model, fraction, fp32)
    else:
        _zero_weights(model, fraction)
    write_onnx(model, out)


def _zero_weights(model: ModelProto, fraction: float) -> None:
    weights = _initializers(model.graph)
    names = {node.input[1] for node in model.graph.node if node.op_type in WEIGHTED_OPERATORS}
    for name in sorted(names & weights.keys()):
        tensor = weights[name]
        if tensor.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor).copy()
            order = np.argsort(np.abs(values), axis=None, kind="stable")
            values.reshape(-1)[order[: round(fraction * values.size)]] = 0.0
            _replace(tensor, values)


def _without_channels(model: ModelProto, fraction: float, path: Path) -> ModelProto:
    pruned = 0
    for node in model.graph.node:
        if node.op_type == "Conv" and _group(node) == 1:
            pruned += _prune_filters(model.graph, node, fraction)
    if pruned == 0:
        raise QuantizationError(
            f"{path} has no convolution whose channels only other convolutions see: none can be taken out.",
            remedy="Prune single weights instead.",
        )
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    return infer_shapes(model)


def _prune_filters(graph: GraphProto, node: NodeProto, fraction: float) -> int:
    """Take out a convolution's weakest filters; the number of them, 0 where something else sees its channels."""
    weights = _initializers(graph)
    followers = _followers(graph, node, weights)
    if followers is None:
        return 0
    filters = numpy_helper.to_array(weights[node.input[1]])
    norms = np.abs(filters.reshape(filters.shape[0], -1)).sum(axis=1)
    removed = round(fraction * len(norms))
    if not 0 < removed < len(norms):
        return 0
    kept = np.sort(np.argsort(norms, kind="stable")[removed:])
    _keep(weights, node, kept, axis=0)
    for follower in followers:
        if _group(follower) == 1:
            _replace(weights[follower.input[1]], numpy_helper.to_array(weights[follower.input[1]])[:, kept])
        else:
            _keep(weights, follower, kept, axis=0)
            for attribute in follower.attribute:
                if attribute.name == "group":
                    attribute.i = len(kept)
    return removed


def _followers(graph: GraphProto, node: NodeProto, weights: dict[str, TensorProto]) -> list[NodeProto] | None:
    """Convolutions that read this one's channels, depth-wise ones on the way included; None if others read them."""
    outputs = {item.name for item in graph.output}
    shared = _shared_weights(graph)
    found: list[NodeProto] = []
    waiting = [node.output[0]]
    if any(name in shared or name not in weights for name in node.input[1:]):
        return None
    while waiting:
        name = waiting.pop()
        readers = [reader for reader in graph.node if name in reader.input]
        if name in outputs or not readers:
            return None
        for reader in readers:
            if reader.op_type == "Conv" and reader.input[0] == name:
                if any(item in shared or item not in weights for item in reader.input[1:]):
                    return None
                channels = weights[reader.input[1]].dims
                depth_wise = _group(reader) > 1
                if depth_wise and not (channels[1] == 1 and channels[0] == _group(reader)):
                    return None
                found.append(reader)
                if depth_wise:
                    waiting.append(reader.output[0])
            elif reader.op_type in _CHANNEL_WISE:
                waiting.append(reader.output[0])
            else:
                return None
    return found


def _shared_weights(graph: GraphProto) -> set[str]:
    """Constants that more than one node reads."""
    seen: set[str] = set()
    shared: set[str] = set()
    for node in graph.node:
        for name in node.input[1:]:
            (shared if name in seen else seen).add(name)
    return shared


def _keep(weights: dict[str, TensorProto], node: NodeProto, kept: NDArray[np.int64], *, axis: int) -> None:
    """Only these channels of a convolution's filters and biases."""
    for name in node.input[1:]:
        _replace(weights[name], np.take(numpy_helper.to_array(weights[name]), kept, axis=axis))


def _initializers(graph: GraphProto) -> dict[str, TensorProto]:
    return {item.name: item for item in graph.initializer}


def _group(node: NodeProto) -> int:
    return next((int(item.i) for item in node.attribute if item.name == "group"), 1)


def _replace(tensor: TensorProto, values: NDArray[np.generic]) -> None:
    tensor.CopyFrom(numpy_helper.from_array(np.ascontiguousarray(values), tensor.name))
