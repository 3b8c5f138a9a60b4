"""The same function in fewer passes over memory: rewrites of an ONNX graph after its import.

Each asks for one exact shape of graph, and leaves every other alone. Up to rounding, the outputs stay what they were.
What they are worth is in docs/vision.md.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import onnx
from onnx import GraphProto, ModelProto, NodeProto, helper, numpy_helper

Array = npt.NDArray[np.float32]

_VECTOR = 16
"""Channels that the widest vector unit takes at once; onnxruntime leaves its blocked layout where they do not fit."""
_NO_PEAK = -100.0
"""Added to a logit: its sigmoid is 0, and FP16 still holds the sum."""


def rewrite(model: ModelProto) -> None:
    """All rewrites, in place. The model is one of `export.onnx_from_tfjs`: every node has a name of its own."""
    give_resize_its_scales(model)
    for change in (pool_means, fuse_hard_swish, find_peaks_in_logits, round_up_depthwise_channels):
        change(model.graph)


class _Index:
    """Who makes and who uses a value; whoever runs the graph uses its outputs."""

    def __init__(self, graph: GraphProto) -> None:
        self.graph = graph
        self._constants = {item.name: item for item in graph.initializer}
        self._makers = {name: node for node in graph.node for name in node.output}
        self._outputs = Counter(item.name for item in graph.output)
        self._users: dict[str, list[NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self._users.setdefault(name, []).append(node)

    def maker(self, name: str, op: str) -> NodeProto | None:
        """The node that makes a value, if it is an `op`."""
        node = self._makers.get(name)
        return node if node is not None and node.op_type == op else None

    def uses(self, name: str) -> int:
        return len(self._users.get(name, ())) + self._outputs[name]

    def only_user(self, name: str, op: str) -> NodeProto | None:
        """The node that alone uses a value, if it is an `op`."""
        users = self._users.get(name, [])
        return users[0] if self.uses(name) == 1 and users and users[0].op_type == op else None

    def constant(self, name: str) -> Array | None:
        found = self._constants.get(name)
        return None if found is None else numpy_helper.to_array(found)

    def scalar(self, name: str) -> float | None:
        found = self.constant(name)
        return float(found.item()) if found is not None and found.size == 1 else None

    def add_constant(self, name: str, values: npt.ArrayLike) -> str:
        item = numpy_helper.from_array(np.asarray(values, np.float32), name)
        self.graph.initializer.append(item)
        self._constants[name] = item
        return name


def give_resize_its_scales(model: ModelProto) -> None:
    """Sizes that are computed as the graph runs hide every shape behind them from the runtime's own optimizer."""
    graph = model.graph
    index = _Index(graph)
    gone: set[str] = set()
    for node in [node for node in graph.node if node.op_type == "Resize" and len(node.input) == 4]:
        sizes = index.maker(node.input[3], "Concat")
        shape = index.maker(sizes.input[0], "Shape") if sizes is not None else None
        wanted = index.constant(sizes.input[1]) if sizes is not None else None
        got = _static_shape(model, node.input[0])
        if sizes is None or shape is None or wanted is None or shape.input[0] != node.input[0] or len(got) != 4:
            continue
        if any(index.uses(item.output[0]) != 1 for item in (sizes, shape)):
            continue
        node.input[2] = index.add_constant(f"{node.name}/scales", [1.0, 1.0, wanted[0] / got[2], wanted[1] / got[3]])
        del node.input[3]
        gone.update((sizes.name, shape.name))
    _replace(graph, {}, gone)


def _static_shape(model: ModelProto, name: str) -> list[int]:
    """Sizes of a value, none where one of them is not known."""
    inferred = onnx.shape_inference.infer_shapes(model)
    for value in (*inferred.graph.value_info, *inferred.graph.input):
        if value.name == name:
            sizes = [axis.dim_value for axis in value.type.tensor_type.shape.dim]
            return sizes if all(sizes) else []
    return []


def pool_means(graph: GraphProto) -> None:
    """A mean over height and width is a pooling, which onnxruntime has for its blocked layout too."""
    for node in graph.node:
        settings = {item.name: helper.get_attribute_value(item) for item in node.attribute}
        if node.op_type == "ReduceMean" and settings.get("axes") == [2, 3] and settings.get("keepdims", 1) == 1:
            node.op_type = "GlobalAveragePool"
            del node.attribute[:]


def fuse_hard_swish(graph: GraphProto) -> None:
    """(k x) · clip(x + 3, 0, 6) behind a convolution as x · HardSigmoid(x): two passes instead of four.

    Where k is 1/6 in a few bits only, what is missing goes into the convolution's weights.
    """
    index = _Index(graph)
    new: dict[str, list[NodeProto]] = {}
    gone: set[str] = set()
    for node in graph.node:
        found = _hard_swish(index, node)
        if found is None:
            continue
        value, factor, inner = found
        convolution = index.maker(value, "Conv")
        if convolution is None or len(convolution.input) < 3 or index.uses(value) != 2:
            continue
        scale = 6.0 * factor
        for place in (1, 2):
            weights = index.constant(convolution.input[place])
            assert weights is not None
            convolution.input[place] = index.add_constant(f"{convolution.name}/scaled_{place}", weights * scale)
        gate = f"{node.name}/gate"
        alpha = 1.0 / (6.0 * scale)
        new[node.name] = [
            helper.make_node("HardSigmoid", [value], [gate], name=gate, alpha=alpha, beta=0.5),
            helper.make_node("Mul", [value, gate], list(node.output), name=node.name),
        ]
        gone.update(inner)
    _replace(graph, new, gone)


def _hard_swish(index: _Index, node: NodeProto) -> tuple[str, float, tuple[str, str, str]] | None:
    """x, k, and the nodes inside, where a node is (k x) · clip(x + 3, 0, 6)."""
    if node.op_type != "Mul":
        return None
    for one, other in (tuple(node.input), tuple(reversed(node.input))):
        scaled, clip = index.maker(one, "Mul"), index.maker(other, "Clip")
        shifted = index.maker(clip.input[0], "Add") if clip is not None else None
        if scaled is None or clip is None or shifted is None:
            continue
        value, three = _operand(index, shifted)
        same, factor = _operand(index, scaled)
        limits = [index.scalar(name) for name in clip.input[1:]]
        alone = all(index.uses(item.output[0]) == 1 for item in (scaled, shifted, clip))
        if value and value == same and factor and three == 3.0 and limits == [0.0, 6.0] and alone:
            return value, factor, (scaled.name, shifted.name, clip.name)
    return None


def _operand(index: _Index, node: NodeProto) -> tuple[str, float | None]:
    """The value and the constant number that a node takes; no value where it takes anything else."""
    numbers = [index.scalar(name) for name in node.input]
    if numbers[0] is None and numbers[1] is not None:
        return node.input[0], numbers[1]
    if numbers[1] is None and numbers[0] is not None:
        return node.input[1], numbers[0]
    return "", None


def find_peaks_in_logits(graph: GraphProto) -> None:
    """The highest local maxima of a sigmoid are those of its logits: the sigmoid is needed of these few alone."""
    index = _Index(graph)
    for equal in [node for node in graph.node if node.op_type == "Equal"]:
        sigmoid, pool = (index.maker(name, op) for name, op in zip(equal.input, ("Sigmoid", "MaxPool"), strict=True))
        cast = index.only_user(equal.output[0], "Cast")
        kept = index.only_user(cast.output[0], "Mul") if cast is not None else None
        turned = index.only_user(kept.output[0], "Transpose") if kept is not None else None
        flat = index.only_user(turned.output[0], "Reshape") if turned is not None else None
        top = index.only_user(flat.output[0], "TopK") if flat is not None else None
        if sigmoid is None or pool is None or cast is None or kept is None or top is None:
            continue
        if index.uses(pool.output[0]) != 1 or pool.input[0] != sigmoid.output[0]:
            continue
        if set(kept.input) != {sigmoid.output[0], cast.output[0]}:
            continue
        logits, scores = sigmoid.input[0], top.output[0]
        pool.input[0] = logits
        equal.op_type = "Less"
        equal.input[0] = logits
        lowered = f"{kept.name}/lowered"
        height = index.add_constant(f"{kept.name}/no_peak", _NO_PEAK)
        top.output[0] = f"{scores}/logits"
        new = {
            kept.name: [
                helper.make_node("Mul", [cast.output[0], height], [lowered], name=lowered),
                helper.make_node("Add", [logits, lowered], list(kept.output), name=kept.name),
            ],
            top.name: [top, helper.make_node("Sigmoid", [top.output[0]], [scores], name=f"{top.name}/sigmoid")],
        }
        _replace(graph, new, {sigmoid.name} if index.uses(sigmoid.output[0]) == 3 else set())
        return


def round_up_depthwise_channels(graph: GraphProto) -> None:
    """A depthwise convolution between two ordinary ones gets channels that are always 0, up to a full vector."""
    index = _Index(graph)
    for node in graph.node:
        channels = _groups(node)
        missing = -channels % _VECTOR
        if node.op_type != "Conv" or channels == 1 or not missing or len(node.input) != 2:
            continue
        weights = index.constant(node.input[1])
        if weights is None or weights.shape[:2] != (channels, 1):
            continue
        relu = index.maker(node.input[0], "Relu")
        before = index.maker(relu.input[0] if relu is not None else node.input[0], "Conv")
        after = index.only_user(node.output[0], "Conv")
        between = [node.input[0], *(relu.input if relu is not None else ())]
        if before is None or after is None or _groups(before) != 1 or _groups(after) != 1:
            continue
        if any(index.uses(name) != 1 for name in between):
            continue
        for convolution, axis in ((before, 0), (node, 0), (after, 1)):
            for place in (1, 2) if axis == 0 else (1,):
                if len(convolution.input) > place:
                    _pad(index, convolution, place, axis, missing)
        next(item for item in node.attribute if item.name == "group").i = channels + missing


def _pad(index: _Index, convolution: NodeProto, place: int, axis: int, missing: int) -> None:
    values = index.constant(convolution.input[place])
    assert values is not None
    margins = [(0, missing if dimension == axis else 0) for dimension in range(values.ndim)]
    name = f"{convolution.name}/rounded_{place}_{axis}"
    convolution.input[place] = index.add_constant(name, np.pad(values, margins))


def _groups(node: NodeProto) -> int:
    return next((item.i for item in node.attribute if item.name == "group"), 1)


def _replace(graph: GraphProto, new: dict[str, list[NodeProto]], gone: set[str]) -> None:
    """Put nodes in the place of the one that has a name, and drop others."""
    nodes = [made for node in graph.node if node.name not in gone for made in new.get(node.name, [node])]
    kept = [NodeProto.FromString(node.SerializeToString(deterministic=True)) for node in nodes]
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in kept for name in node.input}
    constants = [item for item in graph.initializer if item.name in used]
    if len(constants) < len(graph.initializer):
        del graph.initializer[:]
        graph.initializer.extend(constants)
