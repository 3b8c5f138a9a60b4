"""Doubles for the two ends of a turn: a person whose words are given, and voices that hum."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable

import anyio
import numpy as np

from assistant.answering import Reply
from assistant.errors import StageError
from assistant.events import AudioArray, Event, SpeechEnded, SpeechPaused, SpeechStarted, Transcript, Utterance
from assistant.ports import Recognition, SpeakingStyle
from assistant.speaking import Sentence
from assistant.vad.endpointing import SpeechEvent


def utterance(started_at_s: float, ended_at_s: float, end_silence_s: float = 0.5) -> Utterance:
    """Sound whose samples do not matter."""
    samples = np.zeros(round((ended_at_s - started_at_s) * 16000), np.float32)
    return Utterance(ended_at_s + end_silence_s, samples, 16000, started_at_s, ended_at_s)


class Person:
    """Speaks at given times; an async iterator of speech events in the loop's time."""

    def __init__(self, *spoken: tuple[float, float], stays_s: float = 30.0) -> None:
        self._spoken = spoken
        self._stays_s = stays_s

    async def events(self) -> AsyncGenerator[SpeechEvent, None]:
        for started_at_s, ended_at_s in self._spoken:
            said = utterance(started_at_s, ended_at_s)
            for event in (
                SpeechStarted(started_at_s + 0.1),
                SpeechPaused(ended_at_s + 0.2, said),
                SpeechEnded(ended_at_s + 0.5, said),
            ):
                await anyio.sleep(max(0.0, event.at_s - anyio.current_time()))
                yield event
        await anyio.sleep(self._stays_s)


class KnownWords:
    """A recogniser that is told in advance what it will hear, utterance by utterance; an exception is raised."""

    languages = frozenset({"en", "zh"})
    streams_partials = False

    def __init__(self, texts: Iterable[str | Exception]) -> None:
        self._texts = iter(texts)

    def open(self, language: str | None) -> _KnownStream:
        return _KnownStream(next(self._texts))

    def close(self) -> None:
        """Nothing to free."""


class _KnownStream:
    def __init__(self, text: str | Exception) -> None:
        self._text = text

    def accept(self, samples: AudioArray) -> str | None:
        return None

    def result(self) -> Recognition:
        if isinstance(self._text, Exception):
            raise self._text
        return Recognition(self._text, "en", 0.9)


class HummingVoices:
    """A tenth of a second a character; a sentence that contains "fail" raises."""

    def __init__(self) -> None:
        self.spoken: list[str] = []
        self.open = 0
        """Sentences being synthesised: 0 when every iteration was ended."""

    async def speak(
        self, sentence: str, language: str, style: SpeakingStyle
    ) -> AsyncGenerator[tuple[AudioArray, int], None]:
        if "fail" in sentence:
            raise StageError("The voice is hoarse.")
        self.open += 1
        try:
            self.spoken.append(sentence)
            for _ in range(2):
                await anyio.sleep(0.01)
                yield np.full(round(len(sentence) * 0.05 * 24000), 0.1, np.float32), 24000
        finally:
            self.open -= 1


class FixedAnswers:
    """Answers every command with the sentences that it was given for it."""

    def __init__(self, answers: dict[str, list[str]]) -> None:
        self._answers = answers

    def answer(self, transcript: Transcript, utterance: Utterance) -> Reply:
        reply = Reply(_sentences(self._answers[transcript.text]))
        reply.ends_conversation = "Goodbye." in self._answers[transcript.text]
        return reply

    async def intent(self, text: str, language: str) -> str | None:
        return {"stop": "stop"}.get(text.lower().rstrip("."), "known" if text in self._answers else None)

    async def end_silence_s(self, text: str, language: str, *, over_reply: bool) -> float:
        return 0.5

    async def expected(self, text: str, language: str, turn_id: int) -> Sentence | None:
        return None

    def announcement(self, turn_id: int, text: str, language: str) -> Reply:
        return Reply(_sentences([text]))


async def _sentences(texts: list[str]) -> AsyncGenerator[Sentence, None]:
    for text in texts:
        yield Sentence(text, "en", SpeakingStyle())


class EventLog:
    """Keeps every event."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def on_event(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]
