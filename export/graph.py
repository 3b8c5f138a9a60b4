"""Reading ONNX graphs: what several stages ask of them."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]  # no stubs with protobuf
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from export.errors import ConversionError

_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16)


def load_graph(path: Path) -> ModelProto:
    """The model with its types and shapes inferred and every node named, as "operator_number" where it had no name.

    Raises `ConversionError` when the file is missing or not ONNX, its external data is not as it says, its types and
    shapes do not fit together, or it is larger than one file can be.
    """
    from export.external_data import read_external_data, refuse_large  # it looks at graphs too

    try:
        refuse_large(path, path.stat().st_size)
        model = onnx.load(path, load_external_data=False)
        read_external_data(path, model)
        if not model.graph.node:
            raise ValueError("it has no nodes")
        name_nodes(model)
        return onnx.shape_inference.infer_shapes(model, data_prop=True)
    except OSError as error:
        raise ConversionError(f"{path} cannot be read: {error.strerror or error}.", remedy="Check the path.") from error
    except (DecodeError, ValueError, onnx.shape_inference.InferenceError) as error:
        raise ConversionError(
            f"{path} is not an ONNX model that can be read: {str(error).rstrip('.')}.",
            remedy="Give an ONNX file, or copy it again.",
        ) from error


def name_nodes(model: ModelProto) -> None:
    """Name the nodes that have no name; names are how nodes are excluded, ranked and reported."""
    taken = {node.name for node in model.graph.node}
    for index, node in enumerate(model.graph.node):
        if not node.name:
            name = f"{node.op_type}_{index}"
            while name in taken:
                name += "_"
            taken.add(name)
            node.name = name


def opset_version(model: ModelProto) -> int:
    """The version of the default operator set."""
    return max((item.version for item in model.opset_import if item.domain in ("", "ai.onnx")), default=0)


def value_types(model: ModelProto) -> dict[str, ValueInfoProto]:
    """Inputs, outputs and intermediate tensors whose type is known, by name; initializers are not among them."""
    graph = model.graph
    constants = {item.name for item in graph.initializer}
    known = itertools.chain(graph.value_info, graph.output, graph.input)
    return {item.name: item for item in known if item.name not in constants}


def float_activations(model: ModelProto, operators: Collection[str]) -> tuple[str, ...]:
    """Names of the float tensors that go in or out of these operators and are no constants, in the graph's order."""
    types = value_types(model)
    constants = {output for node in model.graph.node if node.op_type == "Constant" for output in node.output}
    names = (
        name
        for node in model.graph.node
        if node.op_type in operators
        for name in itertools.chain(node.input, node.output)
        if name in types and name not in constants and types[name].type.tensor_type.elem_type in _FLOATS
    )
    return tuple(dict.fromkeys(names))


def with_outputs(model: ModelProto, names: Sequence[str]) -> ModelProto:
    """A copy that also answers these tensors."""
    copy = ModelProto()
    copy.CopyFrom(model)
    present = {item.name for item in model.graph.output}
    types = value_types(model)
    copy.graph.output.extend(types.get(name, ValueInfoProto(name=name)) for name in names if name not in present)
    return copy


def subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    """The bodies of If, Loop and Scan."""
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            yield attribute.g
        elif attribute.type == AttributeProto.GRAPHS:
            yield from attribute.graphs


def all_graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """The graph and, depth first, all graphs inside its nodes."""
    yield graph
    for node in graph.node:
        for body in subgraphs(node):
            yield from all_graphs(body)


def all_tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Every constant: initializers and values in attributes, those of inner graphs included."""
    for graph in all_graphs(model.graph):
        yield from graph.initializer
        for node in graph.node:
            for attribute in node.attribute:
                if attribute.type == AttributeProto.TENSOR:
                    yield attribute.t
                yield from attribute.tensors


def sort_nodes(graph: GraphProto) -> None:
    """Put the nodes in an order in which each comes after those that it reads, as ONNX asks; stable otherwise."""
    made = {name for node in graph.node for name in node.output if name}
    ready: set[str] = set()
    waiting = list(graph.node)
    ordered: list[NodeProto] = []
    while waiting:
        later = []
        for node in waiting:
            if all(name in ready or name not in made for name in _reads(node)):
                ordered.append(node)
                ready.update(node.output)
            else:
                later.append(node)
        if len(later) == len(waiting):
            raise ConversionError(f"The graph has a cycle through node '{waiting[0].name}'.")
        waiting = later
    copies = [NodeProto.FromString(node.SerializeToString()) for node in ordered]
    del graph.node[:]
    graph.node.extend(copies)


def _reads(node: NodeProto) -> Iterator[str]:
    """What a node needs, its bodies' captured tensors included."""
    yield from node.input
    for body in subgraphs(node):
        for inner in body.node:
            yield from _reads(inner)
