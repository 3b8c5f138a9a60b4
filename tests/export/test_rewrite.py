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


def model_of(nodes, constants, *, output, shape=(1, 3, 8, 8)):
    """A model with the input x."""
    graph = helper.make_graph(
        [helper.make_node(op, inputs, outputs, name=outputs[0], **more) for op, inputs, outputs, more in nodes],
        "test",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [onnx.ValueInfoProto(name=output)],
        [numpy_helper.from_array(np.asarray(values), name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    inferred = onnx.shape_inference.infer_shapes(model)
    model.graph.output[0].CopyFrom(inferred.graph.output[0])
    return model


def operators(model):
    return [node.op_type for node in model.graph.node]


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


@pytest.fixture
def rewritten(tmp_path):
    """Rewrites a model after it has seen what it computes, and asserts that it still does."""

    def check(model, *, atol=1e-5):
        x = floats(*(axis.dim_value for axis in model.graph.input[0].type.tensor_type.shape.dim)) * 3
        results = []
        for name in ("before.onnx", "after.onnx"):
            onnx.checker.check_model(model, full_check=True)
            onnx.save(model, tmp_path / name)
            [values] = OnnxRuntimeSession(tmp_path / name).run({"x": x}).values()
            results.append(values)
            if name == "before.onnx":
                rewrite(model)
        np.testing.assert_allclose(results[1], results[0], atol=atol)
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


def test_depthwise_channels_are_rounded_up_to_a_vector(rewritten):
    nodes = [
        ("Conv", ["x", "w", "b"], ["c"], {}),
        ("Relu", ["c"], ["r"], {}),
        ("Conv", ["r", "d"], ["g"], {"group": 18}),
        ("Conv", ["g", "p"], ["y"], {}),
    ]
    constants = {"w": floats(18, 3, 1, 1), "b": floats(18), "d": floats(18, 1, 3, 3), "p": floats(7, 18, 1, 1)}
    model = rewritten(model_of(nodes, constants, output="y"))
    assert [item.i for item in model.graph.node[2].attribute if item.name == "group"] == [32]


def test_sizes_that_are_known_become_scales_and_means_over_a_picture_a_pooling(rewritten):
    nodes = [
        ("Shape", ["x"], ["s"], {"start": 0, "end": 2}),
        ("Concat", ["s", "sizes"], ["all"], {"axis": 0}),
        ("Resize", ["x", "", "", "all"], ["u"], {"mode": "linear", "coordinate_transformation_mode": "asymmetric"}),
        ("ReduceMean", ["u"], ["y"], {"axes": [2, 3], "keepdims": 1}),
    ]
    model = rewritten(model_of(nodes, {"sizes": np.array([16, 24])}, output="y"))
    assert operators(model) == ["Resize", "GlobalAveragePool"]
