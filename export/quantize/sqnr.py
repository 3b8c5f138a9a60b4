"""Signal-to-quantization-noise ratio: how much of a tensor's power its error is, in decibels.

20 dB is an error of 10 % (root mean square), 40 dB of 1 %. A good INT8 layer has 25 to 40 dB.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from export.calibration import exact_session
from export.graph import load_graph, value_types, with_outputs

BEST_DB = 200.0
"""What stands for no error at all: infinity is not a number in JSON."""


@dataclass(slots=True)
class Sqnr:
    """Adds up signal and noise over samples."""

    signal: float = 0.0
    noise: float = 0.0

    def add(self, reference: NDArray[Any], quantized: NDArray[Any]) -> None:
        """Two arrays of the same shape."""
        exact = reference.astype(np.float64)
        self.signal += float(np.sum(exact**2))
        self.noise += float(np.sum((quantized.astype(np.float64) - exact) ** 2))

    @property
    def db(self) -> float:
        """Within ±`BEST_DB`; NaN noise is the worst."""
        if self.noise == 0.0:
            return BEST_DB
        if self.signal == 0.0 or not math.isfinite(self.noise):
            return -BEST_DB
        return max(-BEST_DB, min(BEST_DB, 10.0 * math.log10(self.signal / self.noise)))


@dataclass(frozen=True, slots=True)
class LayerSqnr:
    """The error that has come together at one layer's output."""

    node: str
    operator: str
    tensor: str
    sqnr_db: float


def per_layer_sqnr(fp32: Path, variant: Path, samples: Iterable[Mapping[str, NDArray[Any]]]) -> tuple[LayerSqnr, ...]:
    """Every float tensor that both files have, as the layers behind it read it, in the graph's order, over all samples,
    in one pass.

    Graph optimizations are off, so that no tensor is fused away. Raises `ConversionError` for a file that is no model.
    """
    exact, quantized = load_graph(fp32), load_graph(variant)
    layers = _common_layers(exact, quantized)
    names = [layer.output[0] for layer in layers]
    read = _as_read(quantized, names)
    reference, candidate = exact_session(with_outputs(exact, names)), exact_session(with_outputs(quantized, read))
    totals = [Sqnr() for _ in layers]
    for sample in samples:
        pairs = zip(reference.run(names, dict(sample)), candidate.run(read, dict(sample)), strict=True)
        for total, (expected, got) in zip(totals, pairs, strict=True):
            total.add(expected, got)
    return tuple(
        LayerSqnr(layer.name, layer.op_type, layer.output[0], total.db)
        for layer, total in zip(layers, totals, strict=True)
    )


def _as_read(quantized: onnx.ModelProto, names: Sequence[str]) -> list[str]:
    """For each tensor, what comes out of its Q/DQ pair if nothing else reads it: only there is cut off what a Relu that
    the quantizer dropped would have cut off."""
    readers: dict[str, list[onnx.NodeProto]] = {}
    for node in quantized.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    outputs = {item.name for item in quantized.graph.output}

    def last(name: str, operator: str) -> str:
        behind = readers.get(name, [])
        alone = len(behind) == 1 and behind[0].op_type == operator and name not in outputs
        return behind[0].output[0] if alone else ""

    return [last(last(name, "QuantizeLinear"), "DequantizeLinear") or name for name in names]


def _common_layers(exact: onnx.ModelProto, quantized: onnx.ModelProto) -> list[onnx.NodeProto]:
    floats = (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    known = value_types(exact)
    # The quantizer drops a Relu that its zero point does already, but not the note of that tensor's type.
    made = {name for node in quantized.graph.node for name in node.output}
    present = value_types(quantized).keys() & made
    return [
        node
        for node in exact.graph.node
        if node.op_type != "Constant"
        and node.output[0] in known
        and node.output[0] in present
        and known[node.output[0]].type.tensor_type.elem_type in floats
    ]
