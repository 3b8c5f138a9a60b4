"""The ONNX graph under construction, and which layout each value is in.

TensorFlow.js keeps pictures as NHWC, ONNX convolves NCHW. A value made by a convolution therefore stays NCHW
(`channels_first`) for as long as what follows allows, and is turned back only for what needs its TensorFlow layout:
a pair of transposes that would cancel is never emitted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from onnx import NodeProto, TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor of the graph."""

    name: str
    """Its ONNX name; empty for a constant that nothing has used yet."""
    channels_first: bool = False
    """Whether it is NCHW where TensorFlow's is NHWC."""
    constant: Array | None = None
    """Its content in TensorFlow's layout, if it is known."""


class GraphBuilder:
    """Collects nodes and constants. Names follow from the order of the calls, so equal input gives equal bytes."""

    def __init__(self) -> None:
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []
        self.scope = ""
        """The TensorFlow node at work; prefixes the names of what is emitted."""
        self._names: set[str] = set()
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}
        self._transposed: dict[str, Value] = {}

    def constant(self, array: npt.ArrayLike) -> Value:
        """A constant as it is."""
        content = np.ascontiguousarray(array)
        # ascontiguousarray makes a scalar one-dimensional.
        return Value(self._initializer(content.reshape(np.shape(array))))

    def int64s(self, *values: int) -> Value:
        """A one-dimensional constant, as ONNX wants its axes and shapes."""
        return self.constant(np.array(values, np.int64))

    def emit(
        self,
        op: str,
        inputs: Sequence[Value],
        attributes: Mapping[str, Any] | None = None,
        *,
        channels_first: bool = False,
    ) -> Value:
        """Append a node with one output. Inputs are taken as they are: convert them with `plain` or `image` first."""
        return self.emit_many(op, inputs, attributes, outputs=1, channels_first=channels_first)[0]

    def emit_many(
        self,
        op: str,
        inputs: Sequence[Value],
        attributes: Mapping[str, Any] | None = None,
        *,
        outputs: int,
        channels_first: bool = False,
    ) -> list[Value]:
        """Append a node with several outputs."""
        node_name = self._unique(f"{self.scope}/{op}")
        names = [node_name] + [self._unique(f"{node_name}:{index}") for index in range(1, outputs)]
        names_in = [value.name if value.constant is None else self._initializer(value.constant) for value in inputs]
        self.nodes.append(helper.make_node(op, names_in, names, name=node_name, **(attributes or {})))
        return [Value(name, channels_first) for name in names]

    def name_output(self, value: Value, name: str) -> None:
        """Give a value, in TensorFlow's layout, the name of a graph output."""
        source = self.plain(value)
        source_name = source.name if source.constant is None else self._initializer(source.constant)
        self.nodes.append(helper.make_node("Identity", [source_name], [name], name=f"output/{name}"))

    def plain(self, value: Value) -> Value:
        """The value in TensorFlow's layout."""
        return self._transpose(value, (0, 2, 3, 1)) if value.channels_first else value

    def image(self, value: Value) -> Value:
        """The value, which is rank 4, as NCHW."""
        if value.channels_first:
            return value
        if value.constant is not None:
            return Value(self._initializer(value.constant.transpose(0, 3, 1, 2)), channels_first=True)
        return self._transpose(value, (0, 3, 1, 2))

    def together(self, values: Sequence[Value]) -> tuple[list[Value], bool]:
        """Operands of an element by element operation in one layout, and whether that is NCHW.

        NCHW is kept when every operand has it or is a constant, which is turned here; TensorFlow broadcasts from the
        last axis, so a constant gets its missing leading axes first.
        """
        loose = [value for value in values if value.constant is None]
        if not loose or not all(value.channels_first for value in loose):
            return [self.plain(value) for value in values], False
        return [value if value.constant is None else self._broadcast(value.constant) for value in values], True

    def _broadcast(self, array: Array) -> Value:
        if array.ndim == 0:
            return self.constant(array)
        return self.image(Value("", constant=array.reshape((1,) * (4 - array.ndim) + array.shape)))

    def _transpose(self, value: Value, order: tuple[int, ...]) -> Value:
        if value.name not in self._transposed:
            turned = self.emit("Transpose", [value], {"perm": order}, channels_first=not value.channels_first)
            self._transposed[value.name] = turned
            self._transposed[turned.name] = value
        return self._transposed[value.name]

    def _initializer(self, array: Array) -> str:
        content = np.ascontiguousarray(array).reshape(array.shape)
        key = (content.dtype.str, content.shape, content.tobytes())
        if key not in self._constants:
            name = f"constant_{len(self._constants)}"
            self._constants[key] = name
            self.initializers.append(numpy_helper.from_array(content, name))
        return self._constants[key]

    def _unique(self, name: str) -> str:
        candidate, number = name, 1
        while candidate in self._names:
            number += 1
            candidate = f"{name}_{number}"
        self._names.add(candidate)
        return candidate
