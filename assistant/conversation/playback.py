"""The sound of one reply as a tape: it can be stopped, wound back a little, and played on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from assistant.events import SpeechChunk
from assistant.han import contains_han

REWIND_S = 0.3
"""How far before its stop a paused reply goes on: the word that was cut is heard again, and so is what the device had
taken but not yet let out."""


@dataclass(slots=True)
class _Piece:
    begins_s: float
    chunk: SpeechChunk

    @property
    def seconds(self) -> float:
        return len(self.chunk.samples) / self.chunk.sample_rate_hz


class Tape:
    """All that is to be heard of a reply, and how much of it was. Positions are seconds from its beginning.

    Sound is forgotten once it lies further back than a rewind can reach; texts are kept.
    """

    def __init__(self, played_before_s: float) -> None:
        """`played_before_s` is what the sink had played (`AudioSink.played_s`) when the reply began."""
        self._pieces: list[_Piece] = []
        self._sentences: list[tuple[float, str]] = []
        self._length_s = 0.0
        self._run_from_s, self._run_played_s = 0.0, played_before_s
        self.heard_s = 0.0
        """How much of the reply was heard, as of the last `note`."""

    def add(self, chunk: SpeechChunk) -> None:
        """Append what is about to be played."""
        if chunk.text:
            self._sentences.append((self._length_s, chunk.text))
        self._pieces.append(_Piece(self._length_s, chunk))
        self._length_s += self._pieces[-1].seconds
        oldest_s = self.heard_s - 2 * REWIND_S
        self._pieces = [piece for piece in self._pieces if piece.begins_s + piece.seconds >= oldest_s]

    def note(self, played_s: float) -> None:
        """The sink has played `played_s` seconds in all."""
        self.heard_s = max(self.heard_s, self._run_from_s + played_s - self._run_played_s)

    def rewind(self, played_s: float) -> None:
        """Playback stopped when the sink had played `played_s`; the next run begins a little before."""
        self.note(played_s)
        stopped_s = self._run_from_s + played_s - self._run_played_s
        self._run_from_s, self._run_played_s = max(0.0, stopped_s - REWIND_S), played_s

    def rest(self) -> Iterator[SpeechChunk]:
        """What of the tape so far the next run has to play."""
        for piece in self._pieces:
            skip_s = self._run_from_s - piece.begins_s
            if skip_s < piece.seconds:
                skip = max(0, round(skip_s * piece.chunk.sample_rate_hz))
                yield replace(piece.chunk, samples=piece.chunk.samples[skip:])

    def text(self, until_s: float | None = None) -> str:
        """The sentences that begin within the first `until_s` seconds, by default within what was heard."""
        limit_s = self.heard_s if until_s is None else until_s
        sentences = [text for begins_s, text in self._sentences if begins_s < limit_s]
        return ("" if sentences and contains_han(sentences[0]) else " ").join(sentences)
