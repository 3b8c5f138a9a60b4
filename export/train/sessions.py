"""Conversations of the generator: feelings that last, reports at their own times, errors that stay for a while."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from assistant.emotion.affect import estimate_from
from assistant.events import EmotionEstimate
from export.train.generator import CLASSES, FloatArray, IntArray, World, draw_noise, observe

STEP_S = 2.0


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation."""

    truth: IntArray
    """Shape (steps,): the feeling at each step of `STEP_S`."""
    reports: tuple[tuple[EmotionEstimate, ...], ...]
    """What the channels say at each step."""


def draw_sessions(
    world: World, count: int, steps: int, seed: int, *, half_life_s: float = 12.0, lasting: float = 0.6
) -> Iterator[Session]:
    """Conversations in which a feeling is kept with 0.5^(Δt / half-life), else drawn from the prior anew.

    `lasting` is the correlation of a channel's noise from one step to the next: whoever is badly lit stays so.
    """
    rng = np.random.default_rng(seed)
    names = list(world.channels)
    chances = [world.channels[name].present for name in names]
    ranges = np.array([world.channels[name].quality for name in names])
    for _ in range(count):
        truth = _feelings(world, rng, steps, half_life_s)
        quality = rng.uniform(ranges[:, 0], ranges[:, 1], (steps, len(names)))
        noise = _lasting_noise(world, rng, steps, lasting)
        present = rng.random(quality.shape) < chances
        seen = observe(world, truth, quality, np.zeros_like(quality), present, noise, rng, {})
        yield Session(
            truth,
            tuple(
                tuple(
                    estimate_from(name, step * STEP_S, seen.evidence.probabilities[step, c], quality[step, c])
                    for c, name in enumerate(names)
                    if present[step, c]
                )
                for step in range(steps)
            ),
        )


def _feelings(world: World, rng: np.random.Generator, steps: int, half_life_s: float) -> IntArray:
    drawn = rng.choice(CLASSES, steps, p=world.prior)
    kept = rng.random(steps) < 0.5 ** (STEP_S / half_life_s)
    kept[0] = False
    # The last step at which a new feeling began.
    since = np.maximum.accumulate(np.where(kept, 0, np.arange(steps)))
    return np.asarray(drawn[since])


def _lasting_noise(world: World, rng: np.random.Generator, steps: int, lasting: float) -> FloatArray:
    """Noise of unit variance whose neighbours correlate by `lasting`."""
    noise = draw_noise(world, rng, steps)
    for step in range(1, steps):
        noise[step] = lasting * noise[step - 1] + np.sqrt(1.0 - lasting**2) * noise[step]
    return noise
