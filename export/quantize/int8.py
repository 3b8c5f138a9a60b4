"""INT8 as Q/DQ pairs, by onnxruntime's quantizer, with our ranges.

TensorRT and onnxruntime want different graphs (both measured, see docs/export.md), from the same calibration:

int8-trt   S8S8, symmetric: all zero points are 0; weights per channel; biases stay as they are (TensorRT refuses a
           DequantizeLinear of INT32); outputs of weighted operators stay unquantized, as TensorRT fuses what follows
int8-ort   U8S8, weights per channel: what the fast integer kernels of x86 and ARM take; products of two activations
           (attention) stay in FP32: ViT-B/16 gains accuracy (cosine 0.9978 → 0.9991) and loses no speed; products by a
           matrix answer in float (`export.quantize.biases`)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import onnx
from onnx import ModelProto, TensorProto

from export.calibration import CalibrationResult, TensorRange
from export.errors import QuantizationError
from export.graph import float_activations, sort_nodes, value_types
from export.quantize.biases import join_biases, lift_biases
from export.quantize.options import INT8_OPERATORS, WEIGHTED_OPERATORS, QuantizeOptions
from export.quantize.small_scales import mend_small_scales

Int8Precision = Literal["int8-trt", "int8-ort"]

FP16_QDQ_OPSET = 19
"""The first whose QuantizeLinear and DequantizeLinear know FP16."""


def int8_operators(target: Int8Precision, options: QuantizeOptions) -> list[str]:
    """Operators that are quantized."""
    chosen = options.operators if options.operators is not None else INT8_OPERATORS[target]
    return [name for name in chosen if name not in options.exclude_operators]


def check_calibrated(model: ModelProto, calibration: CalibrationResult, operators: Sequence[str]) -> None:
    """Raise `QuantizationError` when a tensor that is to be quantized was not seen in calibration."""
    missing = [name for name in float_activations(model, operators) if name not in calibration.ranges]
    if missing:
        raise QuantizationError(
            f"The calibration does not fit the network: it has no range for the tensor '{missing[0]}'"
            f"{f' and {len(missing) - 1} more' if len(missing) > 1 else ''}.",
            remedy="Calibrate the same file that is quantized, and name only operators that calibration watches.",
        )


def to_int8(
    model: ModelProto, calibration: CalibrationResult, target: Int8Precision, options: QuantizeOptions
) -> ModelProto:
    """A copy with Q/DQ pairs. Raises `QuantizationError` when nothing is quantized."""
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

    operators = int8_operators(target, options)
    for_tensorrt = target == "int8-trt"
    # By name, for a product that is joined with its bias is another operator then.
    chosen = {node.name for node in model.graph.node if node.op_type in operators}.difference(options.exclude_nodes)
    if not (for_tensorrt and options.products):
        chosen -= _products_of_activations(model)
    model = model if for_tensorrt else join_biases(model, chosen)
    quantizer = QDQQuantizer(
        onnx.shape_inference.infer_shapes(model),
        per_channel=True,
        reduce_range=False,
        weight_qType=QuantType.QInt8,
        activation_qType=QuantType.QInt8 if for_tensorrt else QuantType.QUInt8,
        tensors_range=_tensors_data(model, calibration),
        nodes_to_quantize=[],
        nodes_to_exclude={node.name for node in model.graph.node if node.name not in chosen},
        op_types_to_quantize=[*operators, "Gemm"],
        extra_options=_tensorrt_options(operators) if for_tensorrt else _ORT_OPTIONS,
    )
    quantized: ModelProto = quantizer.quantize_model()
    if not any(node.op_type == "QuantizeLinear" for node in quantized.graph.node):
        raise QuantizationError(
            f"The network has no node to quantize: operators {', '.join(operators) or 'none'}, "
            f"{len(options.exclude_nodes)} nodes excluded.",
            remedy="Exclude less, or do without INT8.",
        )
    if not for_tensorrt:
        lift_biases(quantized)
    mend_small_scales(quantized, model, _with_casts(model, calibration.ranges))
    sort_nodes(quantized.graph)
    return quantized


def _products_of_activations(model: ModelProto) -> set[str]:
    constants = {item.name for item in model.graph.initializer}
    constants |= {node.output[0] for node in model.graph.node if node.op_type == "Constant"}
    return {node.name for node in model.graph.node if node.op_type == "MatMul" and constants.isdisjoint(node.input)}


_ORT_OPTIONS = {"OpTypesToExcludeOutputQuantization": ["MatMul", "Gemm"]}


def _tensorrt_options(operators: list[str]) -> dict[str, Any]:
    return {
        "ActivationSymmetric": True,
        "WeightSymmetric": True,
        "QuantizeBias": False,
        "OpTypesToExcludeOutputQuantization": [name for name in operators if name in WEIGHTED_OPERATORS],
    }


def _tensors_data(model: ModelProto, calibration: CalibrationResult) -> Any:
    """Our ranges in onnxruntime's terms, in the type that each tensor has in this graph."""
    from onnxruntime.quantization.calibrate import CalibrationMethod, TensorData, TensorsData

    halves = {
        name for name, item in value_types(model).items() if item.type.tensor_type.elem_type == TensorProto.FLOAT16
    }
    data: dict[str, Any] = {}
    for name, item in _with_casts(model, calibration.ranges).items():
        dtype = np.float16 if name in halves else np.float32
        data[name] = TensorData(lowest=np.array(item.low, dtype), highest=np.array(item.high, dtype))
    return TensorsData(CalibrationMethod.MinMax, data)


def _with_casts(model: ModelProto, ranges: Mapping[str, TensorRange]) -> dict[str, TensorRange]:
    """A Cast between float types has the same range on both sides; one of them is new since calibration."""
    known = dict(ranges)
    for node in model.graph.node:
        if node.op_type == "Cast":
            source, target = node.input[0], node.output[0]
            if source in known:
                known.setdefault(target, known[source])
            elif target in known:
                known[source] = known[target]
    return known
