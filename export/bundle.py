"""What a bundle is made of. `export.publishing` writes it; see `assistant/inference/bundle.py` for what is in one, and
for reading it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import onnx

from assistant.inference.bundle import (
    SCHEMA_VERSION,
    BundleManifest,
    HashedFile,
    Precision,
    Rejected,
    TensorContract,
    Variant,
)
from assistant.models.hashing import hash_file
from export.errors import ConversionError
from export.graph import opset_version
from export.onnx_file import dtype_of, shape_of
from export.parity import Verdict
from export.recipe import Card


@dataclass(frozen=True, slots=True)
class GraphContract:
    """What a graph takes and gives, kept beside it: a large one takes long to read."""

    inputs: tuple[TensorContract, ...]
    outputs: tuple[TensorContract, ...]
    opset: int


@dataclass(frozen=True, slots=True)
class VariantDraft:
    """A precision that may ship."""

    precision: Precision
    model: Path
    sha256: str
    verdict: Verdict
    spared_layers: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Draft:
    """What a bundle is made of, before it is one."""

    recipe: str
    card: Card
    contract: GraphContract
    source: Mapping[str, str]
    calibration: str
    variants: Sequence[VariantDraft]
    rejected: Sequence[Rejected]
    golden: Mapping[Path, str]
    """File → SHA-256."""
    evidence: Mapping[str, str]
    """File name → JSON."""
    measurements: str
    """JSON; not hashed, for it is of this machine and hour."""
    pruned: float
    pruned_channels: bool
    """Whether whole channels went."""
    tools: Mapping[str, str]


def contracts(values: Iterable[onnx.ValueInfoProto]) -> tuple[TensorContract, ...]:
    """Inputs or outputs as the graph has them."""
    return tuple(TensorContract(name=value.name, dtype=dtype_of(value), shape=shape_of(value)) for value in values)


def write_contract(model: onnx.ModelProto, path: Path) -> None:
    """Write what a graph takes and gives."""
    content = {
        "inputs": [item.model_dump(mode="json") for item in contracts(model.graph.input)],
        "outputs": [item.model_dump(mode="json") for item in contracts(model.graph.output)],
        "opset": opset_version(model),
    }
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")


def read_contract(path: Path) -> GraphContract:
    """What `write_contract` wrote."""
    content = json.loads(path.read_text(encoding="utf-8"))

    def tensors(side: str) -> tuple[TensorContract, ...]:
        return tuple(TensorContract.model_validate_json(json.dumps(item)) for item in content[side])

    return GraphContract(tensors("inputs"), tensors("outputs"), int(content["opset"]))


def _described(found: Iterable[TensorContract], known: Iterable[TensorContract]) -> tuple[TensorContract, ...]:
    """Tensors of the graph, with the range and meaning that the card knows by name."""
    by_name = {tensor.name: tensor for tensor in known}
    return tuple(
        by_name.get(item.name, item).model_copy(update={"dtype": item.dtype, "shape": item.shape}) for item in found
    )


def check_labels(card: Card, outputs: Iterable[TensorContract]) -> None:
    """Raise `ConversionError` when there are not as many labels as the output that they name has classes."""
    by_name = {output.name: output for output in outputs}
    if card.labels and card.labels_output is None:
        raise ConversionError(
            f"The model.toml has {len(card.labels)} labels, and recipe.py does not say which output they name: "
            f"expected one of {', '.join(by_name)}.",
            remedy='Add classes_output="NAME", or classes_output="" where the class is a number in an output.',
        )
    if not card.labels or not card.labels_output:
        return
    if card.labels_output not in by_name:
        raise ConversionError(
            f"The labels belong to the output '{card.labels_output}', which the network does not have: it has "
            f"{', '.join(by_name)}."
        )
    classes = by_name[card.labels_output].shape[-1]
    if classes != len(card.labels):
        raise ConversionError(
            f"The labels do not match the output '{card.labels_output}': expected {classes} labels, one for each of "
            f"its classes, got {len(card.labels)}.",
            remedy="Correct `labels` (or the labels file) in the model.toml.",
        )


def manifest_text(manifest: BundleManifest) -> str:
    """A manifest as it lies in the bundle."""
    return manifest.model_dump_json(indent=1) + "\n"


def manifest_of(draft: Draft) -> BundleManifest:
    """The manifest. Raises `ConversionError` if the labels do not fit the network."""
    card = draft.card
    outputs = _described(draft.contract.outputs, card.tensors)
    check_labels(card, outputs)
    return BundleManifest(
        schema_version=SCHEMA_VERSION,
        recipe=draft.recipe,
        title=card.title,
        task=card.task,
        licence=card.licence,
        licence_source=card.licence_source,
        weights=card.weights,
        random_weights=card.random_weights,
        source=dict(draft.source),
        calibration=draft.calibration,
        inputs=_described(draft.contract.inputs, card.tensors),
        outputs=outputs,
        preprocessing=dict(card.preprocessing),
        labels=card.labels,
        variants=tuple(map(_variant, draft.variants)),
        rejected=tuple(draft.rejected),
        golden=tuple(_named(f"golden/{path.name}", digest, path) for path, digest in draft.golden.items()),
        evidence=tuple(_hashed_text(text, f"evidence/{name}") for name, text in draft.evidence.items()),
        opset=draft.contract.opset,
        pruned=draft.pruned,
        tools=dict(draft.tools),
        notes=(*card.notes, *_pruning(draft)),
        assets=tuple(_hashed(path, f"assets/{path.name}") for path in card.assets),
        generation=card.generation,
    )


def _pruning(draft: Draft) -> Sequence[str]:
    what = "channels were removed" if draft.pruned_channels else "weights were set to zero"
    return (f"Pruned: {draft.pruned:.0%} of each layer's {what}.",) if draft.pruned else ()


def _variant(draft: VariantDraft) -> Variant:
    return Variant(
        file=f"{draft.precision}.onnx",
        sha256=draft.sha256,
        size=draft.model.stat().st_size,
        precision=draft.precision,
        parity=draft.verdict.parity,
        gate=draft.verdict.gate,
        tolerances=draft.verdict.tolerances,
        spared_layers=tuple(draft.spared_layers),
    )


def _named(name: str, digest: str, path: Path) -> HashedFile:
    return HashedFile(file=name, sha256=digest, size=path.stat().st_size)


def _hashed(path: Path, name: str) -> HashedFile:
    digest, size = hash_file(path)
    return HashedFile(file=name, sha256=digest, size=size)


def _hashed_text(text: str, name: str) -> HashedFile:
    content = text.encode()
    return HashedFile(file=name, sha256=sha256(content).hexdigest(), size=len(content))
