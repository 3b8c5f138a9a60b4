"""A network in the precisions that devices run: FP16, INT8 for TensorRT, INT8 for onnxruntime."""

from export.quantize.emit import emit
from export.quantize.options import (
    INT8_OPERATORS,
    LayerSensitivity,
    QuantizeOptions,
)
from export.quantize.sensitivity import sensitivity
from export.quantize.sqnr import LayerSqnr, per_layer_sqnr

__all__ = [
    "INT8_OPERATORS",
    "LayerSensitivity",
    "LayerSqnr",
    "QuantizeOptions",
    "emit",
    "per_layer_sqnr",
    "sensitivity",
]
