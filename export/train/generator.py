"""Three channels with known truth, so that the best possible accuracy is known.

A feeling y is drawn from a prior. Each channel c looks at y_c: at y itself with a probability of reliability ×
quality^doubt × 0.5^half-lives, otherwise at something unrelated, drawn from the prior: a poster, a joke, a mood that
has passed. It sees

    x_c = M_c[y_c] + σ_c / √quality × (√(1 − ρ_c²) ε_c + ρ_c ε_0) + drift_c,    ε_c, ε_0 ~ N(0, I)

M_c[y] are class means whose confusions are chosen, ε_0 is noise that all channels share, and drift_c moves the whole
channel. It reports softmax(overconfidence_c × log-likelihood of x_c at full quality), and its quality as confidence: it
is honest about how well it saw, and wrong about what that means. Everything lies in the plane in which softmax loses
nothing, so p(y | all reports) can be computed exactly (`export.train.bayes`): no fusion can be more often right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from assistant.emotion.affect import FLOOR
from assistant.events import EMOTION_LABELS
from assistant.ports import EmotionEvidence

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

CLASSES = len(EMOTION_LABELS)
_LABELS: tuple[str, ...] = EMOTION_LABELS


@dataclass(frozen=True, slots=True)
class ChannelTruth:
    """How one channel errs."""

    separation: float
    """Length of the class means, in deviations of the noise at full quality."""
    confused: tuple[tuple[str, str, float], ...] = ()
    """(one class, other class, 0 to 1): how far their means are moved together."""
    reliability: float = 0.95
    """Chance that a fresh report is about what is asked."""
    doubt: float = 0.0
    """How fast that chance falls with quality: it is multiplied by quality^doubt."""
    overconfidence: float = 1.6
    shared: float = 0.3
    """ρ, 0 to 1: how much of its noise all channels share."""
    present: float = 0.7
    """Chance that it reports at all."""
    drift: float = 0.0
    """Deviation of an offset that stays for a whole session, in deviations of the noise."""
    quality: tuple[float, float] = (0.2, 1.0)
    """Range, evenly drawn, of how well it sees: the confidence that it reports."""

    def about_it(self, quality: FloatArray, half_lives: FloatArray) -> FloatArray:
        """Chance that what it looks at is what is asked."""
        return np.asarray(self.reliability * quality**self.doubt * 0.5**half_lives)


@dataclass(frozen=True, slots=True)
class World:
    """What is drawn from."""

    channels: Mapping[str, ChannelTruth]
    prior: tuple[float, ...] = (0.1, 0.08, 0.1, 0.17, 0.14, 0.1, 0.31)
    """In the order of `EMOTION_LABELS`."""

    def means(self, name: str) -> FloatArray:
        """Shape (7, 7): class means of a channel, each row sums to 0."""
        truth = self.channels[name]
        means = np.eye(CLASSES)
        for one, other, share in truth.confused:
            i, j = _LABELS.index(one), _LABELS.index(other)
            middle = (means[i] + means[j]) / 2
            means[[i, j]] = (1 - share) * means[[i, j]] + share * middle
        return np.asarray(truth.separation * (means - means.mean(axis=1, keepdims=True)))

    def correlation(self) -> FloatArray:
        """Shape (c, c): of the noise between channels."""
        shared = np.array([truth.shared for truth in self.channels.values()])
        correlation = np.outer(shared, shared)
        np.fill_diagonal(correlation, 1.0)
        # A drift that is not known is more noise of the channel's own.
        return np.asarray(correlation + np.diag([truth.drift**2 for truth in self.channels.values()]))


# What the assistant's channels are believed to be like; there are no labelled recordings that it could be measured on.
# Words say what is felt, when they say anything; expression networks take neutral for sad and fear for surprise
# (FER-2013's known confusions); prosody tells excited from calm and little else.
ASSISTANT = World(
    channels={
        "face": ChannelTruth(
            separation=5.0,
            confused=(("sad", "neutral", 0.35), ("fear", "surprise", 0.4), ("angry", "disgust", 0.4)),
            reliability=0.92,
            doubt=0.6,
            overconfidence=1.5,
            shared=0.35,
            quality=(0.1, 0.95),
        ),
        "voice": ChannelTruth(
            separation=3.6,
            confused=(("angry", "happy", 0.75), ("fear", "happy", 0.6), ("sad", "neutral", 0.5)),
            reliability=0.8,
            doubt=0.4,
            overconfidence=1.6,
            shared=0.45,
            quality=(0.1, 0.6),
        ),
        "text": ChannelTruth(
            separation=5.5,
            confused=(("angry", "disgust", 0.3), ("sad", "fear", 0.3)),
            reliability=0.98,
            doubt=0.9,
            overconfidence=1.3,
            shared=0.1,
            present=0.5,
            quality=(0.3, 0.95),
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Moments:
    """n moments with their truth. Rows may belong to sessions, in order."""

    evidence: EmotionEvidence
    truth: IntArray
    """Shape (n,)."""
    seen: FloatArray
    """Shape (n, c, 7): x of each channel, for `export.train.bayes` only."""
    extra: Mapping[str, FloatArray] = field(default_factory=dict)


def draw(
    world: World, n: int, seed: int, *, all_present: bool = False, drift: Mapping[str, FloatArray] | None = None
) -> Moments:
    """`n` independent moments. `drift` adds a known offset, shape (7,), to a channel: what comes after training."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(CLASSES, n, p=world.prior)
    ranges = np.array([channel.quality for channel in world.channels.values()])
    quality = rng.uniform(ranges[:, 0], ranges[:, 1], (n, len(ranges)))
    # Half of the reports are fresh; the others' ages run to three half-lives.
    half_lives = np.where(rng.random(quality.shape) < 0.5, 0.0, rng.uniform(0.0, 3.0, quality.shape))
    present = rng.random(quality.shape) < [channel.present for channel in world.channels.values()]
    if all_present:
        present[:] = True
    # Who says nothing has nothing to be fused: someone always reports.
    silent = ~present.any(axis=1)
    present[silent, rng.integers(0, present.shape[1], int(silent.sum()))] = True
    noise = draw_noise(world, rng, n)
    return observe(world, truth, quality, half_lives, present, noise, rng, drift or {})


def draw_noise(world: World, rng: np.random.Generator, n: int) -> FloatArray:
    """Shape (n, c, 7): correlated between channels, each row summing to 0."""
    shared = np.array([truth.shared for truth in world.channels.values()])[None, :, None]
    offsets = np.array([truth.drift for truth in world.channels.values()])[None, :, None]
    own, common, moved = (rng.standard_normal((n, c, CLASSES)) for c in (shared.size, 1, shared.size))
    noise = np.sqrt(1.0 - shared**2) * own + shared * common + offsets * moved
    return np.asarray(noise - noise.mean(axis=-1, keepdims=True))


def observe(
    world: World,
    truth: IntArray,
    quality: FloatArray,
    half_lives: FloatArray,
    present: npt.NDArray[np.bool_],
    noise: FloatArray,
    rng: np.random.Generator,
    drift: Mapping[str, FloatArray],
) -> Moments:
    """What the channels see and report of `truth`, shape (n,)."""
    n = len(truth)
    seen = np.empty((n, len(world.channels), CLASSES))
    reported = np.empty_like(seen)
    for c, (name, channel) in enumerate(world.channels.items()):
        means = world.means(name)
        about_it = rng.random(n) < channel.about_it(quality[:, c], half_lives[:, c])
        subject = np.where(about_it, truth, rng.choice(CLASSES, n, p=world.prior))
        x = means[subject] + noise[:, c] / np.sqrt(quality[:, c, None]) + drift.get(name, np.zeros(CLASSES))
        seen[:, c] = x
        reported[:, c] = report(channel, means, x)
    return Moments(EmotionEvidence(reported, quality, half_lives, present), truth, seen)


def report(channel: ChannelTruth, means: FloatArray, x: FloatArray) -> FloatArray:
    """The probabilities, shape (n, 7), that a channel gives for what it sees, shape (n, 7)."""
    logits = channel.overconfidence * (x @ means.T - 0.5 * np.square(means).sum(axis=1))
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    powers = powers / powers.sum(axis=-1, keepdims=True)
    # As the assistant's channels do (`assistant.emotion.affect.distribution`): no class is ruled out.
    return np.asarray((powers + FLOOR) / (1.0 + FLOOR * CLASSES))
