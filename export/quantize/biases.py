"""Biases behind products, written so that onnxruntime's integer kernels can answer in float.

A product that is rounded to 8 bits before its bias is added loses more than rounding its inputs does (ViT-B/16: cosine
0.9983 with it, 0.9991 without). onnxruntime has kernels that answer in float, MatMulIntegerToFloat and QGemm, but it
first makes one Gemm of floats of a MatMul and the Add behind it, and that is slower than FP32. So:

matrices       MatMul and Add become that Gemm before quantization: its bias is quantized then, to 32 bits, as QGemm
               takes it
more axes      the bias gets the product's rank, (n,) → (1, 1, n), which onnxruntime leaves alone
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from onnx import ModelProto, NodeProto, TensorProto

from export.graph import value_types


def join_biases(model: ModelProto, chosen: Collection[str]) -> ModelProto:
    """A copy in which each chosen MatMul with two axes and the Add of its bias are one Gemm, named like the MatMul."""
    copy = ModelProto()
    copy.CopyFrom(model)
    ranks = _ranks(copy)
    for product, add, position in list(_biased(copy)):
        if product.name in chosen and ranks.get(product.output[0]) == 2:
            product.op_type = "Gemm"
            product.input.append(add.input[position])
            product.output[0] = add.output[0]
            copy.graph.node.remove(add)
    return copy


def lift_biases(quantized: ModelProto) -> None:
    """Give the bias behind each INT8 MatMul with more than two axes the product's rank."""
    ranks = _ranks(quantized)
    constants = {item.name: item for item in quantized.graph.initializer}
    dequantized = {node.output[0] for node in quantized.graph.node if node.op_type == "DequantizeLinear"}
    for product, add, position in _biased(quantized):
        rank = ranks.get(product.output[0], 0)
        if rank < 3 or not dequantized.issuperset(product.input):
            continue
        bias = constants[add.input[position]]
        # A new one: other nodes may read the bias too, and what nobody reads any more onnxruntime drops.
        lifted = TensorProto()
        lifted.CopyFrom(bias)
        lifted.name = f"{bias.name}_lifted_{rank}"
        lifted.dims[:] = [*[1] * (rank - 1), *bias.dims]
        if lifted.name not in constants:
            constants[lifted.name] = lifted
            quantized.graph.initializer.append(lifted)
        add.input[position] = lifted.name


def _biased(model: ModelProto) -> Iterator[tuple[NodeProto, NodeProto, int]]:
    """Each MatMul by a constant matrix that only an Add of a constant row reads, that Add, and the row's position.

    The row is as long as the matrix is wide: a longer one would widen the product, and onnxruntime cannot quantize a
    shorter one per channel.
    """
    readers: dict[str, list[NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    sizes = {item.name: tuple(item.dims) for item in model.graph.initializer}
    columns = {name: size[1] for name, size in sizes.items() if len(size) == 2}
    for node in model.graph.node:
        if node.op_type in ("Cast", "DequantizeLinear") and node.input[0] in columns:
            columns[node.output[0]] = columns[node.input[0]]
    outputs = {item.name for item in model.graph.output}
    for node in list(model.graph.node):
        if node.op_type != "MatMul" or node.input[1] not in columns or node.output[0] in outputs:
            continue
        read_by = readers.get(node.output[0], [])
        if len(read_by) == 1 and read_by[0].op_type == "Add":
            (add,) = read_by
            for position, name in enumerate(add.input):
                if sizes.get(name) == (columns[node.input[1]],):
                    yield node, add, position


def _ranks(model: ModelProto) -> dict[str, int]:
    return {name: len(item.type.tensor_type.shape.dim) for name, item in value_types(model).items()}
