"""One FP32 file in, the same network in another precision out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import onnx
from onnx import ModelProto

from assistant.errors import AssistantError
from assistant.inference.bundle import PRECISIONS, Precision
from export.calibration import CalibrationResult, TensorRange, read_calibration
from export.errors import QuantizationError
from export.graph import load_graph, opset_version
from export.onnx_file import OPSETS, pin_versions, write_onnx
from export.quantize.fp16 import to_fp16
from export.quantize.int8 import FP16_QDQ_OPSET, check_calibrated, int8_operators, to_int8
from export.quantize.options import QuantizeOptions


def emit(fp32: Path, calibration: Path | None, precision: Precision, options: QuantizeOptions, out: Path) -> None:
    """Write `fp32` in `precision` to `out`, atomically; the same arguments give the same bytes.

    INT8 needs a calibration; FP16 uses one, if given, to keep nodes with values that FP16 cannot hold in FP32. Compare
    the outputs of int8-trt files with onnxruntime's graph optimizations off: it miscomputes INT8 with FP16 with them.

    Raises `QuantizationError` or `CalibrationError`, and `OSError` or `MemoryError` where the machine has no room for
    it; then `out` is left as it was.
    """
    if precision not in PRECISIONS:
        raise QuantizationError(f"There is no precision '{precision}'.", remedy=f"Choose from {', '.join(PRECISIONS)}.")
    model = load_graph(fp32)
    _check_opset(model, fp32)
    _check_exclusions(model, options, fp32)
    result = read_calibration(calibration) if calibration is not None else None
    try:
        converted = _convert(model, result, precision, options)
        pin_versions(converted)
        onnx.checker.check_model(converted)
    except (AssistantError, OSError, MemoryError):
        raise  # a full disk says nothing of the network
    except Exception as error:  # onnx and onnxruntime's quantizer raise whatever they meet, without a common base
        raise QuantizationError(f"{fp32} cannot be written as {precision}: {type(error).__name__}: {error}") from error
    write_onnx(converted, out)


def _convert(
    model: ModelProto, calibration: CalibrationResult | None, precision: Precision, options: QuantizeOptions
) -> ModelProto:
    ranges: Mapping[str, TensorRange] = calibration.ranges if calibration is not None else {}
    if precision == "fp32":
        return model
    if precision == "fp16":
        return to_fp16(model, options, ranges)
    if calibration is None:
        raise QuantizationError(f"{precision} needs a calibration.", remedy="Calibrate the network first.")
    check_calibrated(model, calibration, int8_operators(precision, options))
    if precision == "int8-trt" and options.fp16_rest:
        # What is spared from INT8 is FP16 like the rest: in FP32 it would cost more than INT8 gains elsewhere.
        model = to_fp16(_with_fp16_qdq(model), replace(options, exclude_nodes=()), ranges)
    return to_int8(model, calibration, precision, options)


def _with_fp16_qdq(model: ModelProto) -> ModelProto:
    if opset_version(model) >= FP16_QDQ_OPSET:
        return model
    try:
        return onnx.version_converter.convert_version(model, FP16_QDQ_OPSET)
    except (RuntimeError, onnx.onnx_cpp2py_export.version_converter.ConvertError) as error:
        raise QuantizationError(
            f"The network cannot be raised to opset {FP16_QDQ_OPSET}, which INT8 with FP16 needs: {error}",
            remedy=f"Export it with opset {FP16_QDQ_OPSET}, or set fp16_rest to false.",
        ) from error


def _check_opset(model: ModelProto, path: Path) -> None:
    opset = opset_version(model)
    if opset not in OPSETS:
        raise QuantizationError(
            f"{path} has opset {opset}: expected {OPSETS[0]} to {OPSETS[-1]}.", remedy="Export it again with opset 17."
        )


def _check_exclusions(model: ModelProto, options: QuantizeOptions, path: Path) -> None:
    """A name that matches nothing would silently quantize what was to be spared."""
    nodes = {node.name for node in model.graph.node}
    if unknown := [name for name in options.exclude_nodes if name not in nodes]:
        raise QuantizationError(
            f"{path} has no node '{unknown[0]}', which was to be excluded.",
            remedy="Optimizing renames nodes: take the names from the file that is quantized.",
        )
