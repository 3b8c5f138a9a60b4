"""The frames of which nobody knows yet whether they are more than echo: withheld, and given once that is known.

What is given is behind the gate. Where more was heard than echo, the frames in which that person began are let through,
too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np

from assistant.audio import FRAME_SAMPLES
from assistant.audio.echo_delays import Moment
from assistant.audio.echo_evidence import MOSTLY_REMOVED, Evidence
from assistant.audio.echo_gate import Gate
from assistant.audio.echo_hindsight import SOMEONE_FRAMES, someone_else, unlike_path
from assistant.events import AudioArray, AudioFrame

_FEW_FRAMES, _MANY_FRAMES = 3, 8
"""Withheld frames with evidence of someone else that release all: where no more will be known of them, and in the first
reply ever."""
_WITHHELD_FRAMES = 40
"""Frames that are withheld at most: by then it is known how late the echo comes, or that there is none."""
_LOOK_BACK_FRAMES = 4
"""Frames between two looks at what was withheld, by the path as it is known by then."""
_NEWEST_FRAMES = 8
"""Of those, the last ones that were not learned from often enough yet to be judged."""
_CERTAIN_FRAMES = 2
"""Frames with evidence of someone else, of another kind than suspicion, that end the withholding in a known room: with
one, people are heard no sooner to speak of, and self-triggers double where something was moved."""
_ONSET_FRAMES = 4
"""Frames before those with evidence of someone else in which they begin."""


@dataclass(frozen=True, slots=True)
class _Frame:
    """A frame of which nobody knows yet whether it is more than echo."""

    frame: AudioFrame
    heard: AudioArray
    """Its sound before anything was taken out, (512,)."""
    first: int
    """Its first sample on the time line."""
    moment: Moment
    foreign: bool
    """Whether it was more as far as was known then."""
    suspected: bool
    """Whether it was more if the path is as it was before this reply."""


class Withheld:
    """Judges them by the evidence, and by the path as it is known by then."""

    def __init__(self, evidence: Evidence, share_left: Callable[[AudioArray, int], float]) -> None:
        """`share_left` tells how much of the power of what was heard, (512,) from a sample on, the path leaves."""
        self._evidence = evidence
        self._share_left = share_left
        self._gate = Gate()
        self._frames: list[_Frame] = []
        self.decided = False
        """Whether nothing needs to be withheld any more."""

    @property
    def gate_is_open(self) -> bool:
        """Whether the next frame is let through without evidence, too."""
        return self._gate.is_open

    def judge_by(self, evidence: Evidence, *, decided: bool) -> None:
        """From now on this is the evidence."""
        self._evidence, self.decided = evidence, decided

    def forget(self) -> None:
        """What is withheld is not heard."""
        self._frames, self._gate = [], Gate()

    def add(self, cleaned: AudioFrame, heard: AudioArray, first: int, *, foreign: bool) -> None:
        """Withhold a frame that the evidence has just judged, unless that is not needed."""
        suspected = self._evidence.suspected
        if not self.decided or self._frames or suspected:
            assert self._evidence.moment is not None
            self._frames.append(_Frame(cleaned, heard, first, self._evidence.moment, foreign, suspected))

    def consecutive(self) -> Iterator[tuple[AudioArray, int]]:
        """What was heard in each frame and the one before, (1024,), and one past its last sample."""
        for before, frame in pairwise(self._frames):
            yield np.concatenate([before.heard, frame.heard]), frame.first + FRAME_SAMPLES

    def give(self, frame: AudioFrame, *, foreign: bool) -> list[AudioFrame]:
        """The frame behind the gate. Nothing for a while, where something is withheld, until someone else was in it or
        it is certain that there was nobody."""
        if self.decided and not self._frames:
            return [self._gate.let_through(frame, foreign=foreign)]
        if len(self._frames) == _WITHHELD_FRAMES or (self.decided and self._evidence.trusted):
            return self.rest()
        return self._release_someone(_CERTAIN_FRAMES if self.decided else _MANY_FRAMES)

    def rest(self) -> list[AudioFrame]:
        """All that is withheld: no more will be known of it."""
        released = self._release_someone(_FEW_FRAMES)
        self.decided = self.decided or self._evidence.experienced
        return released or self._release()

    def _release_someone(self, least: int) -> list[AudioFrame]:
        """All that was withheld, if someone else was heard in it: by hindsight, or in `least` frames at the time."""
        if not self._frames:
            return []
        known = [number for number, frame in enumerate(self._frames) if self._is_foreign(frame)]
        heard = [] if self.decided else self._someone_by_hindsight()
        if not heard and len(known) >= least:
            heard = known
        unexplained = (number for number in heard if not self._is_echo(self._frames[number]))
        enough = min(SOMEONE_FRAMES, least)
        if len(list(islice(unexplained, enough))) < enough:
            return []
        begin = heard[0]
        while begin and self._frames[begin - 1].suspected:
            begin -= 1
        self.decided, first = True, max(0, begin - _ONSET_FRAMES)
        return [*self._release(first), *self._release(heard[-1] + 1 - first, foreign=True), *self._release()]

    def _someone_by_hindsight(self) -> list[int]:
        """The frames in which somebody else was, by number."""
        moments = [frame.moment for frame in self._frames]
        heard = someone_else(moments)
        if heard or not self._evidence.path_learned_a_little or len(moments) % _LOOK_BACK_FRAMES:
            return heard
        learned = self._frames[:-_NEWEST_FRAMES]
        shares_left = [self._share_left(frame.heard, frame.first) for frame in learned]
        return unlike_path(moments[:-_NEWEST_FRAMES], shares_left)

    def _is_foreign(self, frame: _Frame) -> bool:
        """Whether it was more than echo, as far as was known then or can be told since."""
        return frame.foreign or (frame.suspected and self._evidence.trusted)

    def _is_echo(self, frame: _Frame) -> bool:
        """Whether the path as it is known by now explains most of what was heard, when it was not known yet."""
        return self._share_left(frame.heard, frame.first) < MOSTLY_REMOVED

    def _is_someone(self, frame: _Frame) -> bool:
        return self._is_foreign(frame) and not self._is_echo(frame)

    def _release(self, count: int | None = None, *, foreign: bool = False) -> list[AudioFrame]:
        """The first `count` of the frames, all by default, behind the gate."""
        count = len(self._frames) if count is None else count
        released, self._frames = self._frames[:count], self._frames[count:]
        return [self._gate.let_through(frame.frame, foreign=foreign or self._is_someone(frame)) for frame in released]
