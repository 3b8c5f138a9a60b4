"""Speech whose samples are the times at which they are heard, and a recogniser that reads them.

So a test knows exactly which sound a recogniser was given: a syllable that is lost on the way is missing in the text.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace

import anyio
import numpy as np

from assistant.asr.transcriber import Timed, Transcriber
from assistant.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from assistant.config import AsrConfig
from assistant.errors import StageError
from assistant.events import AudioArray, AudioFrame, Utterance
from assistant.han import script_language
from assistant.ports import Clock, Recognition
from assistant.streams import DropOldest

_FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ
_ROOM = np.tile([-0.001, -0.002], FRAME_SAMPLES // 2)


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that is heard from `at_s` on; without text it is a noise."""

    at_s: float
    for_s: float
    text: str = ""
    recognizer: str = ""
    """What goes wrong when it is recognised: "raises", "hangs", or nothing; one that "raises once", in mid-speech, has
    forgotten what it heard."""

    @property
    def until_s(self) -> float:
        return self.at_s + self.for_s

    def words(self) -> Iterable[tuple[float, float, str]]:
        """(begin, end, word): English words or Chinese characters, evenly spread."""
        units = list(self.text) if script_language(self.text) == "zh" else self.text.split()
        each_s = self.for_s / max(1, len(units))
        for index, unit in enumerate(units):
            yield self.at_s + index * each_s, self.at_s + (index + 1) * each_s, unit


class TimedMicrophone:
    """Delivers a frame every 32 ms; speech is the time of each sample, what hums below zero is the room. What nobody
    takes in time is dropped and counted, as the real one does."""

    name = "timed microphone"
    virtual = False
    devices_changed = None

    def __init__(self, clock: Clock, pieces: Sequence[Piece], lasts_s: float, queue_s: float) -> None:
        self._clock = clock
        self._pieces = pieces
        self._lasts_s = lasts_s
        self._next = 0
        self._closed = False
        self.queue: DropOldest[AudioFrame] = DropOldest(round(queue_s / _FRAME_S))

    @property
    def dropped(self) -> int:
        return self.queue.dropped

    async def open(self) -> None:
        self._closed = False
        self._next = int(self._clock.monotonic_s() / _FRAME_S)

    async def frames(self) -> AsyncGenerator[AudioFrame, None]:
        taken = self._next
        async with aclosing(self.queue.__aiter__()) as queued:
            while not self._closed:
                now_s = self._clock.monotonic_s()
                while (self._next + 1) * _FRAME_S <= now_s + 1e-9:
                    self.queue.put(self._frame(self._next))
                    self._next += 1
                if taken + self.queue.dropped < self._next:
                    taken += 1
                    yield await queued.__anext__()
                elif now_s >= self._lasts_s:
                    return
                else:
                    await self._clock.sleep_until((self._next + 1) * _FRAME_S)

    async def close(self, *, failed: bool = False) -> None:
        self._closed = True

    def _frame(self, index: int) -> AudioFrame:
        times = (index * FRAME_SAMPLES + np.arange(FRAME_SAMPLES)) / SAMPLE_RATE_HZ
        heard = np.zeros(FRAME_SAMPLES, bool)
        for piece in self._pieces:
            if piece.at_s <= times[-1] and piece.until_s > times[0]:
                heard |= (times >= piece.at_s) & (times < piece.until_s)
        return AudioFrame((index + 1) * _FRAME_S, np.where(heard, times, _ROOM).astype(np.float32), SAMPLE_RATE_HZ)


class HeardSpeech:
    """A voice-activity detector for timed speech. Like a network it needs a moment to be sure that someone speaks."""

    sample_rate_hz, frame_samples = SAMPLE_RATE_HZ, FRAME_SAMPLES
    _ONSET_FRAMES = 3

    def __init__(self) -> None:
        self._voiced_frames = 0

    def probability(self, samples: AudioArray) -> float:
        voiced = np.count_nonzero(samples > 0) > FRAME_SAMPLES // 4
        self._voiced_frames = self._voiced_frames + 1 if voiced else 0
        return float(self._voiced_frames >= self._ONSET_FRAMES)

    def reset(self) -> None:
        self._voiced_frames = 0


@dataclass
class WordsInTime:
    """Recognises exactly the words whose sound it was given."""

    pieces: Sequence[Piece]
    streams_partials: bool = False
    languages: frozenset[str] = frozenset({"en", "zh"})
    has_raised: bool = False

    def open(self, language: str | None) -> _Stream:
        return _Stream(self)

    def close(self) -> None:
        """Nothing to free."""


class _Stream:
    def __init__(self, recognizer: WordsInTime) -> None:
        self._recognizer = recognizer
        self._first_s = self._last_s = 0.0

    def accept(self, samples: AudioArray) -> str | None:
        heard = samples[samples > 0]
        if not len(heard):
            return None
        self._first_s = self._first_s or float(heard[0])
        self._last_s = float(heard[-1])
        pieces, recognizer = self._pieces(), self._recognizer
        if not recognizer.has_raised and any(
            piece.recognizer == "raises once" and self._last_s > piece.at_s + piece.for_s / 2 for piece in pieces
        ):
            recognizer.has_raised, self._first_s = True, 0.0
            raise StageError("The recogniser stumbled.")
        return self._text() if self._recognizer.streams_partials else None

    def result(self, *, over_reply: bool = False) -> Recognition:
        if "raises" in (piece.recognizer for piece in self._pieces()):
            raise StageError("The recogniser broke.")
        text = self._text()
        return Recognition(text, script_language(text), 0.9)

    def _pieces(self) -> list[Piece]:
        return [
            piece
            for piece in self._recognizer.pieces
            if piece.until_s > self._first_s + 0.01 and piece.at_s < self._last_s - 0.01
        ]

    def _text(self) -> str:
        # Half a frame of grace on either side: what a voice-activity detector cannot resolve is not a lost syllable.
        words = [
            word
            for piece in self._pieces()
            for begin_s, end_s, word in piece.words()
            if begin_s > self._first_s - _FRAME_S and end_s < self._last_s + _FRAME_S
        ]
        return ("" if words and script_language(words[0]) == "zh" else " ").join(words)


class TimedTranscriber(Transcriber):
    """A transcriber whose recogniser takes time, which a call on a thread cannot in virtual time."""

    def __init__(
        self, recognizer: WordsInTime, clock: Clock, config: AsrConfig, pieces: Sequence[Piece], real_time_factor: float
    ) -> None:
        super().__init__(recognizer, clock, config)
        self._pieces, self._factor, self._timeout_s = pieces, real_time_factor, config.timeout_s
        self._free = anyio.Lock()
        self._known: tuple[float, int] | None = None
        self._began_at_s = 0.0
        self._hung: tuple[float, int] | None = None

    async def recognize(self, utterance: Utterance, *, waits: bool = False, over_reply: bool = False) -> Timed:
        key = (utterance.started_at_s, len(utterance.samples))
        asked_at_s = anyio.current_time()
        async with self._free:
            if self._hangs(utterance):
                if key != self._hung:  # as a worker does: it waits once, and then refuses at once
                    self._hung = key
                    await anyio.sleep(self._timeout_s)
                raise StageError("The recogniser did not answer.")
            if key != self._known:
                self._began_at_s = asked_at_s
                await anyio.sleep(self._factor * len(utterance.samples) / SAMPLE_RATE_HZ)
                self._known = key
            return replace(
                await super().recognize(utterance, waits=waits, over_reply=over_reply), started_at_s=self._began_at_s
            )

    def _hangs(self, utterance: Utterance) -> bool:
        return any(
            piece.recognizer == "hangs" and piece.at_s < utterance.ended_at_s and piece.until_s > utterance.started_at_s
            for piece in self._pieces
        )
