"""What a caller may choose about a precision."""

from __future__ import annotations

from dataclasses import dataclass

WEIGHTED_OPERATORS = ("Conv", "ConvTranspose", "MatMul", "Gemm")
"""Where the arithmetic is, and what keeps its accuracy in INT8."""

_SAME_VALUES = (
    "Relu",
    "Clip",
    "MaxPool",
    "Reshape",
    "Transpose",
    "Flatten",
    "Squeeze",
    "Unsqueeze",
    "Pad",
    "Slice",
    "Split",
)

INT8_OPERATORS: dict[str, tuple[str, ...]] = {
    "int8-trt": WEIGHTED_OPERATORS,
    # onnxruntime's kernels quantize what they write: without the Relu or Clip that follows, a convolution's output
    # would spend its 8 bits on values that are cut off next (EfficientNet-Lite0: cosine 0.888 instead of 0.993).
    "int8-ort": (*WEIGHTED_OPERATORS, *_SAME_VALUES),
}
"""Operators that are quantized unless the caller names others. Element-wise ones cost accuracy (ViT-B/16: cosine 0.975
instead of 0.999) and win speed in some convolutional networks: a recipe may add them."""

FP32_OPERATORS = (
    *("LayerNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization", "LpNormalization"),
    *("BatchNormalization", "MeanVarianceNormalization", "Softmax", "LogSoftmax", "Sigmoid", "HardSigmoid", "Softplus"),
    *("Exp", "Log", "Pow", "ReduceSum", "ReduceMean", "ReduceL2", "ReduceSumSquare", "ReduceLogSumExp"),
)
"""Sums, powers and exponentials: they overflow or lose their small terms in FP16 and take little of the time."""


@dataclass(frozen=True, slots=True)
class QuantizeOptions:
    """Which parts of a network are quantized. Node names are those of the FP32 file that is given to `emit`."""

    operators: tuple[str, ...] | None = None
    """INT8: operators that are quantized; None for `INT8_OPERATORS`."""
    exclude_operators: tuple[str, ...] = ()
    """Operators that stay in FP32 in INT8 and FP16 files."""
    exclude_nodes: tuple[str, ...] = ()
    """Nodes that are not INT8 or, in FP16 files, not FP16."""
    products: bool = True
    """int8-trt: whether products of two activations (attention) are INT8. Over long sequences the odds of attention are
    too small for 8 bits (Whisper's encoder, 1500 vectors: cosine 0.89)."""
    fp16_rest: bool = True
    """int8-trt: what is not INT8 is FP16, which an engine with the types of its graph needs to be fast. Then the
    operator set is raised to 19, the first whose Q/DQ knows FP16."""


@dataclass(frozen=True, slots=True)
class LayerSensitivity:
    """What quantizing one layer alone does to the network's outputs."""

    node: str
    operator: str
    sqnr_db: float
    """Signal-to-quantization-noise ratio of the worst output: the lower, the more the layer hurts."""
    worst_output: str
