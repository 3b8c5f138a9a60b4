"""What TensorRT's ONNX parser has, by operator.

Source: docs/operators.md of onnx-tensorrt at 10.1 and 10.15 (https://github.com/onnx/onnx-tensorrt), and its changelog
for what came between. An operator that ONNX got later than those tables is left to the opset rule.
"""

from __future__ import annotations

NEVER_SUPPORTED = frozenset(
    """
    AffineGrid Bernoulli BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor CenterCropPad Col2Im Compress
    ConcatFromSequence ConvInteger DFT Det DynamicQuantizeLinear ImageDecoder MatMulInteger MaxRoiPool MaxUnpool
    MelWeightMatrix Multinomial NegativeLogLikelihoodLoss Optional OptionalGetElement OptionalHasElement QLinearConv
    QLinearMatMul RegexFullMatch SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength
    SequenceMap SoftmaxCrossEntropyLoss SplitToSequence StringConcat StringNormalizer StringSplit TfIdfVectorizer Unique
    """.split()  # noqa: SIM905  # a list of words is read more easily than sixty quoted ones
)

SUPPORTED_SINCE: dict[str, tuple[int, int]] = {
    "BlackmanWindow": (10, 4),
    "HammingWindow": (10, 4),
    "HannWindow": (10, 4),
    "STFT": (10, 5),
}
"""Operator → the first TensorRT with it."""

FLOAT_ONLY = frozenset(
    """
    Acos Acosh Asin Asinh Atan Atanh AveragePool BatchNormalization Ceil Celu Clip Conv ConvTranspose Cos Cosh CumSum
    Einsum Elu Erf Exp Floor GRU Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool GroupNormalization HardSigmoid
    HardSwish Hardmax InstanceNormalization LRN LSTM LayerNormalization LeakyRelu Log LogSoftmax LpNormalization LpPool
    MatMul MaxPool MeanVarianceNormalization Mish PRelu RNN Reciprocal Resize Round Selu Sigmoid Sin Sinh Softmax
    Softplus Softsign Sqrt Tan Tanh ThresholdedRelu
    """.split()  # noqa: SIM905  # a list of words is read more easily than sixty quoted ones
)
"""Operators whose first input is FP32, FP16 or BF16 in that table: no INT32, no INT64."""

REMEDIES: dict[str, str] = {
    "DynamicQuantizeLinear": "Use static INT8: emit int8-trt.",
    "MatMulInteger": "Use static INT8: emit int8-trt.",
    "ConvInteger": "Use static INT8: emit int8-trt.",
    "QLinearConv": "Quantize as Q/DQ pairs: emit int8-trt.",
    "QLinearMatMul": "Quantize as Q/DQ pairs: emit int8-trt.",
    "STFT": "Write the transform as a Conv with the Fourier basis as its weights.",
    "DFT": "Write the transform as a MatMul with the Fourier basis.",
    "Unique": "Do this step outside the network.",
    "Compress": "Do this step outside the network, or use Where.",
}
