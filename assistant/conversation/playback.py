"""One reply on its way, with its sound as a tape: it can be stopped, wound back a little, and played on."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import anyio

from assistant.dialogue.heard import heard_part
from assistant.dialogue.sentences import joined_sentences
from assistant.events import SpeechChunk

REWIND_S = 0.3
"""How far before its stop a paused reply goes on: the word that was cut is heard again, and so is what the device had
taken but not yet let out."""

_NEARLY_S = 0.1
"""Of a sentence that is broken off so long before its end nothing is missed."""


@dataclass(slots=True)
class _Piece:
    begins_s: float
    chunk: SpeechChunk

    @property
    def seconds(self) -> float:
        return _seconds(self.chunk)


@dataclass(slots=True)
class _Sentence:
    begins_s: float
    ends_s: float
    text: str


class Tape:
    """All that is to be heard of a reply, and how much of it was. Positions are seconds from its beginning.

    Sound is forgotten once it lies further back than a rewind can reach; texts are kept.
    """

    def __init__(self, played_before_s: float) -> None:
        """`played_before_s` is what the sink had played (`AudioSink.played_s`) when the reply began."""
        self._pieces: list[_Piece] = []
        self._sentences: list[_Sentence] = []
        self._length_s = 0.0
        self._run_from_s, self._run_played_s = 0.0, played_before_s
        self.heard_s = 0.0
        """How much of the reply was heard, as of the last `note`."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing was ever to be played."""
        return self._length_s == 0.0

    def foresee(self, chunk: SpeechChunk) -> None:
        """A chunk was made, which will be played after those before it. So the length of a sentence is known while it
        is played, as far as it has been made."""
        ends_s = self._sentences[-1].ends_s if self._sentences else 0.0
        if chunk.text or not self._sentences:
            self._sentences.append(_Sentence(ends_s, ends_s, chunk.text))
        self._sentences[-1].ends_s += _seconds(chunk)

    def add(self, chunk: SpeechChunk) -> None:
        """Append what is about to be played."""
        self._pieces.append(_Piece(self._length_s, chunk))
        self._length_s += self._pieces[-1].seconds
        oldest_s = self.heard_s - 2 * REWIND_S
        self._pieces = [piece for piece in self._pieces if piece.begins_s + piece.seconds >= oldest_s]

    def note(self, played_s: float) -> None:
        """The sink has played `played_s` seconds in all."""
        self.heard_s = max(self.heard_s, self._run_from_s + played_s - self._run_played_s)

    def rewind(self, played_s: float, by_s: float = REWIND_S) -> None:
        """Playback stopped when the sink had played `played_s`; the next run begins that much before."""
        self.note(played_s)
        stopped_s = self._run_from_s + played_s - self._run_played_s
        self._run_from_s, self._run_played_s = max(0.0, stopped_s - by_s), played_s

    def rest(self) -> Iterator[SpeechChunk]:
        """What of the tape so far the next run has to play."""
        for piece in self._pieces:
            skip = max(0, round((self._run_from_s - piece.begins_s) * piece.chunk.sample_rate_hz))
            if skip < len(piece.chunk.samples):
                yield replace(piece.chunk, samples=piece.chunk.samples[skip:])

    def begun(self, until_s: float | None = None) -> str:
        """The sentences that begin within the first `until_s` seconds, by default within what was heard."""
        limit_s = self.heard_s if until_s is None else until_s
        return joined_sentences([sentence.text for sentence in self._sentences if sentence.begins_s < limit_s])

    def heard(self) -> str:
        """What was heard; of a sentence that was broken off, the words up to there."""
        return joined_sentences(
            [self._heard_of(sentence) for sentence in self._sentences if sentence.begins_s < self.heard_s]
        )

    def _heard_of(self, sentence: _Sentence) -> str:
        if self.heard_s > sentence.ends_s - _NEARLY_S:
            return sentence.text
        return heard_part(sentence.text, (self.heard_s - sentence.begins_s) / (sentence.ends_s - sentence.begins_s))


@dataclass(slots=True, eq=False)
class Playback:
    """One reply on its way."""

    turn_id: int
    tape: Tape
    awaits_speaker: bool
    run: anyio.CancelScope | None = None
    """What is cancelled to pause it."""
    first_block_at_s: float | None = None
    started: bool = False
    sounds: bool = False
    """Whether some of it was heard since it began, or went on."""
    all_given: bool = False
    """Whether all that is left of it has been given to the speaker."""
    paused: bool = False
    failed: bool = False
    lost: bool = False
    """Whether its speaker is."""
    wanted_until_s: float = math.inf
    """Counted from the first loss: a speaker that takes silence and no speech seems to be back again and again."""


def _seconds(chunk: SpeechChunk) -> float:
    return len(chunk.samples) / chunk.sample_rate_hz
