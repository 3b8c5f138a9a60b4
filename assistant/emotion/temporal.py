"""A temporal filter: what was felt a moment ago makes the same feeling likelier now.

The forward step of a hidden Markov model in which a feeling is kept with probability 0.5^(Δt / half-life) and drawn
from the prior otherwise (Rabiner 1989, "A tutorial on hidden Markov models", Proc. IEEE 77(2)), with what is carried
over raised to `memory`: estimates of one channel that follow each other share their errors, and would be counted as if
they did not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class TemporalFilter:
    """Its parameters, by default those chosen on generated sessions (`docs/emotion.md`)."""

    half_life_s: float = 12.0
    memory: float = 0.5
    """0 forgets everything, 1 believes that errors are independent."""

    def belief(self, opinions: FloatArray, at_s: FloatArray, prior: FloatArray) -> FloatArray:
        """The belief at the last of k moments, shape (…, 7), from opinions, shape (k, …, 7), at `at_s`, shape (k,),
        rising."""
        belief = opinions[0]
        kept = 0.5 ** ((at_s[1:] - at_s[:-1]) / self.half_life_s)
        for opinion, stays in zip(opinions[1:], kept.tolist(), strict=True):
            # stays * belief + (1 - stays) * prior, over the prior
            belief = opinion * (stays * (belief / prior) + (1.0 - stays)) ** self.memory
            belief /= belief.sum(axis=-1, keepdims=True)
        return np.asarray(belief)
