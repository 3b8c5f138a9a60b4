"""Training, validation and test, so that nobody is in two of them: a network that knows the voice is not tested."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from assistant.errors import ConfigError
from export.train.folders import Sample

PARTS = ("train", "validation", "test")
_SHARES = (0.7, 0.15, 0.15)


@dataclass(frozen=True, slots=True)
class Split:
    """Places in the list of samples."""

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]


def split_by_speaker(samples: Sequence[Sample], seed: int = 0) -> Split:
    """The parts that the data names, else 70 : 15 : 15 of the samples, whole speakers each.

    Raises `ConfigError` for one class only, fewer than three speakers, a part without samples, and speakers who are in
    two of the data's own parts.
    """
    labels = Counter(sample.label for sample in samples)
    if len(labels) < 2:
        raise ConfigError(
            f"All {len(samples)} samples are '{next(iter(labels), '')}': there is nothing to tell apart.",
            remedy="Training needs at least two classes.",
        )
    if any(sample.part for sample in samples):
        return _as_named(samples)
    speakers: dict[str, list[int]] = defaultdict(list)
    for place, sample in enumerate(samples):
        speakers[sample.speaker].append(place)
    if len(speakers) < len(PARTS):
        raise ConfigError(
            f"There are {len(speakers)} speakers ({', '.join(speakers)}); each of {', '.join(PARTS)} needs its own.",
            remedy="Add recordings of other people.",
        )
    return _dealt(speakers, len(samples), seed)


def _dealt(speakers: dict[str, list[int]], total: int, seed: int) -> Split:
    """Each speaker, those with most samples first, goes to the part that lacks most."""
    order = list(speakers)
    np.random.default_rng(seed).shuffle(order)
    order.sort(key=lambda name: -len(speakers[name]))
    parts: list[list[int]] = [[], [], []]
    for name in order:
        lacking = [share * total - len(part) for share, part in zip(_SHARES, parts, strict=True)]
        empty = [index for index, part in enumerate(parts) if not part]
        # The last speakers go where nobody is yet.
        left = len(order) - order.index(name)
        index = empty[0] if empty and left <= len(empty) else int(np.argmax(lacking))
        parts[index].extend(speakers[name])
    return Split(*(tuple(sorted(part)) for part in parts))


def _as_named(samples: Sequence[Sample]) -> Split:
    unnamed = [place for place, sample in enumerate(samples) if sample.part is None]
    if unnamed:
        raise ConfigError(
            f"{len(unnamed)} samples name no split and others do.", remedy="Name it for all, or for none."
        )
    places = {part: tuple(i for i, sample in enumerate(samples) if sample.part == part) for part in PARTS}
    for part, found in places.items():
        if not found:
            raise ConfigError(f"The split '{part}' has no samples.", remedy="Put whole speakers there.")
    homes: dict[str, set[str]] = defaultdict(set)
    for sample in samples:
        homes[sample.speaker].add(str(sample.part))
    leaking = sorted(name for name, parts in homes.items() if len(parts) > 1)
    if leaking:
        shown = ", ".join(leaking[:5]) + (f" and {len(leaking) - 5} more" if len(leaking) > 5 else "")
        raise ConfigError(
            f"Speakers leak: {shown} {'is' if len(leaking) == 1 else 'are'} in more than one split.",
            remedy="Keep all samples of a person in one split, or drop the column: then it is split by speaker.",
        )
    return Split(places["train"], places["validation"], places["test"])
