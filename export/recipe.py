"""What a recipe says: where weights come from, how they become a static FP32 graph, samples, and the accuracy gate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy.typing as npt

from assistant.inference.bundle import Precision, TensorContract, Tolerance
from assistant.inference.generation_rules import GenerationRules
from assistant.models.manifest import Manifest
from assistant.models.store import ModelStore

Array = npt.NDArray[Any]
Feeds = dict[str, Array]
"""One sample: a network's inputs by name."""
Outputs = Mapping[str, Array]
Network = Callable[[Feeds], Outputs]
"""A network that can be asked."""
Purpose = Literal["calibration", "validation"]
Medium = Literal["pictures", "recordings", "arrays"]
"""What samples are made of; "arrays" are `.npz` files with the inputs as they are, which every recipe takes."""


@dataclass(frozen=True, slots=True)
class Card:
    """What people and devices must know of the weights."""

    title: str
    task: str
    licence: str
    licence_source: str
    weights: str
    """Where they come from, in words."""
    tensors: tuple[TensorContract, ...] = ()
    """What is known of inputs and outputs beyond name, type and shape, which the graph says."""
    preprocessing: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()
    labels_output: str | None = ""
    """The output whose last axis the labels name; empty where the class is a number in the output, None where nobody
    said which."""
    notes: tuple[str, ...] = ()
    assets: tuple[Path, ...] = ()
    """Files that go into the bundle, such as a tokenizer."""
    generation: GenerationRules | None = None
    """A decoder that writes text: how it is asked."""
    random_weights: bool = False


@dataclass(frozen=True, slots=True)
class Agreement:
    """A task metric: how far a variant's answers are those of the reference."""

    name: str
    """Such as "top-1 agreement"."""
    measure: Callable[[Outputs, Outputs], float]
    """(reference, variant) of one sample → 0 to 1."""
    minimum: float
    """Lowest mean over the validation samples that may ship."""


@dataclass(frozen=True, slots=True)
class SampleTools:
    """What making a sample may need."""

    store: ModelStore
    network: Network
    """The reference network, for inputs that are its own earlier outputs."""


def no_files(_store: ModelStore) -> Sequence[Path]:
    """For `Recipe.sources` or `Recipe.sample_networks`: there are none."""
    return ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """One network's way from weights to a bundle."""

    name: str
    file: Path
    """The recipe's own source, `Path(__file__)`: a change to it builds anew."""
    card: Callable[[ModelStore], Card]
    sources: Callable[[ModelStore], Sequence[Path]]
    """The files that the graph is made from; raises `ModelMissingError` with the remedy."""
    export: Callable[[Sequence[Path], Path], None]
    """(sources, target): write the FP32 graph with every shape fixed."""
    medium: Medium
    """What samples are made of."""
    sample_models: tuple[str, ...]
    """Where they come from in the model store unless a folder is given."""
    samples: Callable[[Path, Purpose, SampleTools], Iterator[Feeds]]
    """The samples of one picture or recording; other ones for validation than for calibration."""
    tolerances: Mapping[Precision, Mapping[str, Tolerance]]
    """By precision and output. An output without one is not compared value by value."""
    sample_networks: Callable[[ModelStore], Sequence[Path]] = no_files
    """Networks that samples are made with, such as what finds faces in pictures; raises `ModelMissingError`."""
    agreement: Agreement | None = None
    reference: Callable[[Sequence[Path]], Network] | None = None
    """The network as its source runs it, if that is not the exported graph itself."""
    quantize_exclude: tuple[str, ...] = ()
    """Operators that stay in FP32 in INT8 variants, beside the toolchain's own."""
    quantize_products: bool = True
    """Whether `int8-trt` has products of two activations (attention) in INT8."""
    calibration_method: Literal["minmax", "entropy", "percentile"] = "minmax"


def tolerances(
    *outputs: str,
    fp16: tuple[float, float] = (0.9999, 0.02),
    int8: tuple[float, float] = (0.99, 0.15),
    int8_ort: tuple[float, float] | None = None,
) -> dict[Precision, dict[str, Tolerance]]:
    """The same (lowest cosine, largest error as a share of the range) for each of `outputs`; FP32 must be exact.

    `int8_ort` is for that variant, if it shall be judged otherwise.
    """
    by_precision: dict[Precision, tuple[float, float]] = {
        "fp32": (0.999999, 1e-3),
        "fp16": fp16,
        "int8-trt": int8,
        "int8-ort": int8_ort or int8,
    }
    return {
        precision: {name: Tolerance(min_cosine=cosine, max_error_of_range=error) for name in outputs}
        for precision, (cosine, error) in by_precision.items()
    }


def card_of(manifest: Manifest, *, labels_output: str | None = "") -> Card:
    """The card of a model of the store."""
    return Card(
        title=manifest.title,
        task=manifest.task,
        licence=manifest.licence,
        licence_source=manifest.licence_source,
        weights=", ".join(source.uri for source in manifest.sources),
        tensors=(*manifest.inputs, *manifest.outputs),
        preprocessing=manifest.preprocessing,
        labels=manifest.labels,
        labels_output=labels_output,
        notes=manifest.notes,
    )


def yardstick_card(title: str, task: str, paper: str, random_part: str, **more: Any) -> Card:
    """The card of a network with random weights in the architecture of `paper`; `random_part` is what means
    nothing ("words"), `more` are other fields."""
    return Card(
        title=f"{title}, random weights",
        task=task,
        licence="Apache-2.0",
        licence_source="the weights are random numbers made by this project",
        weights=f"seeded random numbers in the architecture of {paper}",
        notes=(f"A yardstick for speed and numerical parity. Its {random_part} mean nothing.",),
        random_weights=True,
        **more,
    )
