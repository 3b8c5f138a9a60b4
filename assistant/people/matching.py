"""Whose face it is: the most alike of those who were introduced, or nobody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Descriptor = npt.NDArray[np.float32]
"""Shape (1024,), of length 1: the product of two is their cosine similarity."""

MARGIN = 0.05
"""How much more alike than the second person a face must be: between twins it is nobody's."""
SURE_ABOVE = 0.07
"""Over the threshold; below, a name is said with "I think"."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Somebody who was introduced."""

    name: str
    added_on: str
    """Day of the introduction, ISO 8601."""
    descriptors: tuple[Descriptor, ...]


@dataclass(frozen=True, slots=True)
class Match:
    """What one look at a face says."""

    name: str
    """Empty for somebody unknown."""
    similarity: float
    """Cosine of the angle between the descriptors, -1 to 1; of the most alike person, whether it is enough or not."""


def likeness(person: Person, descriptor: Descriptor) -> float:
    """Cosine similarity to the most alike of a person's descriptors."""
    return max((float(known @ descriptor) for known in person.descriptors), default=-1.0)


def match(people: Sequence[Person], descriptor: Descriptor, threshold: float) -> Match:
    """The person that a face is like by at least `threshold`, and by `MARGIN` more than it is like anyone else."""
    if not people:
        return Match("", -1.0)
    ranked = sorted(((likeness(person, descriptor), person.name) for person in people), reverse=True)
    best, name = ranked[0]
    second = ranked[1][0] if len(ranked) > 1 else -1.0
    return Match(name if best >= threshold and best - second >= MARGIN else "", best)
