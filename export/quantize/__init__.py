"""A network in the precisions that devices run: FP16, INT8 for TensorRT, INT8 for onnxruntime."""

from export.quantize.emit import emit
from export.quantize.options import (
    PRECISIONS,
    LayerSensitivity,
    Precision,
    QuantizeOptions,
    exclude_sensitive,
)

__all__ = ["PRECISIONS", "LayerSensitivity", "Precision", "QuantizeOptions", "emit", "exclude_sensitive"]
