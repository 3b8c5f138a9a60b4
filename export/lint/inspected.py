"""A model as the rules see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from export.graph import all_graphs, load_graph

_LISTED = {"value_int": np.int64, "value_ints": np.int64, "value_float": np.float32, "value_floats": np.float32}
"""Attributes of Constant nodes that hold plain numbers → their type."""


class InspectedModel:
    """Types and constants of all graphs, those inside If, Loop and Scan included, by tensor name."""

    def __init__(self, path: Path) -> None:
        """Raises `ConversionError` when the file is no ONNX model."""
        self.proto: ModelProto = load_graph(path)
        self.types: dict[str, int] = {}
        self._constants: dict[str, TensorProto] = {}
        self._same: dict[str, str] = {}
        """Output of an Identity → what it passes on."""
        for graph in all_graphs(self.proto.graph):
            self._read(graph)

    def _read(self, graph: GraphProto) -> None:
        for value in (*graph.input, *graph.output, *graph.value_info):
            self.types[value.name] = value.type.tensor_type.elem_type
        for tensor in graph.initializer:
            self._constants[tensor.name] = tensor
        for node in graph.node:
            if node.op_type == "Constant" and (tensor := _value_of(node)) is not None:
                self._constants[node.output[0]] = tensor
            elif node.op_type == "Identity":
                self._same[node.output[0]] = self._same.get(node.input[0], node.input[0])
        self.types.update({name: tensor.data_type for name, tensor in self._constants.items()})

    def nodes(self) -> Iterator[NodeProto]:
        """Of all graphs."""
        for graph in all_graphs(self.proto.graph):
            yield from graph.node

    def constants(self) -> Iterator[tuple[str, TensorProto]]:
        """Initializers and values of Constant nodes, by tensor name."""
        yield from self._constants.items()

    def constant(self, name: str) -> NDArray[np.generic] | None:
        """A constant's value; None for a tensor that is computed."""
        tensor = self._constants.get(self._same.get(name, name))
        return None if tensor is None else numpy_helper.to_array(tensor)

    def is_constant(self, name: str) -> bool:
        """Whether its value is known before the network runs."""
        return self._same.get(name, name) in self._constants


def _value_of(constant: NodeProto) -> TensorProto | None:
    """The value of a Constant node, however it is written; None for text and sparse tensors."""
    for item in constant.attribute:
        if item.name == "value":
            tensor: TensorProto = item.t
            return tensor
        if item.name in _LISTED:
            values = np.array(helper.get_attribute_value(item), _LISTED[item.name])
            return numpy_helper.from_array(values, constant.output[0])
    return None


def type_name(elem_type: int) -> str:
    """ONNX's name of a tensor type: "UINT8"."""
    return str(TensorProto.DataType.Name(elem_type))


def attribute(node: NodeProto, name: str, default: object = None) -> object:
    """A node's attribute, or `default`; text as str."""
    for item in node.attribute:
        if item.name == name:
            value = helper.get_attribute_value(item)
            return value.decode() if isinstance(value, bytes) else value
    return default
