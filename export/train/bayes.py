"""The exact posterior of the generator: what the best possible fusion would say."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from export.train.generator import CLASSES, FloatArray, Moments, World

_CHUNK = 2048


def posterior(world: World, moments: Moments, drift: dict[str, FloatArray] | None = None) -> FloatArray:
    """p(y | what every present channel reports), shape (n, 7); a `drift` that is known is taken into account.

    Sums over what each channel looked at: 7^c terms a moment, c at most 3. Reports are a one-to-one image of what is
    seen, so nothing is lost by looking at `seen` instead.
    """
    result = np.empty((len(moments.truth), CLASSES))
    present = moments.evidence.present
    for pattern in np.unique(present, axis=0):
        rows = np.flatnonzero((present == pattern).all(axis=1))
        for start in range(0, len(rows), _CHUNK):
            part = rows[start : start + _CHUNK]
            result[part] = _posterior(world, moments, part, np.flatnonzero(pattern), drift or {})
    return result


def _posterior(
    world: World,
    moments: Moments,
    rows: npt.NDArray[np.intp],
    channels: npt.NDArray[np.intp],
    drift: dict[str, FloatArray],
) -> FloatArray:
    prior = np.array(world.prior)
    names = list(world.channels)
    precision = np.linalg.inv(world.correlation()[np.ix_(channels, channels)])
    evidence = moments.evidence
    residuals, subjects = [], []
    for c in channels:
        name = names[c]
        quality = evidence.confidence[rows, c]
        x = moments.seen[rows, c] - drift.get(name, 0.0)
        # (n, 7 subjects, 7 coordinates), in deviations of the noise.
        residuals.append((x[:, None] - world.means(name)) * np.sqrt(quality)[:, None, None])
        about_it = world.channels[name].about_it(quality, evidence.half_lives[rows, c])
        # (n, y, y_c)
        subjects.append(about_it[:, None, None] * np.eye(CLASSES) + (1.0 - about_it)[:, None, None] * prior)
    k = len(channels)
    logs = np.zeros((len(rows), *([CLASSES] * k)))
    for i in range(k):
        for j in range(k):
            dots = np.einsum("nax,nbx->nab", residuals[i], residuals[j])
            if i == j:
                dots = np.einsum("naa->na", dots)
            shape = [len(rows)] + [CLASSES if axis in (i, j) else 1 for axis in range(k)]
            term = dots.swapaxes(1, 2) if i > j else dots
            logs -= 0.5 * precision[i, j] * term.reshape(shape)
    likelihood = np.exp(logs - logs.reshape(len(rows), -1).max(axis=1).reshape(-1, *([1] * k)))
    letters = "abc"[:k]
    spec = ",".join(["n" + letters, *(f"ny{letter}" for letter in letters)]) + "->ny"
    joint = np.einsum(spec, likelihood, *subjects, optimize=True) * prior
    return np.asarray(joint / joint.sum(axis=1, keepdims=True))
