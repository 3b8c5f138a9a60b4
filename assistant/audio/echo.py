"""The guard against hearing oneself: on open speakers the microphone hears the assistant's own voice.

    microphone ──┬────────────────────────► minus ─ residual ─► gate ─► voice-activity detector
                 │ alignment                  ▲                  ▲
    played ──────┴──► on the microphone's ─► learned path        │
                      time line              (echo_filter)  evidence: more than echo?

The gate gives silence while all that is heard can be the echo of what is played, and the residual when it is more.
At a chunk's beginning, while all that is heard may be its late echo, nothing but what was learned from earlier ones can
tell (`echo_beginning`): in the first reply ever of these devices, the frames of that time, half a second of sound that
is no silence, are withheld until it is known; in later ones, from the first that no echo explains until the path has
proved to be what it was. An echo canceller of the sound server is the better choice where there is one; this is for
machines without.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from assistant.audio.echo_alignment import Alignment
from assistant.audio.echo_bands import LOOK_AHEAD, FramePowers
from assistant.audio.echo_beginning import most_of
from assistant.audio.echo_delays import Moment
from assistant.audio.echo_evidence import MOSTLY_REMOVED, Evidence
from assistant.audio.echo_filter import BLOCK, LENGTH, EchoPath
from assistant.audio.echo_gate import Gate
from assistant.audio.echo_hindsight import SOMEONE_FRAMES, someone_else, unlike_path
from assistant.audio.echo_reference import EARLIEST, FORGOTTEN, LATEST, PlayedChunk, PlayedReference, excerpt
from assistant.audio.echo_relearning import PLAYED, Relearning
from assistant.audio.files import resample
from assistant.events import AudioArray, AudioFrame

_QUIET_S = 1.0
"""After this long without sound there is no echo."""
_STILL_HEARD_S = 0.3
"""How long after playback was stopped its sound may still reach the microphone."""
_LOST_S = 0.15
"""The microphone's clock is trusted until it is this far off its count of samples: then sound was lost."""
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
_EVIDENT_FRAMES, _EVIDENT_SOONER_S = 3, 0.064
"""So many frames in a row with evidence of someone else are no echo, in an hour of the assistant's speech: with a voice
in them they are a person's, two frames before noise is told from speech where nothing is played."""
_UNHEARD_SOONER_S = 0.032
_ABSENT = 0.1
"""An echo of which less than this share of the predicted power is heard has not come."""
_ABSENT_FRAMES = 70
"""While it has not come for fewer frames in a row, nothing is learned: a device that was held up goes on by then, or is
given up. After that it is another way, or a speaker turned down."""
_RATE_DIGITS = 1000
_MOST_PADDING = 8
"""Of the rates in use, 22.05 kHz meets 16 kHz least often."""


@dataclass(frozen=True, slots=True)
class _Withheld:
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


class EchoGuard:
    """Takes the assistant's own voice out of the microphone's sound. Not for use from two threads."""

    def __init__(self) -> None:
        self._reference = PlayedReference()
        self._alignment = Alignment()
        self._path = EchoPath()
        self._relearning = Relearning()
        self._known_response: AudioArray | None = None
        """The path as it was known when the reply began: it has not learned from what it is to judge."""
        self._evidence = Evidence()
        self._next: int | None = None
        self._heard = np.zeros(SAMPLE_RATE_HZ, np.float32)
        self._windows = np.zeros((4, 2 * FRAME_SAMPLES), np.float32)
        self._gate = Gate()
        self._absent_frames = 0
        """Frames in a row in which the echo did not come."""
        self._foreign_frames = 0
        """Frames in a row up to now with evidence of someone else."""
        self._withheld: list[_Withheld] = []
        self._decided = False
        """Whether nothing needs to be withheld any more."""
        self._speaker = ""
        self.forgotten = 0
        """How often it was told to forget what it had learned."""
        self.unheard_at_s = -math.inf
        """When it was last known that of something played nothing reaches the microphone."""
        self.evident_at_s = -math.inf
        """When somebody else was last evidently heard while something was played."""

    @property
    def sooner_s(self) -> float:
        """By how much less than usual is speech over a reply, for what is heard is known to be somebody else: each of
        the last frames was more than an echo, or nothing of the reply reaches the microphone."""
        if self._foreign_frames >= _EVIDENT_FRAMES:
            return _EVIDENT_SOONER_S
        return _UNHEARD_SOONER_S if self.unheard else 0.0

    @property
    def unheard(self) -> bool:
        """Whether something is played of which nothing reaches the microphone: what is heard is somebody else."""
        return self._next is not None and self._evidence.unheard

    @property
    def experienced_frames(self) -> float:
        """Frames of echo that were learned from; 0 while that is too little to judge by."""
        return self._evidence.experienced_frames

    def learned(self) -> dict[str, npt.NDArray[Any]]:
        """What was learned of the way from speaker to microphone, as views, for `recall`."""
        return {**self._path.learned(), **self._evidence.learned()}

    def recall(self, learned: Mapping[str, npt.NDArray[Any]]) -> None:
        """Know what was learned before. Raises `ValueError` or `KeyError`, and changes nothing, when it is no such
        thing."""
        path, evidence = EchoPath(), Evidence()
        path.recall(learned)
        evidence.recall(learned)
        self._path, self._evidence, self._decided = path, evidence, evidence.experienced

    def reference(self, heard_at_s: float, samples: AudioArray, sample_rate_hz: int, *, run: int | None = None) -> None:
        """A chunk begins to be heard, (n,) float32 as it leaves for the device, volume included.

        `heard_at_s` may be 150 ms off, and the sound may reach the microphone up to 250 ms later still; chunks of the
        same `run` are off by the same (see `assistant.ports.Onset`), so that where one was found tells where the next
        is.
        """
        drift, stated = self._alignment.drift, round(heard_at_s * SAMPLE_RATE_HZ)
        stretched_hz = round(SAMPLE_RATE_HZ * _RATE_DIGITS * (1.0 + drift))
        last = self._reference.last
        if last is not None and last.aligned and run is not None and last.run == run:
            onset = last.first + last.lead + (heard_at_s - last.stated_s) * SAMPLE_RATE_HZ * (1.0 + last.drift)
            padding, lead = _between_samples(onset, stretched_hz / (sample_rate_hz * _RATE_DIGITS))
            padded = np.concatenate([np.zeros(padding, np.float32), samples])
            at_16_khz = resample(padded, sample_rate_hz * _RATE_DIGITS, stretched_hz)
            first = round(onset - lead)
            self._reference.add(PlayedChunk(at_16_khz, stated, first, drift, run, heard_at_s, lead, aligned=True))
            self._evidence.join()
            return
        at_16_khz = resample(samples, sample_rate_hz * _RATE_DIGITS, stretched_hz)
        first = self._alignment.place(stated, self._reference.end)
        self._reference.add(PlayedChunk(at_16_khz, stated, first, drift, run, heard_at_s))
        self._evidence.begin()
        self._known_response = self._path.response() if self._evidence.path_known else None

    def play_through(self, speaker: str) -> None:
        """What is played comes from the speaker of this name from now on; from another one the way is another."""
        if self._speaker not in ("", speaker):
            self.forget()
        self._speaker = speaker

    def cut(self, at_s: float) -> None:
        """Playback was stopped: what was not heard by then will not be."""
        self._reference.cut(round((at_s + _STILL_HEARD_S) * SAMPLE_RATE_HZ))

    def forget(self) -> None:
        """Microphone or speaker may be another one: what was learned of the way between them need not hold any more,
        and what is withheld is not heard."""
        self._path, self._evidence, self._decided = EchoPath(), Evidence(), False
        self._relearning.forget()
        self._known_response = None
        self.forgotten += 1
        self.pause()

    def pause(self) -> None:
        """The microphone was closed, and the same one will be opened again: how late sound arrives may be another then,
        how loud it is will not. What is withheld is not heard."""
        self._reference.lose()
        self._alignment = Alignment()
        self._evidence.doubt()
        self._next, self._foreign_frames, self._gate = None, 0, Gate()
        self._withheld = []

    def clean(self, frame: AudioFrame) -> list[AudioFrame]:
        """The frame (512 samples, 16 kHz) without the assistant's voice: silence, unless someone else is heard.

        The very same frame when nothing was played within the last second. An empty list while that cannot be told;
        later they all come at once, in their order.
        """
        end = self._reference.end
        if end is None or frame.at_s - end / SAMPLE_RATE_HZ > _QUIET_S:
            self._next, self._foreign_frames = None, 0
            return [*self.rest(), frame]
        first = self._count(frame)
        self._heard = np.concatenate([self._heard[FRAME_SAMPLES:], frame.samples])
        chunk = self._reference.at(first - FRAME_SAMPLES, first + FRAME_SAMPLES)
        if chunk is not None:
            self._align(chunk, first)
        aligned = chunk is not None and chunk.aligned and not 0 < self._absent_frames < _ABSENT_FRAMES
        predicted = self._filter(frame.samples, first, learn=aligned)
        residual = frame.samples - predicted
        power = np.dot(frame.samples, frame.samples)
        self._absent_frames = self._absent_frames + 1 if power < _ABSENT * np.dot(predicted, predicted) else 0
        if np.dot(residual, residual) > power:
            # What was predicted did not come: better leave the frame as it is than add an echo to it.
            residual = frame.samples
        powers = self._powers(frame.samples, residual, predicted, first)
        begun = chunk is not None and first >= chunk.first
        known = self._known_response
        closest = None if chunk is None or known is None else partial(self._closest_powers, chunk, known, first)
        foreign = self._evidence.foreign(powers, closest, aligned=aligned, begun=begun, open_gate=self._gate.is_open)
        if aligned and not foreign and not self._gate.is_open:
            self._relearn(first)
        cleaned, suspected = replace(frame, samples=residual), self._evidence.suspected
        if not self._decided or self._withheld or suspected:
            assert self._evidence.moment is not None
            self._withheld.append(_Withheld(cleaned, frame.samples, first, self._evidence.moment, foreign, suspected))
        return self._give(cleaned, foreign=foreign)

    def _count(self, frame: AudioFrame) -> int:
        """The frame's first sample on the time line. Frames are counted, for their times jitter."""
        stated = round(frame.at_s * SAMPLE_RATE_HZ) - FRAME_SAMPLES
        first = self._next
        if first is None or abs(stated - first) > _LOST_S * SAMPLE_RATE_HZ:
            first = stated
            self._heard = np.zeros_like(self._heard)
            self._windows.fill(0.0)
            self._evidence.restart()
            self._refill(first)
        self._next = first + FRAME_SAMPLES
        self._reference.forget(first - FORGOTTEN)
        return first

    def _align(self, chunk: PlayedChunk, first: int) -> None:
        was_aligned = chunk.aligned
        moved = self._alignment.find(chunk, self._heard, first + FRAME_SAMPLES, self._path)
        if moved:
            self._relearning.forget()
            self._refill(first)
        if chunk.aligned and not was_aligned:
            played = self._reference.view(first + FRAME_SAMPLES - len(self._heard), len(self._heard))
            heard = self._heard[played != 0.0]
            self._path.expect(float(np.dot(heard, heard) / (np.dot(played, played) + 1e-9)))
            if not self._decided:
                self._relearn_withheld()
        if abs(moved) > 2:
            self._evidence.doubt()
        elif chunk.aligned and not was_aligned:
            self._evidence.join()

    def _relearn(self, first: int) -> None:
        """Learn again from the echo heard so far, with this frame, while it is little."""
        if self._evidence.path_learned_well:
            self._relearning.forget()
            return
        end = first + FRAME_SAMPLES
        if self._relearning.has_room:
            self._relearning.remember(self._heard[-2 * FRAME_SAMPLES :], self._reference.view(end - PLAYED, PLAYED))
        for powers in self._relearning.learn(self._path):
            self._evidence.learn_again(powers)
        self._refill(end)

    def _relearn_withheld(self) -> None:
        """Learn from what was heard before it was known how late the echo comes, too."""
        for before, withheld in pairwise(self._withheld):
            end = withheld.first + FRAME_SAMPLES
            heard = np.concatenate([before.heard, withheld.heard])
            self._relearning.remember(heard, self._reference.view(end - PLAYED, PLAYED))

    def _refill(self, first: int) -> None:
        self._path.refill(self._reference.view(first - LENGTH - BLOCK, LENGTH + BLOCK))

    def _filter(self, samples: AudioArray, first: int, *, learn: bool) -> AudioArray:
        """The echo in the frame, predicted block by block."""
        predicted = np.empty_like(samples)
        for begin in range(0, FRAME_SAMPLES, BLOCK):
            block = slice(begin, begin + BLOCK)
            predicted[block] = self._path.predict(self._reference.view(first + begin - BLOCK, 2 * BLOCK))
            if learn:
                self._path.adapt(samples[block] - predicted[block])
        return predicted

    def _powers(self, heard: AudioArray, residual: AudioArray, predicted: AudioArray, first: int) -> FramePowers:
        self._windows[:3, :FRAME_SAMPLES] = self._windows[:3, FRAME_SAMPLES:]
        self._windows[:3, FRAME_SAMPLES:] = heard, residual, predicted
        self._windows[3] = self._reference.stated_view(first - FRAME_SAMPLES + LOOK_AHEAD, 2 * FRAME_SAMPLES)
        return FramePowers.of(self._windows)

    def _closest_powers(self, chunk: PlayedChunk, response: AudioArray, first: int) -> FramePowers:
        """The same with the chunk's echo at the delay that explains most of the frame and the one before."""
        heard = self._heard[-2 * FRAME_SAMPLES :]
        since = first - FRAME_SAMPLES - chunk.stated - LATEST - LENGTH
        played = excerpt(chunk.samples, since, LENGTH + LATEST - EARLIEST + len(heard))
        echo = most_of(heard, played, response)
        return FramePowers.of(np.stack([heard, heard - echo, echo, self._windows[3]]))

    def _give(self, frame: AudioFrame, *, foreign: bool) -> list[AudioFrame]:
        """The frame behind the gate. Nothing for a while, where something is withheld, until someone else was in it or
        it is certain that there was nobody."""
        self._foreign_frames = self._foreign_frames + 1 if foreign and self._decided else 0
        if self._foreign_frames >= _EVIDENT_FRAMES:
            self.evident_at_s = frame.at_s
        if self.unheard:
            self.unheard_at_s = frame.at_s
        if self._decided and not self._withheld:
            return [self._gate.let_through(frame, foreign=foreign)]
        if len(self._withheld) == _WITHHELD_FRAMES or (self._decided and self._evidence.trusted):
            return self.rest()
        return self._release_someone(_CERTAIN_FRAMES if self._decided else _MANY_FRAMES)

    def rest(self) -> list[AudioFrame]:
        """All that is withheld: no more will be known of it."""
        released = self._release_someone(_FEW_FRAMES)
        self._decided = self._decided or self._evidence.experienced
        return released or self._release()

    def _release_someone(self, least: int) -> list[AudioFrame]:
        """All that was withheld, if someone else was heard in it: by hindsight, or in `least` frames at the time."""
        if not self._withheld:
            return []
        known = [number for number, withheld in enumerate(self._withheld) if self._is_foreign(withheld)]
        heard = [] if self._decided else self._someone_by_hindsight()
        if not heard and len(known) >= least:
            heard = known
        unexplained = (number for number in heard if not self._is_echo(self._withheld[number]))
        enough = min(SOMEONE_FRAMES, least)
        if len(list(islice(unexplained, enough))) < enough:
            return []
        begin = heard[0]
        while begin and self._withheld[begin - 1].suspected:
            begin -= 1
        self._decided, first = True, max(0, begin - _ONSET_FRAMES)
        return [*self._release(first), *self._release(heard[-1] + 1 - first, foreign=True), *self._release()]

    def _someone_by_hindsight(self) -> list[int]:
        """The frames that were withheld in which somebody else was, by number."""
        moments = [withheld.moment for withheld in self._withheld]
        heard = someone_else(moments)
        if heard or not self._evidence.path_learned_a_little or len(moments) % _LOOK_BACK_FRAMES:
            return heard
        learned = self._withheld[:-_NEWEST_FRAMES]
        return unlike_path(moments[:-_NEWEST_FRAMES], [self._share_left(withheld) for withheld in learned])

    def _is_foreign(self, withheld: _Withheld) -> bool:
        """Whether it was more than echo, as far as was known then or can be told since."""
        return withheld.foreign or (withheld.suspected and self._evidence.trusted)

    def _is_someone(self, withheld: _Withheld) -> bool:
        return self._is_foreign(withheld) and not self._is_echo(withheld)

    def _is_echo(self, withheld: _Withheld) -> bool:
        """Whether the path as it is known by now explains most of what was heard, when it was not known yet."""
        return self._share_left(withheld) < MOSTLY_REMOVED

    def _share_left(self, withheld: _Withheld) -> float:
        """How much of the power of what was heard the path leaves, as it is known by now."""
        self._refill(withheld.first)
        left = withheld.heard - self._filter(withheld.heard, withheld.first, learn=False)
        self._refill(withheld.first if self._next is None else self._next)
        return float(np.dot(left, left) / (np.dot(withheld.heard, withheld.heard) + 1e-9))

    def _release(self, count: int | None = None, *, foreign: bool = False) -> list[AudioFrame]:
        """The first `count` of the frames that were withheld, all by default, behind the gate."""
        count = len(self._withheld) if count is None else count
        released, self._withheld = self._withheld[:count], self._withheld[count:]
        return [
            self._gate.let_through(
                withheld.frame, foreign=foreign or (self._is_foreign(withheld) and not self._is_echo(withheld))
            )
            for withheld in released
        ]


def _between_samples(onset: float, scale: float) -> tuple[int, float]:
    """How many samples of silence before a chunk put its onset nearest to where it is between the microphone's samples,
    and how many of the microphone's these are; `scale` is one of its samples in the microphone's."""
    paddings = range(_MOST_PADDING)
    padding = min(paddings, key=lambda count: abs(onset - count * scale - round(onset - count * scale)))
    return padding, padding * scale
