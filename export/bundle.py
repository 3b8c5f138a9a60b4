"""Writing bundles: collected beside the old one, published whole. See `assistant/inference/bundle.py` for what is in
one, and for reading it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx

from assistant.inference.bundle import (
    MANIFEST_FILE,
    SCHEMA_VERSION,
    BundleManifest,
    HashedFile,
    Precision,
    Rejected,
    TensorContract,
    Variant,
)
from assistant.models.changes import swap_in
from assistant.models.hashing import hash_file
from export.errors import ConversionError
from export.onnx_file import dtype_of, shape_of
from export.parity import Verdict
from export.recipe import Card

MEASUREMENTS_FILE = "measurements.json"
REPORT_FILE = "report.html"


def hashed(path: Path, name: str) -> HashedFile:
    """A file as a manifest names it."""
    sha256, size = hash_file(path)
    return HashedFile(file=name, sha256=sha256, size=size)


def variant_of(precision: Precision, model: Path, verdict: Verdict) -> Variant:
    """A variant that passed its gate."""
    sha256, size = hash_file(model)
    return Variant(
        file=f"{precision}.onnx",
        sha256=sha256,
        size=size,
        precision=precision,
        parity=verdict.parity,
        gate=verdict.gate,
        tolerances=verdict.tolerances,
    )


def contracts(values: Iterable[onnx.ValueInfoProto], known: Iterable[TensorContract]) -> tuple[TensorContract, ...]:
    """Inputs or outputs as the graph has them, with the range and meaning that the card knows by name."""
    by_name = {tensor.name: tensor for tensor in known}
    return tuple(
        (by_name.get(value.name) or TensorContract(name=value.name, dtype="", shape=())).model_copy(
            update={"dtype": dtype_of(value), "shape": shape_of(value)}
        )
        for value in values
    )


def check_labels(card: Card, outputs: Iterable[TensorContract]) -> None:
    """Raise `ConversionError` when there are not as many labels as the output that they name has classes."""
    if not card.labels or not card.labels_output:
        return
    by_name = {output.name: output for output in outputs}
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


def publish(place: Path, manifest: BundleManifest, hashed_files: Mapping[str, Path], texts: Mapping[str, str]) -> bool:
    """Put a bundle in its place, whole, on disk before its name appears; False if the very same was there.

    `hashed_files` (name → path) are those that the manifest vouches for; `texts` go beside them unhashed. A folder in
    the place that is no bundle is left alone: raises `ConversionError`.
    """
    if place.exists() and not (place / MANIFEST_FILE).is_file() and any(place.iterdir()):
        raise ConversionError(f"{place} is there and is no bundle.", remedy="Name another folder: --out DIR.")
    if _is_there(place, manifest, texts):
        return False
    place.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=place.parent, prefix=f".{place.name}.") as scratch:
        target = Path(scratch) / "bundle"
        for name, path in hashed_files.items():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / name)
        for name, text in {**texts, MANIFEST_FILE: manifest_text(manifest)}.items():
            (target / name).write_text(text, encoding="utf-8")
        swap_in(target, place, Path(scratch))
    return True


def new_manifest(
    card: Card,
    recipe: str,
    model: onnx.ModelProto,
    *,
    source: Mapping[str, str],
    calibration: str,
    variants: Iterable[Variant],
    rejected: Iterable[Rejected],
    golden: Iterable[HashedFile],
    evidence: Iterable[HashedFile],
    pruned: float,
    tools: Mapping[str, str],
    notes: Iterable[str],
) -> BundleManifest:
    """The manifest of a network, whose FP32 graph is `model`. Raises `ConversionError` if labels do not fit it."""
    outputs = contracts(model.graph.output, card.tensors)
    check_labels(card, outputs)
    return BundleManifest(
        schema_version=SCHEMA_VERSION,
        recipe=recipe,
        title=card.title,
        task=card.task,
        licence=card.licence,
        licence_source=card.licence_source,
        weights=card.weights,
        random_weights=card.random_weights,
        source=dict(source),
        calibration=calibration,
        inputs=contracts(model.graph.input, card.tensors),
        outputs=outputs,
        preprocessing=dict(card.preprocessing),
        labels=card.labels,
        variants=tuple(variants),
        rejected=tuple(rejected),
        golden=tuple(golden),
        evidence=tuple(evidence),
        opset=max(entry.version for entry in model.opset_import),
        pruned=pruned,
        tools=dict(tools),
        notes=(*card.notes, *notes),
    )


def _is_there(place: Path, manifest: BundleManifest, texts: Mapping[str, str]) -> bool:
    """Whether a bundle is already what it should be, by manifest, names and sizes; `check` compares hashes."""
    try:
        if (place / MANIFEST_FILE).read_text(encoding="utf-8") != manifest_text(manifest):
            return False
        if any((place / name).read_text(encoding="utf-8") != text for name, text in texts.items()):
            return False
        files = (*manifest.variants, *manifest.golden, *manifest.evidence)
        return all((place / item.file).stat().st_size == item.size for item in files)
    except OSError:
        return False
