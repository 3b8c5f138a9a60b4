"""TensorFlow Lite files as weights by name, without TensorFlow.

The format is a FlatBuffer: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tflite.BuiltinOperator import BuiltinOperator
from tflite.Model import Model
from tflite.SubGraph import SubGraph
from tflite.Tensor import Tensor
from tflite.TensorType import TensorType

from export.errors import ConversionError
from export.recipe import Array

_DTYPES: dict[int, np.dtype[Any]] = {
    TensorType.FLOAT32: np.dtype("<f4"),
    TensorType.INT32: np.dtype("<i4"),
    TensorType.INT64: np.dtype("<i8"),
    TensorType.INT8: np.dtype("i1"),
    TensorType.BOOL: np.dtype("?"),
}
# What reading a FlatBuffer raises whose offsets lead nowhere.
_DAMAGE = (struct.error, ArithmeticError, AttributeError, LookupError, MemoryError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Weight:
    """A constant of the network: `values · scale`, where the converter of TensorFlow stored 8 bits."""

    values: Array
    scale: float | None

    def exact(self) -> Array:
        """float32, as the network computes with it."""
        return self.values if self.scale is None else self.values.astype(np.float32) * np.float32(self.scale)


@dataclass(frozen=True, slots=True)
class _Operator:
    code: int
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class TfliteFile:
    """The constants of a network, and which of them are added to the product of another."""

    def __init__(self, path: Path) -> None:
        """Read the whole file. Raises `ConversionError` when it is damaged, or no TensorFlow Lite file."""
        content = path.read_bytes()
        self._path = path
        self._constants: dict[int, Weight] = {}
        self._numbers: dict[str, int] = {}
        try:
            if not Model.ModelBufferHasIdentifier(content, 0):
                raise ValueError("it is of another format")
            model = Model.GetRootAs(content, 0)
            graph = model.Subgraphs(0)
            for number in range(graph.TensorsLength()):
                self._read(model, graph.Tensors(number), number)
            self._operators = _operators(model, graph)
        except _DAMAGE as error:
            raise ConversionError(
                f"{path} cannot be read as a TensorFlow Lite file: {error}.", remedy="Pull the model again."
            ) from error

    def exact(self, name: str) -> Array:
        """As float32. Raises `ConversionError` when the network has no such constant."""
        if name not in self._numbers:
            raise self._lacks(name)
        return self._constants[self._numbers[name]].exact()

    def kernel(self, layer: str) -> Weight:
        """What a layer multiplies with: of its constants, which the converter names after their use, the largest."""
        return self._constants[self._kernel(layer)]

    def bias(self, layer: str) -> Array:
        """What is added to a layer's product, found by its place: equal biases are stored once, under one name."""
        kernel = self._kernel(layer)
        product = next((one.outputs[0] for one in self._operators if kernel in one.inputs), None)
        for user in self._operators:  # they stand in the order in which they run
            if product not in user.inputs:
                continue
            constant = next((self._constants[one] for one in user.inputs if one in self._constants), None)
            if user.code == BuiltinOperator.ADD and constant is not None:
                return constant.exact()
            product = user.outputs[0]
        raise self._lacks(f"{layer}'s bias")

    def _read(self, model: Model, tensor: Tensor, number: int) -> None:
        buffer = model.Buffers(tensor.Buffer())
        if not buffer.DataLength():
            return
        shape = tuple(tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()
        values = np.frombuffer(buffer.DataAsNumpy().tobytes(), _DTYPES[tensor.Type()]).reshape(shape)
        quantization = tensor.Quantization()
        scale = float(quantization.Scale(0)) if quantization is not None and quantization.ScaleLength() == 1 else None
        self._constants[number] = Weight(values, scale)
        self._numbers[tensor.Name().decode()] = number

    def _kernel(self, layer: str) -> int:
        found = [number for name, number in self._numbers.items() if name.startswith(f"{layer}/")]
        found = [number for number in found if self._constants[number].values.ndim > 1]
        if not found:
            raise self._lacks(f"{layer}'s weights")
        return max(found, key=lambda number: self._constants[number].values.size)

    def _lacks(self, what: str) -> ConversionError:
        return ConversionError(
            f"{self._path} has no {what}: it is another network than the one expected.",
            remedy="Give the file that the model's model.toml names.",
        )


def _operators(model: Model, graph: SubGraph) -> list[_Operator]:
    codes = [model.OperatorCodes(number) for number in range(model.OperatorCodesLength())]
    # Files from before 2020 have the code in a byte that has another name today.
    numbers = [max(code.BuiltinCode(), code.DeprecatedBuiltinCode()) for code in codes]
    operators = [graph.Operators(number) for number in range(graph.OperatorsLength())]
    return [
        _Operator(numbers[one.OpcodeIndex()], tuple(one.InputsAsNumpy()), tuple(one.OutputsAsNumpy()))
        for one in operators
    ]
