"""Tiny graphs, written by the test, through the importer and onnxruntime, against numpy."""

from __future__ import annotations

import base64
import json

import numpy as np
import onnx
import pytest

from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from export.errors import ConversionError
from export.onnx_from_tfjs import convert_file

RNG = np.random.default_rng(7)


def attribute(value):
    """A Python value as graph.proto's JSON."""
    if isinstance(value, bool):
        return {"b": value}
    if isinstance(value, int):
        return {"i": str(value)}
    if isinstance(value, float):
        return {"f": value}
    if isinstance(value, str) and value.startswith("DT_"):
        return {"type": value}
    if isinstance(value, str):
        return {"s": base64.b64encode(value.encode()).decode()}
    if value and isinstance(value[0], str):
        return {"list": {"s": [base64.b64encode(item.encode()).decode() for item in value]}}
    return {"list": {"i": [str(item) for item in value]}}


def node(name, op, *inputs, **attributes):
    return {"name": name, "op": op, "input": list(inputs), "attr": {k: attribute(v) for k, v in attributes.items()}}


def write_model(folder, nodes, *, inputs, outputs, weights=None):
    """A model.json with one shard. `inputs` and `outputs` are name → array or shape (the node has the same name)."""
    weights = {name: np.asarray(array) for name, array in (weights or {}).items()}
    types = {"float32": "DT_FLOAT", "int32": "DT_INT32"}
    placeholders = [node(name, "Placeholder", dtype=types[array.dtype.name]) for name, array in inputs.items()]
    constants = [node(name, "Const", dtype=types[array.dtype.name]) for name, array in weights.items()]

    def endpoint(name, array=None):
        shape = [] if array is None else [{"size": str(size)} for size in array.shape]
        dtype = "DT_FLOAT" if array is None else types[array.dtype.name]
        return {"name": f"{name}:0", "dtype": dtype, "tensorShape": {"dim": shape}}

    document = {
        "format": "graph-model",
        "modelTopology": {"node": [*reversed(nodes), *constants, *placeholders]},
        "signature": {
            "inputs": {name: endpoint(name, array) for name, array in inputs.items()},
            "outputs": {name: {**endpoint(name), "name": tensor} for name, tensor in outputs.items()},
        },
        "weightsManifest": [
            {
                "paths": ["shard.bin"],
                "weights": [
                    {"name": name, "shape": list(array.shape), "dtype": array.dtype.name}
                    for name, array in weights.items()
                ],
            }
        ],
    }
    (folder / "shard.bin").write_bytes(b"".join(array.tobytes() for array in weights.values()))
    (folder / "model.json").write_text(json.dumps(document))
    return folder / "model.json"


def run(folder, nodes, inputs, *, weights=None, outputs=None):
    """Convert and run; the outputs by name, or the only one."""
    model = write_model(folder, nodes, inputs=inputs, outputs=outputs or {"y": "y"}, weights=weights)
    convert_file(model, folder / "model.onnx")
    results = OnnxRuntimeSession(folder / "model.onnx").run(inputs)
    return results if outputs else results["y"]


def floats(*shape):
    return RNG.normal(size=shape).astype(np.float32)


def ints(*values):
    return np.array(values, np.int32)


def numpy_convolution(picture, kernel, *, stride, dilation, same):
    """(height, width, in) by (kernel, kernel, in, out), TensorFlow's paddings, spelled out."""
    size = (kernel.shape[0] - 1) * dilation + 1
    if same:
        out = [-(-side // stride) for side in picture.shape[:2]]
        total = [max(0, (o - 1) * stride + size - side) for o, side in zip(out, picture.shape[:2], strict=True)]
        picture = np.pad(picture, [(t // 2, t - t // 2) for t in total] + [(0, 0)])
    else:
        out = [(side - size) // stride + 1 for side in picture.shape[:2]]
    result = np.zeros((*out, kernel.shape[3]), np.float32)
    for row in range(out[0]):
        for column in range(out[1]):
            top, left = row * stride, column * stride
            window = picture[top : top + size : dilation, left : left + size : dilation]
            result[row, column] = np.einsum("hwi,hwio->o", window, kernel)
    return result


@pytest.mark.parametrize(("stride", "dilation", "same"), [(1, 1, True), (2, 1, True), (1, 2, False), (2, 1, False)])
def test_convolution_follows_tensorflows_padding(tmp_path, stride, dilation, same):
    picture, kernel = floats(1, 8, 7, 2), floats(3, 3, 2, 4)
    settings = {
        "strides": [1, stride, stride, 1],
        "dilations": [1, dilation, dilation, 1],
        "padding": "SAME" if same else "VALID",
        "data_format": "NHWC",
    }
    y = run(tmp_path, [node("y", "Conv2D", "x", "w", **settings)], {"x": picture}, weights={"w": kernel})
    expected = numpy_convolution(picture[0], kernel, stride=stride, dilation=dilation, same=same)
    np.testing.assert_allclose(y[0], expected, atol=1e-5)


def test_explicit_padding(tmp_path):
    picture, kernel = floats(1, 5, 5, 1), floats(3, 3, 1, 1)
    settings = {"strides": [1, 1, 1, 1], "padding": "EXPLICIT", "explicit_paddings": [0, 0, 2, 0, 0, 1, 0, 0]}
    y = run(tmp_path, [node("y", "Conv2D", "x", "w", **settings)], {"x": picture}, weights={"w": kernel})
    padded = np.pad(picture[0], [(2, 0), (0, 1), (0, 0)])
    np.testing.assert_allclose(y[0], numpy_convolution(padded, kernel, stride=1, dilation=1, same=False), atol=1e-5)


def test_fused_bias_and_slope(tmp_path):
    picture, kernel, bias, slope = floats(1, 4, 4, 2), floats(1, 1, 2, 3), floats(3), floats(1, 1, 3)
    settings = {"strides": [1, 1, 1, 1], "padding": "SAME", "fused_ops": ["BiasAdd", "Prelu"]}
    weights = {"w": kernel, "b": bias, "s": slope}
    y = run(tmp_path, [node("y", "_FusedConv2D", "x", "w", "b", "s", **settings)], {"x": picture}, weights=weights)
    sums = picture @ kernel[0, 0] + bias
    np.testing.assert_allclose(y, np.where(sums > 0, sums, sums * slope), atol=1e-5)


def test_depthwise_convolution_with_channel_multiplier(tmp_path):
    picture, kernel = floats(1, 6, 6, 2), floats(3, 3, 2, 2)
    settings = {"strides": [1, 2, 2, 1], "padding": "SAME", "fused_ops": ["Relu6"]}
    op = node("y", "FusedDepthwiseConv2dNative", "x", "w", **settings)
    y = run(tmp_path, [op], {"x": picture * 9}, weights={"w": kernel})
    for channel in range(2):
        part = picture[0, :, :, channel : channel + 1] * 9
        expected = numpy_convolution(part, kernel[:, :, channel : channel + 1], stride=2, dilation=1, same=True)
        np.testing.assert_allclose(y[0, :, :, channel * 2 : channel * 2 + 2], np.clip(expected, 0, 6), atol=1e-4)


@pytest.mark.parametrize(("op", "reduce"), [("MaxPool", np.max), ("AvgPool", np.mean)])
def test_pooling(tmp_path, op, reduce):
    picture = floats(1, 4, 6, 3)
    settings = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "VALID"}
    y = run(tmp_path, [node("y", op, "x", **settings)], {"x": picture})
    np.testing.assert_allclose(y, reduce(picture.reshape(1, 2, 2, 3, 2, 3), axis=(2, 4)), atol=1e-6)


ELEMENT_WISE = {
    "AddV2": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "RealDiv": np.divide,
    "Minimum": np.minimum,
    "Maximum": np.maximum,
    "SquaredDifference": lambda a, b: (a - b) ** 2,
    "FloorDiv": np.floor_divide,
    "FloorMod": np.mod,
}


@pytest.mark.parametrize("op", ELEMENT_WISE)
@pytest.mark.parametrize("other", [(4,), (1, 1, 4), (2, 5, 3, 4), ()])
def test_element_wise_operations_broadcast_from_the_last_axis_in_either_layout(tmp_path, op, other):
    picture, operand = floats(2, 5, 3, 4), floats(*other) + np.float32(5)
    pool = node("p", "MaxPool", "x", ksize=[1, 1, 1, 1], strides=[1, 1, 1, 1], padding="VALID")
    inputs = {"x": picture}
    nodes = [pool, node("plain", op, "x", "c", T="DT_FLOAT"), node("turned", op, "p", "c", T="DT_FLOAT")]
    outputs = {"plain": "plain", "turned": "turned"}
    results = run(tmp_path, nodes, inputs, weights={"c": operand}, outputs=outputs)
    expected = ELEMENT_WISE[op](picture, operand)
    np.testing.assert_allclose(results["plain"], expected, atol=1e-5)
    np.testing.assert_allclose(results["turned"], expected, atol=1e-5)


def test_integers_divide_downwards(tmp_path):
    numbers, divisor = ints(-7, 7, -6, 128), ints(3)
    nodes = [node("d", "FloorDiv", "x", "c", T="DT_INT32"), node("m", "FloorMod", "x", "c", T="DT_INT32")]
    results = run(tmp_path, nodes, {"x": numbers}, weights={"c": divisor}, outputs={"d": "d", "m": "m"})
    assert results["d"].tolist() == (numbers // 3).tolist()
    assert results["m"].tolist() == (numbers % 3).tolist()


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("axes", [(1, 2), (3,), (-1,)])
def test_mean_of_a_picture(tmp_path, axes, keep):
    picture = floats(2, 4, 4, 3)
    pool = node("p", "MaxPool", "x", ksize=[1, 1, 1, 1], strides=[1, 1, 1, 1], padding="VALID")
    mean = node("y", "Mean", "p", "axes", keep_dims=keep)
    y = run(tmp_path, [pool, mean], {"x": picture}, weights={"axes": ints(*axes)})
    np.testing.assert_allclose(y, picture.mean(axis=axes, keepdims=keep), atol=1e-6)


def test_shapes(tmp_path):
    x = floats(1, 2, 3, 4)
    nodes = [
        node("squeezed", "Squeeze", "x", squeeze_dims=[0]),
        node("expanded", "ExpandDims", "squeezed", "axis"),
        node("turned", "Transpose", "squeezed", "perm"),
        node("flat", "Reshape", "turned", "shape"),
        node("parts", "Unpack", "squeezed", axis=0, num=2),
        node("packed", "Pack", "parts:1", "parts", axis=1),
        node("joined", "ConcatV2", "parts", "parts:1", "axis"),
        node("padded", "Pad", "squeezed", "pads"),
    ]
    weights = {"axis": np.int32(1), "perm": ints(2, 0, 1), "shape": ints(4, -1), "pads": ints(1, 0, 0, 2, 0, 0)}
    weights["pads"] = weights["pads"].reshape(3, 2)
    names = [item["name"] for item in nodes if item["name"] != "parts"]
    results = run(tmp_path, nodes, {"x": x}, weights=weights, outputs={name: name for name in names})
    np.testing.assert_array_equal(results["squeezed"], x[0])
    np.testing.assert_array_equal(results["expanded"], x[0][:, None])
    np.testing.assert_array_equal(results["turned"], x[0].transpose(2, 0, 1))
    np.testing.assert_array_equal(results["flat"], x[0].transpose(2, 0, 1).reshape(4, -1))
    np.testing.assert_array_equal(results["packed"], np.stack([x[0, 1], x[0, 0]], axis=1))
    np.testing.assert_array_equal(results["joined"], np.concatenate([x[0, 0], x[0, 1]], axis=1))
    np.testing.assert_array_equal(results["padded"], np.pad(x[0], [(1, 0), (0, 2), (0, 0)]))


@pytest.mark.parametrize(
    ("begin", "end", "stride", "masks", "expected"),
    [
        ((0, 1), (2, 3), (1, 1), {}, np.s_[0:2, 1:3]),
        ((0, 0), (0, 2), (1, 1), {"begin_mask": 1, "end_mask": 1}, np.s_[:, 0:2]),
        ((-1, 0), (0, 4), (1, 2), {"shrink_axis_mask": 1}, np.s_[-1, 0:4:2]),
        ((0, 0), (0, 0), (1, -1), {"begin_mask": 3, "end_mask": 3}, np.s_[:, ::-1]),
    ],
)
def test_strided_slice(tmp_path, begin, end, stride, masks, expected):
    x = floats(3, 4)
    weights = {"b": ints(*begin), "e": ints(*end), "s": ints(*stride)}
    y = run(tmp_path, [node("y", "StridedSlice", "x", "b", "e", "s", **masks)], {"x": x}, weights=weights)
    np.testing.assert_array_equal(y, x[expected])


def test_selection(tmp_path):
    x = floats(2, 5)
    nodes = [
        node("top", "TopKV2", "x", "k", sorted=True),
        node("best", "ArgMax", "x", "axis", output_type="DT_INT32"),
        node("rows", "GatherV2", "x", "row", "zero"),
        node("cells", "GatherNd", "x", "cell"),
        node("as_float", "Cast", "top:1", SrcT="DT_INT32", DstT="DT_FLOAT"),
    ]
    weights = {
        "k": np.int32(2),
        "axis": np.int32(1),
        "row": ints(1, 0),
        "zero": np.int32(0),
        "cell": ints(1, 2, 0, 4).reshape(2, 2),
    }
    outputs = {"values": "top", "indices": "top:1", "best": "best", "rows": "rows", "cells": "cells"}
    outputs["as_float"] = "as_float"
    results = run(tmp_path, nodes, {"x": x}, weights=weights, outputs=outputs)
    np.testing.assert_array_equal(results["values"], -np.sort(-x, axis=1)[:, :2])
    np.testing.assert_array_equal(results["indices"], np.argsort(-x, axis=1)[:, :2])
    assert results["as_float"].dtype == np.float32
    np.testing.assert_array_equal(results["best"], x.argmax(axis=1))
    np.testing.assert_array_equal(results["rows"], x[[1, 0]])
    np.testing.assert_array_equal(results["cells"], [x[1, 2], x[0, 4]])


def test_fully_connected_layer_and_softmax(tmp_path):
    x, kernel, bias = floats(2, 3), floats(4, 3), floats(4)
    nodes = [
        node("h", "_FusedMatMul", "x", "w", "b", fused_ops=["BiasAdd", "Relu"], transpose_b=True),
        node("y", "Softmax", "h"),
    ]
    y = run(tmp_path, nodes, {"x": x}, weights={"w": kernel, "b": bias})
    hidden = np.exp(np.maximum(x @ kernel.T + bias, 0))
    np.testing.assert_allclose(y, hidden / hidden.sum(axis=1, keepdims=True), atol=1e-6)


def test_bilinear_resize_as_tensorflow_1_did_it(tmp_path):
    x = np.array([0, 1, 2, 3], np.float32).reshape(1, 1, 4, 1)
    y = run(tmp_path, [node("y", "ResizeBilinear", "x", "size")], {"x": x}, weights={"size": ints(1, 8)})
    np.testing.assert_allclose(y.ravel(), [0, 0.5, 1, 1.5, 2, 2.5, 3, 3])


def test_quantized_weights_are_restored(tmp_path):
    model = write_model(tmp_path, [node("y", "AddV2", "x", "w")], inputs={"x": floats(3)}, outputs={"y": "y"})
    document = json.loads(model.read_text())
    document["modelTopology"]["node"].append(node("w", "Const"))
    quantization = {"dtype": "uint8", "scale": 0.5, "min": -1.0}
    weight = {"name": "w", "shape": [3], "dtype": "float32", "quantization": quantization}
    document["weightsManifest"][0]["weights"] = [weight]
    model.write_text(json.dumps(document))
    (tmp_path / "shard.bin").write_bytes(bytes([0, 2, 4]))
    convert_file(model, tmp_path / "model.onnx")
    y = OnnxRuntimeSession(tmp_path / "model.onnx").run({"x": np.zeros(3, np.float32)})["y"]
    assert y.tolist() == [-1.0, 0.0, 1.0]


def test_transposes_between_convolutions_are_not_written(tmp_path):
    settings = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    nodes = [
        node("a", "Conv2D", "x", "w", **settings),
        node("r", "Relu", "a"),
        node("b", "Conv2D", "r", "w", **settings),
        node("y", "AddV2", "a", "b"),
    ]
    model = write_model(
        tmp_path, nodes, inputs={"x": floats(1, 4, 4, 2)}, outputs={"y": "y"}, weights={"w": floats(3, 3, 2, 2)}
    )
    convert_file(model, tmp_path / "model.onnx")
    operators = [item.op_type for item in onnx.load(tmp_path / "model.onnx").graph.node]
    assert operators.count("Transpose") == 2


def test_same_model_same_bytes(tmp_path):
    nodes = [node("y", "AddV2", "x", "w")]
    model = write_model(tmp_path, nodes, inputs={"x": floats(2)}, outputs={"y": "y"}, weights={"w": floats(2)})
    convert_file(model, tmp_path / "a.onnx")
    convert_file(model, tmp_path / "b.onnx")
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    converted = onnx.load(tmp_path / "a.onnx")
    assert (converted.opset_import[0].version, converted.ir_version) == (17, 8)


def test_dynamic_batch_stays_dynamic(tmp_path):
    model = write_model(tmp_path, [node("y", "Relu", "x")], inputs={"x": floats(1, 3)}, outputs={"y": "y"})
    document = json.loads(model.read_text())
    document["signature"]["inputs"]["x"]["tensorShape"]["dim"][0]["size"] = "-1"
    model.write_text(json.dumps(document))
    convert_file(model, tmp_path / "model.onnx")
    session = OnnxRuntimeSession(tmp_path / "model.onnx")
    assert session.inputs[0].shape == ("N", 3)
    assert session.run({"x": floats(5, 3)})["y"].shape == (5, 3)


def refused(model, target):
    """The message of the refusal; nothing may have been written."""
    with pytest.raises(ConversionError) as caught:
        convert_file(model, target)
    assert not target.exists()
    assert [path.name for path in target.parent.iterdir() if path.suffix == ".part"] == []
    return str(caught.value)


def simple_model(folder, nodes=None):
    nodes = nodes or [node("y", "AddV2", "x", "w")]
    return write_model(folder, nodes, inputs={"x": floats(2)}, outputs={"y": "y"}, weights={"w": floats(2)})


def test_every_unknown_operator_is_named_with_its_node(tmp_path):
    model = simple_model(tmp_path, [node("odd", "Wobble", "x"), node("y", "Fizz", "odd", "w")])
    message = refused(model, tmp_path / "model.onnx")
    assert "Wobble 'odd'" in message
    assert "Fizz 'y'" in message


def test_truncated_weights(tmp_path):
    model = simple_model(tmp_path)
    (tmp_path / "shard.bin").write_bytes((tmp_path / "shard.bin").read_bytes()[:-3])
    message = refused(model, tmp_path / "model.onnx")
    assert "end at byte 5" in message
    assert "up to 8" in message


def test_weights_of_another_model(tmp_path):
    model = simple_model(tmp_path)
    (tmp_path / "shard.bin").write_bytes(bytes(100))
    message = refused(model, tmp_path / "model.onnx")
    assert "should be 8 bytes long, but are 100" in message


def test_missing_weights(tmp_path):
    model = simple_model(tmp_path)
    (tmp_path / "shard.bin").unlink()
    assert "shard.bin" in refused(model, tmp_path / "model.onnx")


@pytest.mark.parametrize("path", ["../secret.bin", "/etc/passwd"])
def test_weights_outside_the_folder_are_not_read(tmp_path, path):
    model = simple_model(tmp_path)
    model.write_text(model.read_text().replace("shard.bin", path))
    assert "outside its own folder" in refused(model, tmp_path / "model.onnx")


def test_unknown_weight_type(tmp_path):
    model = simple_model(tmp_path)
    model.write_text(model.read_text().replace('"dtype": "float32"', '"dtype": "complex64"'))
    message = refused(model, tmp_path / "model.onnx")
    assert "'w'" in message
    assert "complex64" in message


def test_graph_that_does_not_type_check(tmp_path):
    nodes = [node("i", "Cast", "x", DstT="DT_INT32"), node("y", "AddV2", "i", "w")]
    assert "cannot be expressed in ONNX" in refused(simple_model(tmp_path, nodes), tmp_path / "model.onnx")


@pytest.mark.parametrize("text", ["", "{}", "not json", '{"modelTopology": {"node": [{}]}, "weightsManifest": []}'])
def test_file_that_is_no_model(tmp_path, text):
    (tmp_path / "model.json").write_text(text)
    assert "is no TensorFlow.js graph model" in refused(tmp_path / "model.json", tmp_path / "model.onnx")


def test_missing_model(tmp_path):
    assert "cannot be read" in refused(tmp_path / "model.json", tmp_path / "model.onnx")


def test_loose_end_and_cycle(tmp_path):
    loose = simple_model(tmp_path, [node("y", "AddV2", "ghost", "w")])
    assert "'ghost'" in refused(loose, tmp_path / "model.onnx")
    circle = simple_model(tmp_path, [node("y", "AddV2", "z", "w"), node("z", "Relu", "y")])
    assert "cycle" in refused(circle, tmp_path / "model.onnx")


@pytest.mark.parametrize("op", ["Conv2D", "MaxPool", "Reshape", "StridedSlice", "GatherV2", "ConcatV2", "Unpack"])
def test_malformed_node_is_named(tmp_path, op):
    assert f"{op} 'y'" in refused(simple_model(tmp_path, [node("y", op, "w")]), tmp_path / "model.onnx")


def test_malformed_weight_manifest(tmp_path):
    model = simple_model(tmp_path)
    model.write_text(model.read_text().replace('"shape": [2], ', ""))
    assert "is no TensorFlow.js graph model" in refused(model, tmp_path / "model.onnx")


def test_shape_that_the_graph_computes_is_refused(tmp_path):
    nodes = [node("s", "Cast", "x", DstT="DT_INT32"), node("y", "Reshape", "w", "s")]
    message = refused(simple_model(tmp_path, nodes), tmp_path / "model.onnx")
    assert "Reshape 'y'" in message
    assert "constant" in message
