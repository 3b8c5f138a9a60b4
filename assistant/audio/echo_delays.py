"""Whether what is heard can be an echo of what is played at all, whatever its delay.

An echo at a given delay is never fainter than its path makes it, however much someone else adds to it. So the quietest
moments in which that delay would have been heard tell how loud its echo can be at most, and a sound that is louder than
every delay allows is someone else. This needs nothing learned before, and nobody's speech can teach it wrong for long.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from assistant.audio import FRAME_SAMPLES
from assistant.audio.echo_bands import BANDS, LOOK_AHEAD, TINY, Bands, db, excess_db, with_distortion
from assistant.audio.echo_reference import LATEST

REVERBERATION = np.float32(0.6)
"""Least decay of the reverberation in a frame: that of 0.9 s to -60 dB."""
_DELAYS = -(-(LOOK_AHEAD + LATEST) // FRAME_SAMPLES)
"""Delays that are told apart, a frame each, from the earliest on."""
_FALL, _RISE = 0.3, 0.1
"""How fast the gain of a delay follows a quieter moment, and a louder one."""
RIPPLE_DB = 9.0
"""By how much an echo varies about that from frame to frame: harmonics hit the room's resonances and miss them."""
_FRAMES = 3
"""Frames of playing that tell something about a delay's gain in a band."""
_LEAST_DB, _RANGE_DB = -70.0, 40.0
"""What is played fainter than this, or so much fainter than the loudest band, tells nothing."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What is to be judged of one frame."""

    heard: Bands
    played: npt.NDArray[np.float32]
    """What was played as it would be heard at each delay, (delays, 18)."""
    tails: npt.NDArray[np.float32]
    """The same with its reverberation."""
    floor_db: Bands
    """Up to there it may be the room's noise."""


class Delays:
    """How loud the echo can be at each delay; knows nothing of what is played before it was made."""

    def __init__(self) -> None:
        self._played = np.full((_DELAYS, BANDS), TINY, np.float32)
        self._tails = self._played.copy()
        self._gain_db = np.zeros((_DELAYS, BANDS), np.float32)
        self._frames = np.zeros((_DELAYS, BANDS), np.int64)

    def forget(self) -> None:
        """From now on the delay may be another one; at none is the echo louder than it could be at the
        worst of them so far."""
        most_db = self.most_db()
        known = np.isfinite(most_db)
        self._gain_db[:] = np.where(known, most_db, 0.0)
        self._frames[:, ~known] = 0

    def play(self, power: Bands) -> None:
        """The next frame that is played, `LOOK_AHEAD` later than what is heard."""
        self._played[1:], self._tails[1:] = self._played[:-1].copy(), self._tails[:-1].copy()
        self._played[0] = with_distortion(power)
        self._tails[0] = np.maximum(self._played[0], REVERBERATION * self._tails[1])

    def now(self, heard: Bands, floor_db: Bands) -> Moment:
        """What is heard, with what was played."""
        return Moment(heard, self._played.copy(), self._tails.copy(), floor_db)

    def unexplained_db(self, heard: Bands, floor_db: Bands) -> float:
        """By how much `heard` exceeds echo and noise, on average over the bands, at the delay that explains most
        of it; learns from it."""
        known = self._frames >= _FRAMES
        bound_db = np.where(known, self._gain_db + db(self._tails) + RIPPLE_DB, np.inf)
        unexplained = float(excess_db(heard, bound_db, floor_db).min())
        self._learn(heard)
        return unexplained

    def most_db(self) -> Bands:
        """The echo's gain in each band at the delay where it can be loudest, (18,); infinite while there is one about
        which nothing is known."""
        gain_db: Bands = np.where(self._frames >= _FRAMES, self._gain_db, np.inf).max(axis=0)
        return gain_db

    def _learn(self, heard: Bands) -> None:
        tells = telling(self._played, self._tails)
        news = db(heard) - db(self._played) - self._gain_db
        rate = np.where(self._frames == 0, 1.0, np.where(news < 0.0, _FALL, _RISE))
        self._gain_db += np.where(tells, rate * news, 0.0).astype(np.float32)
        self._frames += tells


def telling(played: npt.NDArray[np.float32], tails: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """Where what is heard tells about a delay, (..., delays, 18)."""
    played_db = db(played)
    loudest_db = played_db.max(axis=(-2, -1), keepdims=True)
    # Where reverberation of earlier sound prevails, the ratio says nothing about this one.
    tells: npt.NDArray[np.bool_] = (played > 0.5 * tails) & (played_db > np.maximum(_LEAST_DB, loudest_db - _RANGE_DB))
    return tells
