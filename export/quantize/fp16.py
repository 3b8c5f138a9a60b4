"""FP16 that keeps FP32 where FP16 fails. Inputs and outputs keep FP32: the tensor contract is that of the FP32 file."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, numpy_helper

from export.calibration import TensorRange
from export.graph import all_graphs, sort_nodes
from export.quantize.options import FP32_OPERATORS, QuantizeOptions

FP16_MAX = 65504.0
_HEADROOM = 2.0
"""Other pictures may give larger values than the calibration samples did."""


def to_fp16(model: ModelProto, options: QuantizeOptions, ranges: Mapping[str, TensorRange]) -> ModelProto:
    """A copy in FP16. With `ranges`, nodes that saw values near FP16's limit stay in FP32 too."""
    from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

    copy = ModelProto()
    copy.CopyFrom(model)
    blocked_nodes = {*options.exclude_nodes, *_overflowing(copy, ranges)}
    converted: ModelProto = convert_float_to_float16(
        copy,
        keep_io_types=True,
        op_block_list=[*DEFAULT_OP_BLOCK_LIST, *FP32_OPERATORS, *options.exclude_operators],
        node_block_list=sorted(blocked_nodes),
    )
    _remove_repeated_casts(converted)
    _stay_in_fp32(converted)
    sort_nodes(converted.graph)
    return converted


def _overflowing(model: ModelProto, ranges: Mapping[str, TensorRange]) -> list[str]:
    """Nodes with an activation or weight that FP16 may not hold."""
    limit = FP16_MAX / _HEADROOM
    large = {name for name, item in ranges.items() if max(-item.minimum, item.maximum) > limit}
    for graph in all_graphs(model.graph):
        large |= {item.name for item in graph.initializer if _exceeds(item, FP16_MAX)}
    return [node.name for graph in all_graphs(model.graph) for node in graph.node if _touches(node, large)]


def _touches(node: NodeProto, names: Collection[str]) -> bool:
    return any(name in names for name in (*node.input, *node.output))


def _exceeds(tensor: TensorProto, limit: float) -> bool:
    if tensor.data_type != TensorProto.FLOAT:
        return False
    values = numpy_helper.to_array(tensor)
    return bool(values.size and np.abs(values).max() > limit)


def _remove_repeated_casts(model: ModelProto) -> None:
    """Keep one of the equal Casts that the converter writes for each FP32 node that reads a tensor: two are invalid."""
    seen: set[str] = set()
    kept = []
    for node in model.graph.node:
        if node.op_type == "Cast" and node.output[0] in seen:
            continue
        seen.update(node.output)
        kept.append(node)
    del model.graph.node[:]
    model.graph.node.extend(kept)


def _stay_in_fp32(model: ModelProto) -> None:
    """Connect FP32 nodes directly: between them the converter goes through FP16, where their values may overflow."""
    graph = model.graph
    outputs = {item.name for item in graph.output}
    halved = {node.output[0]: node.input[0] for node in graph.node if _casts_to(node, TensorProto.FLOAT16)}
    direct = {
        node.output[0]: halved[node.input[0]]
        for node in graph.node
        if _casts_to(node, TensorProto.FLOAT) and node.input[0] in halved and node.output[0] not in outputs
    }
    for inner in all_graphs(graph):
        for node in inner.node:
            node.input[:] = [direct.get(name, name) for name in node.input]
    while _drop_unread_cast(model, outputs):
        pass


def _drop_unread_cast(model: ModelProto, outputs: Collection[str]) -> bool:
    read = {name for graph in all_graphs(model.graph) for node in graph.node for name in node.input}
    nodes = model.graph.node
    kept = [node for node in nodes if node.op_type != "Cast" or node.output[0] in read or node.output[0] in outputs]
    dropped = len(kept) < len(nodes)
    del nodes[:]
    nodes.extend(kept)
    return dropped


def _casts_to(node: NodeProto, to: int) -> bool:
    return node.op_type == "Cast" and any(item.name == "to" and item.i == to for item in node.attribute)
