"""Whether what is left of a frame is more than echo.

Two bounds on the echo are learned, a band at a time: what the learned path has left over so far, and how loud the echo
of what is played has been at most, wherever in time it is. Whoever exceeds either is someone else, and so is, before
anything was learned, whoever is louder than an echo can be at any delay (`echo_delays`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from assistant.audio import FRAME_SAMPLES
from assistant.audio.echo_bands import BANDS, LOOK_AHEAD, TINY, Bands, FramePowers, db, excess_db, with_distortion
from assistant.audio.echo_beginning import Beginning
from assistant.audio.echo_delays import REVERBERATION, Delays, Moment
from assistant.audio.echo_filter import restore
from assistant.audio.echo_reference import LATEST

_WIDTH = (LOOK_AHEAD + LATEST) // FRAME_SAMPLES + 5
"""Frames in which what is played may be heard now, with some reverberation."""
_AUDIBLE = np.float32(6.0)
"""What is this much above the noise is sound."""
_LEARNING_FRAMES = 20
"""Echo that must have been heard before anything but silence is let through."""
_WELL_FRAMES = 300
"""Echo in a band after which the path is as good as learning from it again makes it."""
_A_LITTLE_FRAMES = 60
"""Enough for that, by learning from 15 again and again."""
_LOUDER_DB = 9.0
"""By how much a band's echo may exceed the loudest so far: a harmonic may hit a resonance that none did before."""
_MOST_LOUDER_DB = 12.0
"""By how much it may exceed what is usual at the delay where the echo can be loudest."""
_UNKNOWN_DB = 40.0
"""No echo is this much louder than what is played."""
_FORGET_DB = 0.005
"""By how much a frame of playing lowers the loudest echo so far: the volume may have been turned down."""
_BAND_FRAMES = 10
"""The same for a single band."""
_SILENT_COUNTS = 0.25
"""What a frame without echo counts for while something is played: there may be none, as with a headset."""
_SHARE_AUDIBLE = 0.4
"""Share of the bands in which sound makes a frame one with sound."""
_UNHEARD_FRAMES, _UNHEARD_SHARE = 40, 0.1
"""Frames of a reply over which sound is counted, and the share with sound up to which nothing of the reply is heard:
that of somebody's first sounds, or of a passing noise."""
_PROOF_FRAMES = 6
"""Frames that a chunk's alignment must have explained before what it leaves counts as someone else."""
_EXPLAINED, _UNEXPLAINED = 0.5, 1.5
"""Mean excess over the bound of what the path leaves, in dB."""
_FAR_UNEXPLAINED = 3.0
"""The same for a chunk that was found but has explained little yet."""
_SETTLING_FRAMES = 6
"""Frames after a change of the alignment in which the old one still shows."""
MOSTLY_REMOVED = 0.25
"""A chunk that was not found yet is where it is expected if subtracting its echo leaves less than this."""
_MOSTLY_LEFT = 0.8
"""Share of a frame that is left where somebody is louder than the echo; a path that has changed rarely leaves it."""
_ADDED_DB = 30.0
"""How far under the loudest band a small speaker's distortion may be in the others: three percent of the amplitude."""
_UNLIKE_ANY = 3.0
"""Mean excess over what an echo can be at any delay, in dB."""
_MUCH_LOUDER = 3.0
"""Mean excess over the bound of the level, in dB."""

_Closest: TypeAlias = Callable[[], FramePowers]


class Evidence:
    """Judges frame by frame; what it learned stays from reply to reply."""

    def __init__(self) -> None:
        self._left_db: Bands = np.zeros(BANDS, np.float32)
        self._left_spread_db: Bands = np.full(BANDS, 6.0, np.float32)
        self._left_frames = np.zeros(BANDS, np.float32)
        self._loudest_db = np.full(BANDS, -90.0, np.float32)
        self._loudest_frames = np.zeros(BANDS, np.float32)
        self._tail = np.full(BANDS, TINY, np.float32)
        self._noise: Bands | None = None
        self._played: deque[Bands] = deque(maxlen=_WIDTH)
        self._delays = Delays()
        self._learned = 0.0
        self._playing_frames, self._heard_share = 0, 0.0
        """Frames of this reply in which something was played, and the share of them with sound, lately."""
        self._proof = 0
        self._settled_frames = 0
        self._beginning = Beginning()
        self._suspicious = False
        """Whether someone was suspected in this reply."""
        self.suspected = False
        """Whether the frame that was judged last is someone else's if the path is what it was before this reply."""
        self.moment: Moment | None = None
        """The frame that was judged last, for hindsight."""

    @property
    def experienced(self) -> bool:
        """Whether the level of the echo is known, so that someone else can be told from it at once."""
        return self._learned > _LEARNING_FRAMES

    @property
    def path_known(self) -> bool:
        """Whether it is known how much the path leaves."""
        return bool(self._left_frames.max() > _LEARNING_FRAMES)

    @property
    def path_learned_well(self) -> bool:
        """Whether so much echo was learned from that it need not be learned from again."""
        return bool(self._left_frames.max() > _WELL_FRAMES)

    @property
    def path_learned_a_little(self) -> bool:
        """Whether it leaves next to nothing of the echo that it has heard."""
        return bool(self._left_frames.max() > _A_LITTLE_FRAMES)

    @property
    def trusted(self) -> bool:
        """Whether the path is what it was before this reply, by what was heard of it."""
        return self._beginning.trusted

    @property
    def experienced_frames(self) -> float:
        """Frames of echo that were learned from; 0 while that is too little to judge by."""
        return self._learned if self.experienced else 0.0

    def learned(self) -> dict[str, npt.NDArray[np.float32]]:
        """What does not depend on how late the echo comes, as views, for `recall`."""
        return {
            "left_db": self._left_db,
            "left_spread_db": self._left_spread_db,
            "left_frames": self._left_frames,
            "loudest_db": self._loudest_db,
            "loudest_frames": self._loudest_frames,
            "frames": np.array(self._learned, np.float32),
        }

    def recall(self, learned: Mapping[str, npt.NDArray[np.float32]]) -> None:
        """Know what another one had learned. Raises `ValueError` or `KeyError` when it is no such thing."""
        for name, values in self.learned().items():
            restore(values, learned[name])
        self._learned = float(learned["frames"])

    @property
    def unheard(self) -> bool:
        """Whether nothing of this reply reaches the microphone, as with a headset."""
        return self._playing_frames >= _UNHEARD_FRAMES and self._heard_share < _UNHEARD_SHARE

    def begin(self) -> None:
        """A chunk begins of which nobody knows how late it is heard."""
        self.doubt()
        self._beginning.begin()
        self._suspicious = False

    def doubt(self) -> None:
        """The alignment was changed, or may be wrong from now on."""
        self._proof = 0
        self._settled_frames = 0
        self._delays.forget()

    def join(self) -> None:
        """Another chunk is heard where the one before was found, or one where it was expected: from here on what was
        played is seen at another delay."""
        self._delays.forget()

    def restart(self) -> None:
        """Time has passed in which nothing was looked at."""
        self._played.clear()
        self._playing_frames, self._heard_share = 0, 0.0
        self._delays = Delays()
        self._tail[:] = TINY

    def foreign(
        self, powers: FramePowers, closest: _Closest | None, *, aligned: bool, begun: bool, open_gate: bool
    ) -> bool:
        """Whether someone else than the assistant is heard, as far as is known; learns from the frame.

        `closest` gives the powers with the echo at the delay that explains most, by the path as it was known before the
        reply; it is None if none was. `aligned` tells that the chunk that may be heard was found in the microphone's
        sound, `begun` that it is what is heard if it is where it is expected. While someone else is being heard
        (`open_gate`) it learns slowly.
        """
        np.maximum(with_distortion(powers.predicted), self._tail * REVERBERATION, out=self._tail)
        self._played.append(with_distortion(powers.played))
        self._delays.play(powers.played)
        floor = _AUDIBLE * self._noise_under(powers.heard)
        possible_db = db(np.max(np.stack(self._played), axis=0))
        expected_db, floor_db = db(self._tail), db(floor)
        # A band in which next to nothing was played so far proves nothing while something is played in it.
        loudest_db = np.where(self._loudest_frames < _BAND_FRAMES, _UNKNOWN_DB, self._loudest_db + _LOUDER_DB)
        self.moment = self._delays.now(powers.heard, floor_db)
        unexplained_db = self._delays.unexplained_db(powers.heard, floor_db)
        level_excess = float(excess_db(powers.heard, possible_db + loudest_db, floor_db))
        left_excess = float(excess_db(powers.residual, self._left_at_most_db(expected_db), floor_db))
        if possible_db.max() > -60.0:
            audible = bool((powers.heard > floor).mean() > _SHARE_AUDIBLE)
            self._learned += 1.0 if audible else _SILENT_COUNTS
            self._playing_frames += 1
            self._heard_share += (audible - self._heard_share) / min(self._playing_frames, _UNHEARD_FRAMES)
        self._settled_frames += 1
        known = self.path_known
        removed = powers.residual.sum() < MOSTLY_REMOVED * powers.heard.sum()
        if known and (aligned or (begun and removed)):
            self._prove(left_excess, float((self._tail > floor).mean()))
        self._learn_loudest(powers.heard, floor, possible_db, open_gate or unexplained_db > _EXPLAINED)
        if aligned:
            self._learn_left(powers.residual, self._tail > floor, expected_db, open_gate)
        by_level = self.experienced and level_excess > _MUCH_LOUDER
        proven = self._proof >= _PROOF_FRAMES
        found = aligned and not removed and self._settled_frames > _SETTLING_FRAMES
        by_path = known and proven and left_excess > _UNEXPLAINED
        by_found = known and found and left_excess > _FAR_UNEXPLAINED
        explained = known and aligned and (removed or left_excess < _EXPLAINED)
        unlike_any = unexplained_db > _UNLIKE_ANY and not explained
        foreign = unlike_any or by_level or by_path
        self.suspected = False
        if closest is None:
            return foreign or by_found
        return self._is_no_delayed_echo(foreign, by_found, closest, floor_db)

    def _is_no_delayed_echo(self, foreign: bool, by_found: bool, closest: _Closest, floor_db: Bands) -> bool:
        """Whether it is someone else, by the known path at any delay: a chunk may not lie where it was found to the
        fraction of a sample, and until it was found nothing else can tell."""
        suspected, unproven = False, self._proof < _PROOF_FRAMES
        if not self._beginning.over and (unproven or (self._suspicious and not self.trusted)):
            powers = closest()
            excess = self._beginning.unexplained_db(powers, self._left_bound_db(), floor_db)
            suspected = unproven and excess > _UNEXPLAINED
        elif foreign or by_found:
            powers = closest()
            expected_db = db(np.maximum(with_distortion(powers.predicted), self._tail))
            excess = float(excess_db(powers.residual, self._left_at_most_db(expected_db), floor_db))
        else:
            return False
        # What is left where the chunk was found may be what a path that has changed makes of it.
        mostly_left = powers.residual.sum() > _MOSTLY_LEFT * powers.heard.sum()
        foreign = foreign or (by_found and (mostly_left or self.trusted or self._beginning.over))
        certain = (foreign and excess > _EXPLAINED) or (suspected and self.trusted)
        self.suspected = suspected and not certain
        self._suspicious = self._suspicious or self.suspected
        return certain

    def learn_again(self, powers: FramePowers) -> None:
        """What the path leaves of an echo that was judged before."""
        predicted = with_distortion(powers.predicted)
        floor = _AUDIBLE * (powers.heard if self._noise is None else self._noise)
        self._learn_left(powers.residual, predicted > floor, db(predicted), open_gate=False)

    def _left_bound_db(self) -> Bands:
        """The most that the path leaves, over what it predicts."""
        few = np.where(self._left_frames < 12, 15.0, 0.0)
        return np.asarray(self._left_db + 2.0 * self._left_spread_db + few, np.float32)

    def _left_at_most_db(self, expected_db: Bands) -> Bands:
        """The most that may be left of an echo: no path predicts what a small speaker adds to it."""
        added_db = expected_db.max() - _ADDED_DB
        return np.asarray(np.maximum(expected_db + self._left_bound_db(), added_db), np.float32)

    def _noise_under(self, heard: Bands) -> Bands:
        """The room's noise: follows a quieter moment fast, a louder room slowly."""
        noise = heard if self._noise is None else self._noise
        followed: Bands = np.where(heard < noise, noise * (heard / noise) ** 0.2, noise * 1.002).astype(np.float32)
        self._noise = followed
        return followed

    def _prove(self, left_excess: float, share_audible: float) -> None:
        if share_audible > _SHARE_AUDIBLE and left_excess < _EXPLAINED:
            self._proof += 1
        elif left_excess > _UNEXPLAINED and self._proof < _PROOF_FRAMES:
            self._proof = max(0, self._proof - 2)

    def _learn_loudest(self, heard: Bands, floor: Bands, possible_db: Bands, doubtful: bool) -> None:
        ratio = db(heard) - possible_db
        played = possible_db > max(-70.0, float(possible_db.max()) - 40.0)
        # What cannot be told from noise is no echo.
        audible = heard > floor
        rise = np.where(self._loudest_frames < _BAND_FRAMES, 0.7, 0.02 if doubtful else 0.5)
        change = np.where(audible & (ratio > self._loudest_db), rise * (ratio - self._loudest_db), -_FORGET_DB)
        self._loudest_db += np.where(played, change, 0.0).astype(np.float32)
        # Someone else's voice taken for echo, before anything told them apart, is unlearned.
        np.minimum(self._loudest_db, self._delays.most_db() + _MOST_LOUDER_DB, out=self._loudest_db)
        self._loudest_frames += np.where(played, np.where(audible, 1.0, _SILENT_COUNTS), 0.0).astype(np.float32)

    def _learn_left(self, residual: Bands, audible: npt.NDArray[np.bool_], expected_db: Bands, open_gate: bool) -> None:
        news = np.clip(db(residual) - expected_db - self._left_db, -15.0, 2.0 * self._left_spread_db)
        rate = np.where(audible, np.maximum(1.0 / (self._left_frames + 2.0), 0.02) * (0.1 if open_gate else 1.0), 0.0)
        self._left_db += (rate * news).astype(np.float32)
        # The mean deviation of a normal distribution is 0.8 of the standard deviation.
        spread = self._left_spread_db + rate * (1.25 * np.abs(news) - self._left_spread_db)
        self._left_spread_db[:] = np.maximum(2.0, spread)
        self._left_frames += audible
