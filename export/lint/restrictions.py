"""The ways of using an operator that TensorRT's parser does not take: the column "Restrictions" of its operators.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from onnx import NodeProto

from export.lint.finding import Finding
from export.lint.inspected import InspectedModel, attribute
from export.lint.targets import Target


def restrictions(model: InspectedModel, target: Target) -> Iterator[Finding]:
    """Operators are used in the ways that TensorRT's parser documents."""
    for node in model.nodes():
        if (check := _RESTRICTIONS.get(node.op_type)) and (problem := check(model, node)):
            message = f"{node.op_type} with {problem}; {target} does not take that."
            yield Finding("restriction", "error", node.name, message, "Export the network without it.")


def _resize(model: InspectedModel, node: NodeProto) -> str | None:
    mode = attribute(node, "mode", "nearest")
    if mode == "cubic":
        return "mode 'cubic'"
    if attribute(node, "antialias", 0):
        return "antialiasing"
    transformation = attribute(node, "coordinate_transformation_mode", "half_pixel")
    return f"coordinates '{transformation}'" if transformation == "tf_crop_and_resize" else None


def _top_k(model: InspectedModel, node: NodeProto) -> str | None:
    k = model.constant(node.input[1])
    if k is not None and int(k.reshape(-1)[0]) >= 3840:
        return f"K = {int(k.reshape(-1)[0])}, which must be under 3840"
    return "unsorted results" if attribute(node, "sorted", 1) == 0 else None


def _max_pool(model: InspectedModel, node: NodeProto) -> str | None:
    return "the output Indices" if len(node.output) > 1 and node.output[1] else None


def _layer_normalization(model: InspectedModel, node: NodeProto) -> str | None:
    return "the outputs Mean or InvStdDev" if any(node.output[1:]) else None


def _constant_axes(model: InspectedModel, node: NodeProto) -> str | None:
    computed = len(node.input) > 1 and node.input[1] and not model.is_constant(node.input[1])
    return "axes that are computed" if computed else None


def _lstm(model: InspectedModel, node: NodeProto) -> str | None:
    if attribute(node, "layout", 0):
        return "layout 1"
    return "input_forget" if attribute(node, "input_forget", 0) else None


def _scatter_nd(model: InspectedModel, node: NodeProto) -> str | None:
    return "a reduction" if attribute(node, "reduction", "none") != "none" else None


_REDUCTIONS = ("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
_RESTRICTIONS: dict[str, Callable[[InspectedModel, NodeProto], str | None]] = {
    "Resize": _resize,
    "TopK": _top_k,
    "MaxPool": _max_pool,
    "LayerNormalization": _layer_normalization,
    "LSTM": _lstm,
    "ScatterND": _scatter_nd,
    "Squeeze": _constant_axes,
    "Unsqueeze": _constant_axes,
    **{f"Reduce{kind}": _constant_axes for kind in _REDUCTIONS},
}
