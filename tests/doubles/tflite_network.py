"""Small TensorFlow Lite files. The numbers of the fields are those of TensorFlow's schema.fbs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import flatbuffers
import numpy as np
from tflite.BuiltinOperator import BuiltinOperator
from tflite.TensorType import TensorType

_TYPES = {np.dtype(np.float32): TensorType.FLOAT32, np.dtype(np.int8): TensorType.INT8}
_IDENTIFIER = b"TFL3"


def dense_network(kernel: np.ndarray, bias: np.ndarray, *, scale: float | None = None) -> bytes:
    """x · `kernel`ᵀ, reshaped, + `bias`: as TensorFlow's converter writes a dense layer "net/dense". `kernel` is int8
    where there is a `scale`, else float32."""
    tensors = ["x", "net/dense/Tensordot/MatMul", "product", "rows", "net/dense/BiasAdd/ReadVariableOp/resource", "y"]
    operators = [
        (BuiltinOperator.FULLY_CONNECTED, (0, 1), (2,)),
        (BuiltinOperator.RESHAPE, (2,), (3,)),
        (BuiltinOperator.ADD, (3, 4), (5,)),
    ]
    return _Writer().network(tensors, {1: (kernel, scale), 4: (bias, None)}, operators)


class _Writer(flatbuffers.Builder):
    def network(
        self,
        names: Sequence[str],
        constants: Mapping[int, tuple[np.ndarray, float | None]],
        operators: Sequence[tuple[int, tuple[int, ...], tuple[int, ...]]],
    ) -> bytes:
        empty = np.zeros(0, np.float32), None
        contents = [constants.get(number, empty) for number in range(len(names))]
        buffers = [self._table({0: self.CreateNumpyVector(_bytes(values))}) for values, _ in contents]
        tensors = [
            self._tensor(name, number, *content)
            for number, (name, content) in enumerate(zip(names, contents, strict=True))
        ]
        codes = [self._table({3: ("Int32", code)}) for code, _, _ in operators]
        nodes = [
            self._table({0: ("Uint32", number), 1: self._integers(inputs), 2: self._integers(outputs)})
            for number, (_, inputs, outputs) in enumerate(operators)
        ]
        graph = self._table({0: self._tables(tensors), 3: self._tables(nodes)})
        model = self._table({1: self._tables(codes), 2: self._tables([graph]), 4: self._tables(buffers)})
        self.Finish(model, _IDENTIFIER)
        return bytes(self.Output())

    def _tensor(self, name: str, buffer: int, values: np.ndarray, scale: float | None) -> int:
        fields: dict[int, int | tuple[str, int]] = {
            0: self._integers(values.shape),
            1: ("Int8", _TYPES[values.dtype]),
            2: ("Uint32", buffer),
            3: self.CreateString(name),
        }
        if scale is not None:
            fields[4] = self._table({2: self.CreateNumpyVector(np.array([scale], np.float32))})
        return self._table(fields)

    def _table(self, fields: Mapping[int, int | tuple[str, int]]) -> int:
        """Numbers are offsets of what was written before; pairs are values with their type."""
        self.StartObject(max(fields) + 1)
        for slot, value in fields.items():
            if isinstance(value, tuple):
                prepend: Callable[[int, int, int], None] = getattr(self, f"Prepend{value[0]}Slot")
                prepend(slot, value[1], 0)
            else:
                self.PrependUOffsetTRelativeSlot(slot, value, 0)
        return int(self.EndObject())

    def _tables(self, offsets: Sequence[int]) -> int:
        self.StartVector(4, len(offsets), 4)
        for offset in reversed(offsets):
            self.PrependUOffsetTRelative(offset)
        return int(self.EndVector())

    def _integers(self, values: Sequence[int]) -> int:
        return int(self.CreateNumpyVector(np.array(values, np.int32)))


def _bytes(values: np.ndarray) -> np.ndarray:
    return np.frombuffer(values.tobytes(), np.uint8)
