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
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from assistant.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from assistant.audio.echo_alignment import Alignment
from assistant.audio.echo_bands import LOOK_AHEAD, FramePowers
from assistant.audio.echo_beginning import most_of
from assistant.audio.echo_evidence import Evidence
from assistant.audio.echo_filter import BLOCK, LENGTH, EchoPath
from assistant.audio.echo_reference import EARLIEST, FORGOTTEN, LATEST, PlayedChunk, PlayedReference, excerpt
from assistant.audio.echo_relearning import PLAYED, Relearning
from assistant.audio.echo_withheld import Withheld
from assistant.events import AudioArray, AudioFrame

_QUIET_S = 1.0
"""After this long without sound there is no echo."""
_STILL_HEARD_S = 0.3
"""How long after playback was stopped its sound may still reach the microphone."""
_LOST_S = 0.15
"""The microphone's clock is trusted until it is this far off its count of samples: then sound was lost."""
_EVIDENT_FRAMES, _EVIDENT_SOONER_S = 3, 0.064
"""So many frames in a row with evidence of someone else are no echo, in an hour of the assistant's speech: with a voice
in them they are a person's, two frames before noise is told from speech where nothing is played."""
_UNHEARD_SOONER_S = 0.032
_ABSENT = 0.1
"""An echo of which less than this share of the predicted power is heard has not come."""
_ABSENT_FRAMES = 70
"""While it has not come for fewer frames in a row, nothing is learned: a device that was held up goes on by then, or is
given up. After that it is another way, or a speaker turned down."""


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
        self._heard: AudioArray = np.zeros(SAMPLE_RATE_HZ, np.float32)
        self._windows = np.zeros((4, 2 * FRAME_SAMPLES), np.float32)
        self._withheld = Withheld(self._evidence, self._share_left)
        self._absent_frames = 0
        """Frames in a row in which the echo did not come."""
        self._foreign_frames = 0
        """Frames in a row up to now with evidence of someone else."""
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
        self._path, self._evidence = path, evidence
        self._withheld.judge_by(evidence, decided=evidence.experienced)

    def reference(self, heard_at_s: float, samples: AudioArray, sample_rate_hz: int, *, run: int | None = None) -> None:
        """A chunk begins to be heard, (n,) float32 as it leaves for the device, volume included.

        `heard_at_s` may be 150 ms off, and the sound may reach the microphone up to 250 ms later still; chunks of the
        same `run` are off by the same (see `assistant.ports.Onset`), so that where one was found tells where the next
        is.
        """
        follows = self._reference.place(
            samples, sample_rate_hz, heard_at_s, run, drift=self._alignment.drift, expect=self._alignment.place
        )
        if follows:
            self._evidence.join()
            return
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
        self._path, self._evidence = EchoPath(), Evidence()
        self._withheld.judge_by(self._evidence, decided=False)
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
        self._next, self._foreign_frames = None, 0
        self._withheld.forget()

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
        foreign = self._evidence.foreign(
            powers, closest, aligned=aligned, begun=begun, open_gate=self._withheld.gate_is_open
        )
        if aligned and not foreign and not self._withheld.gate_is_open:
            self._relearn(first)
        cleaned = replace(frame, samples=residual)
        self._withheld.add(cleaned, frame.samples, first, foreign=foreign)
        self._note(cleaned, foreign=foreign)
        return self._withheld.give(cleaned, foreign=foreign)

    def rest(self) -> list[AudioFrame]:
        """All that is withheld: no more will be known of it."""
        return self._withheld.rest()

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
            if not self._withheld.decided:
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
        for heard, end in self._withheld.consecutive():
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

    def _note(self, frame: AudioFrame, *, foreign: bool) -> None:
        """Keep since when somebody else is evidently heard, and when nothing was of what is played."""
        self._foreign_frames = self._foreign_frames + 1 if foreign and self._withheld.decided else 0
        if self._foreign_frames >= _EVIDENT_FRAMES:
            self.evident_at_s = frame.at_s
        if self.unheard:
            self.unheard_at_s = frame.at_s

    def _share_left(self, heard: AudioArray, first: int) -> float:
        """How much of the power of a frame that was heard, (512,) from sample `first` on, the path leaves, as it is
        known by now."""
        self._refill(first)
        left = heard - self._filter(heard, first, learn=False)
        self._refill(first if self._next is None else self._next)
        return float(np.dot(left, left) / (np.dot(heard, heard) + 1e-9))
