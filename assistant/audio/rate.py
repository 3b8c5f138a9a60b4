"""Whether a microphone's samples come at the right rate, however unevenly they come.

A device that runs at the wrong rate is wrong all the time. One that was held up, because it was just opened, or the
machine or its sound server was busy, delivers what it kept in a burst and is right again afterwards: catching up is not
a double rate. So the time is cut into parts, and a rate counts as wrong only if it was in each of the newest ones.
"""

from __future__ import annotations

from collections import deque

_PARTS = 4
_PART_S = 0.6
_LOOK_S = 0.4
"""Time over which a rate that is right, or wrong by a factor of two, shows."""

_BOUNDS = (0.75, 1.4)
"""Samples that came over those that should have. Block sizes and drivers' clocks explain a tenth; a stream that is
played at the wrong rate is off by a factor of two or more, sometimes by 44.1 : 48."""

_GAP_S = 0.5
"""Frames that lie further apart say nothing about the rate: the process or the sound server was stopped."""


class RateMeter:
    """Measures one stream of samples that should come at `rate_hz`."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._dropped = 0
        self.restart()

    def restart(self) -> None:
        """What was measured so far does not count."""
        self._seen_right = False
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._shares: deque[float] = deque(maxlen=_PARTS)
        self._part_began_s: float | None = None
        self._part_samples = 0
        self._last_at_s = 0.0

    def note(self, at_s: float, samples: int, dropped: int) -> None:
        """`samples` arrived at `at_s`; `dropped` counts the frames lost so far, over which nothing can be measured."""
        if dropped != self._dropped or at_s - self._last_at_s > _GAP_S:
            self._begin_anew()
            self._dropped = dropped
        self._last_at_s = at_s
        if self._part_began_s is None:
            self._part_began_s = at_s  # these samples came before it
            return
        self._part_samples += samples
        seconds = at_s - self._part_began_s
        share = self._part_samples / max(seconds * self._rate_hz, 1.0)
        if seconds >= _LOOK_S and _BOUNDS[0] < share < _BOUNDS[1]:
            self._seen_right = True
        if seconds >= _PART_S:
            self._shares.append(share)
            self._part_began_s, self._part_samples = at_s, 0

    @property
    def seen_right(self) -> bool:
        """Whether the rate was right for a while since the start: the first sign that it is."""
        return self._seen_right

    @property
    def known(self) -> bool:
        """Whether it was measured for long enough."""
        return len(self._shares) == _PARTS

    def wrong_hz(self) -> float | None:
        """The rate, if it is known to be wrong; None otherwise."""
        lowest, highest = _BOUNDS
        if not self.known or (min(self._shares) < highest and max(self._shares) > lowest):
            return None
        return self._rate_hz * sum(self._shares) / _PARTS
