"""A TensorFlow.js graph model as plain data: `model.json` parsed, its weight shards read, its nodes in order.

Format: https://github.com/tensorflow/tfjs/blob/master/tfjs-core/src/io/types.ts (`ModelJSON`) and TensorFlow's
`graph.proto`, `attr_value.proto` as JSON.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt

from export.errors import ConversionError
from export.tfjs.weights import read_weights

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Node:
    """One operation. `inputs` are "name" or "name:output"; control dependencies are dropped."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.op} '{self.name}'"

    def get(self, key: str, default: Any = None) -> Any:
        """An attribute as int, float, bool, str (also for types, such as "DT_FLOAT") or a list of them."""
        value = self.attributes.get(key)
        return default if value is None else _attribute(value)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An input or output of the whole graph."""

    name: str
    """What the model's signature calls it."""
    tensor: str
    """The node (and output) that it stands for."""
    dtype: str
    shape: tuple[int, ...]
    """-1 is a dynamic axis."""


@dataclass(frozen=True, slots=True)
class GraphModel:
    """A whole network."""

    nodes: tuple[Node, ...]
    """What the outputs need, every node after its inputs."""
    weights: Mapping[str, Array]
    """Values of the `Const` nodes."""
    inputs: tuple[Endpoint, ...]
    outputs: tuple[Endpoint, ...]


def read_graph_model(path: Path) -> GraphModel:
    """Read `model.json` and the weight files beside it.

    Raises `ConversionError` for a missing, damaged or incomplete file and for graphs with cycles or loose ends.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        declared = [_node(entry) for entry in document["modelTopology"]["node"]]
        weights = read_weights(path.parent, document["weightsManifest"])
    except OSError as error:
        raise ConversionError(f"The model {path} cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConversionError(
            f"{path} is no TensorFlow.js graph model: {type(error).__name__}: {error}.",
            remedy='Give the model.json of a model converted with output_format="tfjs_graph_model".',
        ) from error
    nodes = {node.name: node for node in declared}
    signature = document.get("signature") or (document.get("userDefinedMetadata") or {}).get("signature") or {}
    outputs = _outputs(signature, declared)
    ordered = _ordered(nodes, [split_reference(output.tensor)[0] for output in outputs])
    return GraphModel(ordered, weights, _inputs(signature, ordered), outputs)


def split_reference(reference: str) -> tuple[str, int]:
    """("name", output) of "name" or "name:output"."""
    name, _, output = reference.partition(":")
    return name, int(output or 0)


def _node(entry: Mapping[str, Any]) -> Node:
    inputs = tuple(name for name in entry.get("input", ()) if not name.startswith("^"))
    return Node(entry["name"], entry["op"], inputs, entry.get("attr", {}))


def _attribute(value: Mapping[str, Any]) -> Any:
    if "list" in value:
        for kind in ("i", "f", "b", "s", "type"):
            if kind in value["list"]:
                return [_scalar(kind, item) for item in value["list"][kind]]
        return []
    if "shape" in value:
        return tuple(int(axis["size"]) for axis in value["shape"].get("dim", ()))
    for kind in ("i", "f", "b", "s", "type"):
        if kind in value:
            return _scalar(kind, value[kind])
    return None


def _scalar(kind: str, value: Any) -> Any:
    if kind == "s":
        return base64.b64decode(value).decode()
    return {"i": int, "f": float, "b": bool, "type": str}[kind](value)


def _endpoint(name: str, info: Mapping[str, Any]) -> Endpoint:
    shape = tuple(int(axis["size"]) for axis in info.get("tensorShape", {}).get("dim", ()))
    return Endpoint(name, info["name"], info.get("dtype", "DT_FLOAT"), shape)


def _outputs(signature: Mapping[str, Any], nodes: Sequence[Node]) -> tuple[Endpoint, ...]:
    """What the signature names; without one, whatever no other node reads."""
    if signature.get("outputs"):
        return tuple(_endpoint(name, info) for name, info in signature["outputs"].items())
    read = {split_reference(reference)[0] for node in nodes for reference in node.inputs}
    return tuple(Endpoint(node.name, node.name, "DT_FLOAT", ()) for node in nodes if node.name not in read)


def _inputs(signature: Mapping[str, Any], nodes: Sequence[Node]) -> tuple[Endpoint, ...]:
    named = (_endpoint(name, info) for name, info in signature.get("inputs", {}).items())
    by_node = {split_reference(endpoint.tensor)[0]: endpoint for endpoint in named}
    return tuple(
        by_node.get(node.name, Endpoint(node.name, node.name, node.get("dtype", "DT_FLOAT"), node.get("shape", ())))
        for node in nodes
        if node.op == "Placeholder"
    )


def _ordered(nodes: Mapping[str, Node], roots: Sequence[str]) -> tuple[Node, ...]:
    """Every node that a root needs, inputs first; depth-first without recursion, for graphs are deep."""
    done: dict[str, Node] = {}
    open_names: set[str] = set()
    stack = [(root, False) for root in reversed(roots)]
    while stack:
        name, inputs_done = stack.pop()
        if name in done:
            continue
        if name not in nodes:
            raise ConversionError(f"The graph refers to a node '{name}' that it does not have.")
        if inputs_done:
            open_names.discard(name)
            done[name] = nodes[name]
            continue
        if name in open_names:
            raise ConversionError(f"The graph has a cycle through the node '{name}'; loops are not supported.")
        open_names.add(name)
        stack.append((name, True))
        stack.extend((split_reference(reference)[0], False) for reference in reversed(nodes[name].inputs))
    return tuple(done.values())
