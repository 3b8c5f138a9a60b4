"""A recipe whose weights and `model.toml` lie beside it: what `assistant-export import` makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from assistant.events import ImageArray
from assistant.models.manifest import MANIFEST_FILE, load_manifest
from assistant.models.store import ModelStore
from assistant.vision.preprocess import resize
from export.onnx_from_store import export_static, stored_network
from export.recipe import Agreement, Array, Card, Feeds, Medium, Purpose, Recipe, SampleTools, card_of, tolerances
from export.samples import picture_samples
from export.task_metrics import top_1_agreement

MODEL_FILE = "model.onnx"


def recipe_folder(
    file: Path,
    outputs: Sequence[str],
    *,
    name: str | None = None,
    sizes: Mapping[str, int] | None = None,
    prepare: Callable[[ImageArray], Feeds] | None = None,
    fp16: tuple[float, float] = (0.9999, 0.02),
    int8: tuple[float, float] = (0.99, 0.15),
    classes_output: str | None = None,
    min_agreement: float = 0.95,
) -> Recipe:
    """The recipe of the folder that `file` (a `recipe.py`) lies in.

    It is called `name`, or as the folder. `sizes` fixes the axes that the network leaves open. `prepare` makes an input
    from a picture; without it, samples are `.npz` files. `fp16` and `int8` are the gate: lowest cosine and largest
    error as a share of the range of each of `outputs`. `classes_output` is the output with a number for each label (""
    where labels belong to none): there the highest class must be the same for a share of `min_agreement`.
    """
    folder = file.parent

    def card(_store: ModelStore) -> Card:
        return card_of(load_manifest(folder / MANIFEST_FILE), labels_output=classes_output)

    def sources(_store: ModelStore) -> Sequence[Path]:
        return [folder / MODEL_FILE]

    medium: Medium = "arrays" if prepare is None else "pictures"
    agreement = Agreement("top-1 agreement", top_1_agreement(classes_output), min_agreement) if classes_output else None
    return Recipe(
        name=name or folder.resolve().name,
        file=file,
        card=card,
        sources=sources,
        export=export_static(sizes),
        medium=medium,
        sample_models=() if prepare is None else ("sample-pictures",),
        samples=_no_samples if prepare is None else picture_samples(prepare),
        tolerances=tolerances(*outputs, fp16=fp16, int8=int8),
        agreement=agreement,
        reference=stored_network,
    )


def scaled_picture(
    picture: ImageArray,
    name: str,
    size_px: tuple[int, int],
    mean: Sequence[float],
    deviation: Sequence[float],
    layout: str,
) -> Feeds:
    """A picture stretched to (height, width), as (x / 255 - mean) / deviation, in the layout "NCHW" or "NHWC"."""
    height, width = size_px
    values: Array = resize(picture, width, height).astype(np.float32) / np.float32(255)
    values = (values - np.asarray(mean, np.float32)) / np.asarray(deviation, np.float32)
    return {name: np.ascontiguousarray(values.transpose(2, 0, 1) if layout == "NCHW" else values)[np.newaxis]}


def _no_samples(_path: Path, _purpose: Purpose, _tools: SampleTools) -> Iterator[Feeds]:
    return iter(())
