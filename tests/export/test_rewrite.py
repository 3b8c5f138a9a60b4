"""Tiny graphs, rewritten, through onnxruntime: the same function in fewer nodes, and nothing else is touched."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from export.rewrite import rewrite

RNG = np.random.default_rng(3)
SIXTH = np.float16(1 / 6)
"""As weights in half precision have it."""


def model_of(nodes, constants, *, output, others=(), shape=(1, 3, 8, 8)):
    """A model with the input x; `others` are outputs too."""
    graph = helper.make_graph(
        [helper.make_node(op, inputs, outputs, name=outputs[0], **more) for op, inputs, outputs, more in nodes],
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [onnx.ValueInfoProto(name=name) for name in (output, *others)],
        [numpy_helper.from_array(np.asarray(values), name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    inferred = onnx.shape_inference.infer_shapes(model)
    for mine, found in zip(model.graph.output, inferred.graph.output, strict=True):
        mine.CopyFrom(found)
    return model


def operators(model):
    return [node.op_type for node in model.graph.node]


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


@pytest.fixture
def rewritten(tmp_path):
    """Rewrites a model after it has seen what it computes, and asserts that it still does."""

    def check(model):
        x = floats(*(axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim)) * 3
        results = []
        for name in ("before.onnx", "after.onnx"):
            onnx.checker.check_model(model, full_check=True)
            onnx.save(model, tmp_path / name)
            results.append(OnnxRuntimeSession(tmp_path / name).run({"x": x}))
            if name == "before.onnx":
                rewrite(model)
        before, after = results
        for name, values in before.items():
            np.testing.assert_allclose(after[name], values, rtol=1e-5, atol=1e-6 * np.abs(values).max())
        return model

    return check


def hard_swish(*, three=3.0, six=6.0):
    nodes = [
        ("Conv", ["x", "w", "b"], ["c"], {}),
        ("Mul", ["k", "c"], ["scaled"], {}),
        ("Add", ["c", "three"], ["shifted"], {}),
        ("Clip", ["shifted", "zero", "six"], ["clipped"], {}),
        ("Mul", ["scaled", "clipped"], ["y"], {}),
    ]
    constants = {"w": floats(4, 3, 3, 3), "b": floats(4), "k": np.float32(SIXTH), "three": np.float32(three)}
    return nodes, {**constants, "zero": np.float32(0), "six": np.float32(six)}


def test_a_hard_swish_becomes_a_gate_even_where_a_sixth_is_only_nearly_one(rewritten):
    model = rewritten(model_of(*hard_swish(), output="y"))
    assert operators(model) == ["Conv", "HardSigmoid", "Mul"]
    assert {item.name for item in model.graph.initializer} == {
        name for node in model.graph.node for name in node.input
    } & {item.name for item in model.graph.initializer}


@pytest.mark.parametrize("other", [{"three": 2.0}, {"six": 5.0}])
def test_what_only_looks_like_a_hard_swish_stays(rewritten, other):
    model = rewritten(model_of(*hard_swish(**other), output="y"))
    assert operators(model) == ["Conv", "Mul", "Add", "Clip", "Mul"]


def test_a_convolution_that_others_use_too_keeps_its_weights(rewritten):
    nodes, constants = hard_swish()
    model = rewritten(model_of([*nodes, ("Sub", ["y", "c"], ["z"], {})], constants, output="z"))
    assert "HardSigmoid" not in operators(model)


@pytest.mark.parametrize("other", ["c", "scaled", "shifted", "clipped"])
def test_a_hard_swish_with_an_output_inside_stays(rewritten, other):
    model = rewritten(model_of(*hard_swish(), output="y", others=[other]))
    assert operators(model) == ["Conv", "Mul", "Add", "Clip", "Mul"]


def test_peaks_are_found_before_the_sigmoid(rewritten):
    nodes = [
        ("Conv", ["x", "w"], ["c"], {}),
        ("Sigmoid", ["c"], ["s"], {}),
        ("MaxPool", ["s"], ["m"], {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}),
        ("Equal", ["s", "m"], ["e"], {}),
        ("Cast", ["e"], ["f"], {"to": TensorProto.FLOAT}),
        ("Mul", ["s", "f"], ["p"], {}),
        ("Transpose", ["p"], ["t"], {"perm": [0, 2, 3, 1]}),
        ("Reshape", ["t", "flat"], ["r"], {}),
        ("TopK", ["r", "k"], ["y", "places"], {}),
        ("Cast", ["places"], ["numbers"], {"to": TensorProto.FLOAT}),
        ("Concat", ["y", "numbers"], ["both"], {"axis": 1}),
    ]
    constants = {"w": floats(5, 3, 1, 1) * 0.3, "flat": np.array([1, -1]), "k": np.array([40])}
    model = rewritten(model_of(nodes, constants, output="both", shape=(1, 3, 12, 12)))
    assert operators(model).count("Sigmoid") == 1
    sigmoid = next(node for node in model.graph.node if node.op_type == "Sigmoid")
    assert sigmoid.input[0] in next(node for node in model.graph.node if node.op_type == "TopK").output


def depthwise(*, channels=18, group=18, multiplier=1):
    nodes = [
        ("Conv", ["x", "w", "b"], ["c"], {}),
        ("Relu", ["c"], ["r"], {}),
        ("Conv", ["r", "d"], ["g"], {"group": group}),
        ("Conv", ["g", "p"], ["y"], {}),
    ]
    made = channels * multiplier
    constants = {"w": floats(channels, 3, 1, 1), "b": floats(channels), "p": floats(7, made, 1, 1)}
    return nodes, {**constants, "d": floats(made, channels // group, 3, 3)}


def groups(model):
    return [item.i for item in model.graph.node[2].attribute if item.name == "group"]


def test_depthwise_channels_are_rounded_up_to_a_vector(rewritten):
    model = rewritten(model_of(*depthwise(), output="y"))
    assert groups(model) == [32]


@pytest.mark.parametrize("other", [{"multiplier": 2}, {"channels": 4, "group": 2}])
def test_groups_that_are_not_one_channel_each_stay(rewritten, other):
    nodes, constants = depthwise(**other)
    model = rewritten(model_of(nodes, constants, output="y"))
    assert groups(model) == [other.get("group", 18)]


@pytest.mark.parametrize("other", ["c", "r", "g"])
def test_channels_that_are_an_output_stay_as_many(rewritten, other):
    model = rewritten(model_of(*depthwise(), output="y", others=[other]))
    assert groups(model) == [18]


RESIZE = [
    ("Shape", ["x"], ["s"], {"start": 0, "end": 2}),
    ("Concat", ["s", "sizes"], ["all"], {"axis": 0}),
    ("Resize", ["x", "", "", "all"], ["u"], {"mode": "linear", "coordinate_transformation_mode": "asymmetric"}),
]


@pytest.mark.parametrize("keep", [{"keepdims": 1}, {}])
def test_sizes_that_are_known_become_scales_and_means_over_a_picture_a_pooling(rewritten, keep):
    nodes = [*RESIZE, ("ReduceMean", ["u"], ["y"], {"axes": [2, 3], **keep})]
    model = rewritten(model_of(nodes, {"sizes": np.array([16, 24])}, output="y"))
    assert operators(model) == ["Resize", "GlobalAveragePool"]


@pytest.mark.parametrize("other", ["s", "all"])
def test_sizes_that_are_asked_for_elsewhere_stay(rewritten, other):
    model = rewritten(model_of(RESIZE, {"sizes": np.array([16, 24])}, output="u", others=[other]))
    assert operators(model) == ["Shape", "Concat", "Resize"]


@pytest.mark.parametrize("settings", [{}, {"axes": [2, 3], "keepdims": 0}, {"axes": [1]}])
def test_other_means_stay(rewritten, settings):
    assert operators(rewritten(model_of([("ReduceMean", ["x"], ["y"], settings)], {}, output="y"))) == ["ReduceMean"]
