"""Samples for calibration and validation: from the recipe's own pictures or recordings, or from a folder of yours."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx

from assistant.errors import ConfigError, MediaError
from assistant.models.hashing import hash_file
from assistant.models.store import ModelStore
from export.onnx_file import dtype_of, shape_of
from export.recipe import Feeds, Medium, Purpose, Recipe, SampleTools

if TYPE_CHECKING:
    from assistant.events import ImageArray

SUFFIXES: dict[Medium, tuple[str, ...]] = {
    "pictures": (".png", ".jpg", ".jpeg", ".bmp", ".webp"),
    "recordings": (".wav", ".flac", ".ogg", ".mp3"),
    "arrays": (),
}
_ARRAYS = ".npz"
OTHER_VIEWS = "other views of the same files"
SAME_SAMPLES = "the very same samples"
"""Arrays have no other views."""
_HELD_OUT_EVERY = 5
"""Of a folder of yours, one file in five is kept for validation, if there are five."""


@dataclass(frozen=True, slots=True)
class SampleSet:
    """Files that samples are made of."""

    files: tuple[Path, ...]
    origin: str
    """In words."""
    same_files_for_both: bool
    """Whether validation looks at the same files, for want of more."""

    @property
    def held_out(self) -> str:
        """In words: what validation looks at that calibration did not."""
        if not self.same_files_for_both:
            return "files that were held out"
        arrays = sum(path.suffix.lower() == _ARRAYS for path in self.files)
        if not arrays:
            return OTHER_VIEWS
        return SAME_SAMPLES if arrays == len(self.files) else f"{OTHER_VIEWS}, and {SAME_SAMPLES} of {_ARRAYS} files"

    def hashes(self) -> dict[str, str]:
        """File name → SHA-256."""
        return {path.name: hash_file(path)[0] for path in self.files}

    def files_for(self, purpose: Purpose) -> tuple[Path, ...]:
        """The files of one purpose."""
        if self.same_files_for_both:
            return self.files
        held_out = self.files[::_HELD_OUT_EVERY]
        return held_out if purpose == "validation" else tuple(path for path in self.files if path not in held_out)


def sample_set(recipe: Recipe, store: ModelStore, folder: Path | None) -> SampleSet:
    """The files of a folder, or else of the recipe's models in the store.

    Raises `ConfigError` for a folder without usable files, `ModelMissingError` for samples that are not pulled.
    """
    wanted = SUFFIXES[recipe.medium]
    if folder is None and not recipe.sample_models:
        raise ConfigError(
            f"{recipe.name} has no samples of its own.",
            remedy="Give --calibration DIR: a folder of .npz files, each with the network's inputs by name.",
        )
    if folder is None:
        folders = [store.path(name) for name in recipe.sample_models]
        files = [path for place in folders for path in sorted(place.iterdir()) if path.suffix.lower() in wanted]
        return SampleSet(tuple(files), f"{len(files)} {recipe.medium} of {', '.join(recipe.sample_models)}", True)
    if not folder.is_dir():
        raise ConfigError(f"There is no calibration folder {folder}.", remedy="Name an existing folder.")
    files = [path for path in sorted(folder.iterdir()) if path.suffix.lower() in (*wanted, _ARRAYS)]
    if not files:
        raise ConfigError(
            f"The calibration folder {folder} has no samples for {recipe.name}: expected files that end in "
            f"{', '.join((*wanted, _ARRAYS))}, got {len(list(folder.iterdir()))} others.",
            remedy="Put at least 5 typical ones there; 100 to 500 are usual.",
        )
    return SampleSet(tuple(files), f"{len(files)} files of {folder.name}", len(files) < _HELD_OUT_EVERY)


def feeds_of(recipe: Recipe, samples: SampleSet, purpose: Purpose, tools: SampleTools, model: Path) -> Iterator[Feeds]:
    """Every sample of a purpose, one at a time, in a fixed order, checked against the inputs of `model`.

    Raises `MediaError` naming the file and the input when a sample does not fit, or when there is none.
    """
    inputs = onnx.load(model, load_external_data=False).graph.input
    count = 0
    for path in samples.files_for(purpose):
        made = [_read_arrays(path)] if path.suffix.lower() == _ARRAYS else recipe.samples(path, purpose, tools)
        for feeds in made:
            yield _checked(path, feeds, inputs)
            count += 1
    if count == 0:
        raise MediaError(
            f"No sample for the {purpose} of {recipe.name} could be made from {samples.origin}.",
            remedy="Give a folder of typical ones: --calibration DIR.",
        )


def picture_samples(
    prepare: Callable[[ImageArray], Feeds], *, views: int = 2
) -> Callable[[Path, Purpose, SampleTools], Iterator[Feeds]]:
    """`Recipe.samples` for pictures: the whole picture and `views` crops of it, mirrored for validation."""

    def samples(path: Path, purpose: Purpose, _tools: SampleTools) -> Iterator[Feeds]:
        for view in picture_views(path, purpose, views):
            yield prepare(view)

    return samples


def picture_views(path: Path, purpose: Purpose, views: int) -> Iterator[ImageArray]:
    """The whole picture, then `views` seeded crops of 50 to 90 % of its sides; validation sees others, mirrored."""
    from assistant.vision.pictures import read_picture

    picture = read_picture(path)
    seed = int(hash_file(path)[0][:8], 16)
    rng = np.random.default_rng([seed, 0 if purpose == "calibration" else 1])
    if purpose == "validation":
        picture = np.ascontiguousarray(picture[:, ::-1])
    yield picture
    height, width = picture.shape[:2]
    for _ in range(views):
        share = rng.uniform(0.5, 0.9)
        rows, columns = max(1, int(height * share)), max(1, int(width * share))
        top, left = int(rng.integers(0, height - rows + 1)), int(rng.integers(0, width - columns + 1))
        yield np.ascontiguousarray(picture[top : top + rows, left : left + columns])


def _read_arrays(path: Path) -> Feeds:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in arrays.files}
    except (OSError, ValueError, KeyError, EOFError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise MediaError(
            f"{path} is no archive of plain arrays: {error}.", remedy="Write it with numpy.savez(path, input=array)."
        ) from error


def _checked(path: Path, feeds: Feeds, inputs: Sequence[onnx.ValueInfoProto]) -> Feeds:
    known = [value.name for value in inputs]
    if known and (unknown := [name for name in feeds if name not in known]) and set(known) <= feeds.keys():
        raise MediaError(
            f"{path}: the network has no input '{unknown[0]}': expected {', '.join(known)}.",
            remedy="Leave it out: each sample must hold the network's inputs and nothing else.",
        )
    for value in inputs:
        expected = f"{dtype_of(value)} {list(shape_of(value))}"
        array = feeds.get(value.name)
        others = ", ".join(f"'{name}'" for name in feeds)
        missing = f"only {others}" if others else "no input at all"
        got = missing if array is None else f"{array.dtype} {list(array.shape)}"
        if got != expected:
            raise MediaError(
                f"{path}: the input '{value.name}': expected {expected}, got {got}.",
                remedy="Each sample must be one input as the network takes it; docs/export.md has an example.",
            )
        if array is not None and array.dtype.kind == "f" and not np.isfinite(array).all():
            raise MediaError(f"{path}: the input '{value.name}' holds NaN or infinite values.")
    return feeds
