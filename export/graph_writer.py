"""Writing ONNX graphs down, layer by layer."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

from export.onnx_file import infer_shapes, pin_versions
from export.recipe import Array

OPSET = 17


class GraphWriter:
    """Collects nodes and constants; a node, its output and its name are the same word."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._initializers: dict[str, TensorProto] = {}

    def emit(self, op: str, inputs: Sequence[str], name: str, attributes: Mapping[str, Any] | None = None) -> str:
        """Append a node with one output."""
        return self.emit_many(op, inputs, [name], attributes)[0]

    def emit_many(
        self, op: str, inputs: Sequence[str], names: Sequence[str], attributes: Mapping[str, Any] | None = None
    ) -> Sequence[str]:
        """Append a node with several outputs."""
        self._nodes.append(helper.make_node(op, inputs, names, name=names[0], **(attributes or {})))
        return names

    def constant(self, array: Array, name: str) -> str:
        """A constant; one that is there already under this name is taken again."""
        if name not in self._initializers:
            content = np.ascontiguousarray(array).reshape(array.shape)
            self._initializers[name] = numpy_helper.from_array(content, name)
        return name

    def model(
        self,
        name: str,
        inputs: Mapping[str, Sequence[int | str]],
        outputs: Mapping[str, Sequence[int | str]],
        integers: Collection[str] = (),
    ) -> onnx.ModelProto:
        """The whole network, checked. Its inputs and outputs (name → shape) are float32, the `integers` int32; an axis
        with a name instead of a size is open."""

        def values(shapes: Mapping[str, Sequence[int | str]]) -> list[onnx.ValueInfoProto]:
            return [
                helper.make_tensor_value_info(key, TensorProto.INT32 if key in integers else TensorProto.FLOAT, shape)
                for key, shape in shapes.items()
            ]

        constants = list(self._initializers.values())
        graph = helper.make_graph(self._nodes, name, values(inputs), values(outputs), constants)
        model = infer_shapes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)]))
        pin_versions(model)
        onnx.checker.check_model(model)
        return model
