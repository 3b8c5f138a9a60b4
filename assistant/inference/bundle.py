"""Bundles: a network in several precisions, checked against its reference, as the workstation hands it to a device.

<bundle>/manifest.json       what is here, with the SHA-256 and size of each file below; `BundleManifest`
<bundle>/<precision>.onnx    one file a precision that passed its gate
<bundle>/golden/*.npz        inputs and what the FP32 network makes of them: "input/<name>", "output/<name>"
<bundle>/assets/*         what comes with the weights, such as a tokenizer
<bundle>/evidence/*.json     lint findings, calibration ranges, sensitivity: what the report draws
<bundle>/measurements.json   latencies on the machine that built it; not hashed, it describes that machine
<bundle>/report.html         the same for people; not hashed

There are no engines in a bundle: the device that runs them builds them.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from assistant.errors import IntegrityError, ModelError
from assistant.inference.generation_rules import GenerationRules
from assistant.models.hashing import hash_file, mismatch
from assistant.models.manifest import Bytes, RelativePath, Sha256, Tensor

MANIFEST_FILE = "manifest.json"
SCHEMA_VERSION: Literal[1] = 1

Precision = Literal["fp32", "fp16", "int8-trt", "int8-ort"]
PRECISIONS: tuple[Precision, ...] = ("fp32", "fp16", "int8-trt", "int8-ort")
"""`int8-trt` is symmetric and signed, for TensorRT; `int8-ort` has unsigned activations, for onnxruntime."""

TensorContract = Tensor
"""Name, type, shape, range and meaning of an input or output, as a `model.toml` says them."""

_REBUILD = "Build it again: assistant-export build RECIPE"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


class HashedFile(_Table):
    """A file of the bundle."""

    file: RelativePath
    sha256: Sha256
    size: Bytes


class OutputParity(_Table):
    """How far one output of a variant is from FP32, the worst over all validation samples."""

    output: str
    cosine: float | None
    """Cosine similarity of the flattened output; None if one of the two is not finite or all zeros."""
    max_error: float | None
    """Largest absolute difference; None if it is not finite."""
    max_error_of_range: float | None
    """The same over the reference's highest minus lowest value."""
    not_finite: int
    """Values that are NaN or infinite."""


class GateCheck(_Table):
    """One condition that a variant had to meet."""

    name: str
    value: float | None
    limit: float
    """Lowest value allowed for an agreement, highest for an error."""
    passed: bool


class Tolerance(_Table):
    """What an output of a variant may differ from the golden pairs', on whatever backend."""

    min_cosine: float
    max_error_of_range: float
    """Largest absolute difference over the golden output's highest minus lowest value."""


class Variant(HashedFile):
    """The network in one precision."""

    precision: Precision
    parity: tuple[OutputParity, ...]
    gate: tuple[GateCheck, ...]
    tolerances: dict[str, Tolerance]
    """By output. An output that is not here is not compared value by value: the task's own metric judged it."""
    spared_layers: tuple[str, ...] = ()
    """INT8 variants: nodes that stayed as they were, because INT8 in them hurt the outputs most."""


class Rejected(_Table):
    """A precision that was asked for and is not shipped."""

    precision: Precision
    reasons: tuple[str, ...]


class BundleManifest(_Table):
    """A `manifest.json`."""

    schema_version: Literal[1]
    recipe: str
    title: str
    task: str
    licence: str
    """Of the weights: SPDX where there is one, "unstated" where none was seen."""
    licence_source: str
    """Who says so."""
    weights: str
    """Where they come from, in words."""
    random_weights: bool
    """True for a yardstick: its speed means something, its answers do not."""
    source: dict[str, Sha256]
    """What it was built from: file → SHA-256."""
    calibration: str
    """What the INT8 ranges were measured on, in words."""
    inputs: tuple[TensorContract, ...]
    outputs: tuple[TensorContract, ...]
    preprocessing: dict[str, Any]
    labels: tuple[str, ...]
    variants: tuple[Variant, ...] = Field(min_length=1)
    rejected: tuple[Rejected, ...]
    golden: tuple[HashedFile, ...]
    evidence: tuple[HashedFile, ...]
    """What the report draws: lint findings, calibration ranges, sensitivity. No device needs it."""
    opset: int
    pruned: float
    """Share of the weights that was set to zero, 0 if none."""
    tools: dict[str, str]
    """Package → version."""
    notes: tuple[str, ...]
    assets: tuple[HashedFile, ...] = ()
    """Files that come with the weights, such as a tokenizer."""
    generation: GenerationRules | None = None
    """A decoder that writes text: how it is asked."""


@dataclass(frozen=True, slots=True)
class GoldenPair:
    """An input and what the FP32 network makes of it, computed by onnxruntime with its optimizations off."""

    name: str
    inputs: dict[str, npt.NDArray[Any]]
    outputs: dict[str, npt.NDArray[Any]]


class Bundle:
    """A bundle on disk."""

    def __init__(self, path: Path, manifest: BundleManifest) -> None:
        self.path = path
        self.manifest = manifest

    @classmethod
    def open(cls, path: Path) -> Bundle:
        """Read the manifest and see that its files are there; hashes are `verify`'s.

        Raises `ModelError` when it is no bundle, is of another schema, or lacks a file; names the file and the key.
        """
        manifest_path = path / MANIFEST_FILE
        try:
            manifest = BundleManifest.model_validate_json(manifest_path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            raise ModelError(
                f"{path} is no bundle: it has no {MANIFEST_FILE}.", remedy="Give a folder made by assistant-export."
            ) from None
        except OSError as error:
            raise _unreadable(path, error) from error
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(str(part) for part in first["loc"]) or "the whole file"
            raise ModelError(f"{manifest_path}: {key}: {first['msg']}.", remedy=_REBUILD) from error
        bundle = cls(path, manifest)
        for item in bundle.files():
            bundle._locate(item)
        return bundle

    def files(self) -> tuple[HashedFile, ...]:
        """Every file that the manifest vouches for."""
        manifest = self.manifest
        return (*manifest.variants, *manifest.golden, *manifest.evidence, *manifest.assets)

    def verify(self) -> None:
        """Hash every file. Raises `IntegrityError` that names each one that is not what was built."""
        problems = []
        for item in self.files():
            problem = mismatch(*hash_file(self._locate(item)), item.sha256, item.size)
            if problem is not None:
                problems.append(f"{item.file}: {problem}")
        if problems:
            raise IntegrityError(f"The bundle {self.path} was altered: {'; '.join(problems)}.", remedy=_REBUILD)

    def variant(self, precision: Precision) -> Variant:
        """The network in one precision. Raises `ModelError` when it was not shipped, with the reason."""
        for variant in self.manifest.variants:
            if variant.precision == precision:
                return variant
        rejected = [item for item in self.manifest.rejected if item.precision == precision]
        why = f": {'; '.join(rejected[0].reasons)}" if rejected else ""
        shipped = ", ".join(variant.precision for variant in self.manifest.variants)
        raise ModelError(f"The bundle {self.path} has no {precision} variant{why}.", remedy=f"It has: {shipped}.")

    def onnx(self, precision: Precision) -> Path:
        """The ONNX file of a precision. Raises as `variant` does."""
        return self._locate(self.variant(precision))

    def asset(self, name: str) -> Path | None:
        """A file that came with the weights; None if it did not."""
        found = [item for item in self.manifest.assets if item.file == f"assets/{name}"]
        return self._locate(found[0]) if found else None

    def golden(self) -> Iterator[GoldenPair]:
        """The golden pairs, one at a time. Raises `IntegrityError` for a file that is no archive of plain arrays."""
        for item in self.manifest.golden:
            yield read_golden(self._locate(item))

    def _locate(self, item: HashedFile) -> Path:
        path = self.path / item.file
        try:
            is_there = path.is_file()
        except OSError as error:
            raise _unreadable(path, error) from error
        if not path.resolve().is_relative_to(self.path.resolve()):
            raise IntegrityError(f"'{item.file}' of the bundle {self.path} leads out of its folder.", remedy=_REBUILD)
        if not is_there:
            raise ModelError(f"The bundle {self.path} lacks '{item.file}', which its manifest names.", remedy=_REBUILD)
        return path


def _unreadable(path: Path, error: OSError) -> ModelError:
    return ModelError(
        f"{path} cannot be read: {error.strerror}.", remedy="Let the user who runs this read the whole bundle."
    )


def read_golden(path: Path) -> GoldenPair:
    """Read one pair. Raises `IntegrityError` for a file that is no archive of plain arrays."""
    sides: dict[str, dict[str, npt.NDArray[Any]]] = {"input": {}, "output": {}}
    try:
        with np.load(path, allow_pickle=False) as arrays:
            for key in arrays.files:
                side, _, name = key.partition("/")
                sides[side][name] = arrays[key]
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise IntegrityError(f"{path} holds no golden pair: {error}.", remedy=_REBUILD) from error
    return GoldenPair(path.stem, sides["input"], sides["output"])
