"""A conversation in virtual time: everything from listening to speaking is real but the devices, the networks, the
senses and the voices. What looks after them in `assistant/app.py` has no part in it; `living.py` has all of that."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta, timezone
from typing import TypeVar

import anyio
import numpy as np

from assistant.audio.listener import Listener
from assistant.audio.scripted import RecordingSpeaker
from assistant.clock import LoopClock
from assistant.common import Common
from assistant.config import Config
from assistant.controls import LiveControls
from assistant.conversation.answering import Answering
from assistant.conversation.speaking import Speaking
from assistant.dialogue.interpreter import HassilInterpreter
from assistant.dialogue.respond import Responder
from assistant.errors import DeviceError, StageError
from assistant.events import AudioArray, Event, SceneCaption, SpeechChunk, Utterance
from assistant.models.store import ModelStore
from assistant.ports import DialogueModel, DialogueTurn, Onset, Recognition, SpeakingStyle
from assistant.registry import resolve
from assistant.run_memory import RunMemory
from assistant.skills import SKILLS
from assistant.telemetry.observers import Observers
from assistant.turn import Turns
from assistant.vad.endpointing import Endpointer
from assistant.virtual_time import run_in_virtual_time
from assistant.wake.attention import Attention
from tests.doubles.context import GivenSenses
from tests.doubles.timed_speech import HeardSpeech, Piece, TimedMicrophone, TimedTranscriber, WordsInTime

EventT = TypeVar("EventT", bound=Event)


def utterance(started_at_s: float, ended_at_s: float, end_silence_s: float = 0.5) -> Utterance:
    """Sound whose samples do not matter."""
    samples = np.zeros(round((ended_at_s - started_at_s) * 16000), np.float32)
    return Utterance(ended_at_s + end_silence_s, samples, 16000, started_at_s, ended_at_s)


_NO_END_S = 60.0
"""So long after the microphone has ended, a conversation ends, or never does."""


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

    def result(self, *, over_reply: bool = False) -> Recognition:
        if isinstance(self._text, Exception):
            raise self._text
        return Recognition(self._text, "en", 0.9)


@dataclass
class HummingVoices:
    """A tenth of a second a character, in two blocks, and `tail_s` of silence; a sentence that contains one of `fails`
    raises after the first block, or before it if `fails_at_once`."""

    takes_s: float = 0.01
    fails: Sequence[str] = ()
    fails_at_once: bool = True
    tail_s: float = 0.0
    spoken: list[str] = field(default_factory=list)
    """Every sentence that was asked for."""
    finished: list[str] = field(default_factory=list)
    """Those that it was let finish."""
    open: int = 0
    """Sentences being synthesised: 0 when every iteration was ended."""

    async def speak(
        self, sentence: str, language: str, style: SpeakingStyle
    ) -> AsyncGenerator[tuple[AudioArray, int], None]:
        fails = any(part in sentence for part in self.fails)
        self.open += 1
        try:
            self.spoken.append(sentence)
            for block in range(2):
                await anyio.sleep(self.takes_s)
                if fails and (block or self.fails_at_once):
                    raise StageError("The voice is hoarse.")
                tail = round(self.tail_s * 24000) if block else 0
                yield np.pad(np.full(round(len(sentence) * 0.05 * 24000), 0.1, np.float32), (0, tail)), 24000
            self.finished.append(sentence)
        finally:
            self.open -= 1


class ThinkingModel:
    """A language model that takes so long for its first words, and as long again for each of the others: those that it
    `says`, or one sentence with what it was told."""

    def __init__(self, takes_s: float, says: Sequence[str] = ()) -> None:
        self._takes_s = takes_s
        self._says = says

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> ThinkingModel:
        """For the registry."""
        return cls(0.1)

    async def reply(self, turn: DialogueTurn) -> AsyncGenerator[str, None]:
        for words in self._says or ("You said: ", f"{turn.text.rstrip('.?!。？！')}."):
            await anyio.sleep(self._takes_s)
            yield words


class NoFeelings:
    """An emotion monitor that notices nothing, however long it listens."""

    def __init__(self, takes_s: float) -> None:
        self._takes_s = takes_s

    async def voice(self, utterance: Utterance) -> None:
        """Hears nothing in the voice."""
        await anyio.sleep(self._takes_s)

    async def text(self, transcript: object) -> None:
        """Reads nothing between the lines."""

    def state(self, now_s: float, turn_id: int | None = None) -> None:
        """Is never sure."""


class SteppedClock(LoopClock):
    """The loop's time; the wall clock starts at noon and may be stepped, as by a time server."""

    def __init__(self) -> None:
        self._starts_at = datetime(2026, 3, 3, 12, 0, tzinfo=timezone.utc)

    def step(self, by_s: float) -> None:
        self._starts_at += timedelta(seconds=by_s)

    def wall(self) -> datetime:
        return self._starts_at + timedelta(seconds=self.monotonic_s())

    def suspended_s(self) -> float:
        return 0.0


class LostSpeaker(RecordingSpeaker):
    """Takes nothing until it is plugged in."""

    plugged_in = False

    async def play(self, chunk: SpeechChunk) -> Onset:
        if not self.plugged_in:
            raise DeviceError("The speaker is gone.")
        return await super().play(chunk)


class HangingSpeaker(RecordingSpeaker):
    """Takes nothing, and is given up after a while."""

    async def play(self, chunk: SpeechChunk) -> Onset:
        await anyio.sleep(4.0)
        raise DeviceError("The speaker takes no sound.")


class EventLog:
    """Keeps every event."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def on_event(self, event: Event) -> None:
        self.events.append(event)

    def of(self, kind: type[EventT]) -> list[EventT]:
        return [event for event in self.events if isinstance(event, kind)]

    def check_dates(self) -> None:
        """In virtual time, which begins at 0, a time of the wall's clock is some decades late."""
        for event in self.events:
            dates = {each.name: getattr(event, each.name) for each in fields(event) if each.name.endswith("at_s")}
            assert all(date is None or date < 1e6 for date in dates.values()), event


class Conversation:
    """One person in front of an assistant; `hold` lets it happen, and everything that came of it can be looked at."""

    def __init__(
        self,
        pieces: Sequence[Piece],
        config: Config | None = None,
        *,
        lasts_s: float = 30.0,
        voices: HummingVoices | None = None,
        real_time_factor: float = 0.0,
        streams_partials: bool = False,
        speaker: type[RecordingSpeaker] = RecordingSpeaker,
        model: DialogueModel | None = None,
        feelings_take_s: float = 0.0,
    ) -> None:
        """`real_time_factor` is how long the recogniser takes a second of speech."""
        self.config = config or Config()
        self.voices = voices or HummingVoices()
        self.log, self.clock = EventLog(), SteppedClock()
        seen = SceneCaption(0.0, "I see a cup.", "en", 0.9, 0.0)
        self.senses = GivenSenses(captions={"en": seen}, written=[("EXIT", 0.99)])
        self._pieces, self._factor, self._streams_partials = pieces, real_time_factor, streams_partials
        self._lasts_s, self._model, self._feelings = lasts_s, model, NoFeelings(feelings_take_s)
        self.microphone = TimedMicrophone(self.clock, pieces, lasts_s, self.config.audio.queue_s)
        self.speaker = speaker(self.clock)
        self.meanwhile: list[Callable[[], object]] = []
        """Async functions that run beside the conversation."""

    def hold(self) -> EventLog:
        run_in_virtual_time(self._converse)
        return self.log

    async def _converse(self) -> None:
        observers = Observers([self.log])
        common = Common.create(self.config, self.clock, observers.emit)
        config, clock = common.config, common.clock
        await self.speaker.open()
        self.speaker.set_volume(config.audio.volume)
        recognizer = WordsInTime(self._pieces, self._streams_partials)
        transcriber = TimedTranscriber(recognizer, clock, config.asr, self._pieces, self._factor)
        self.attention = Attention(config.wake, clock)
        listener = Listener(
            self.microphone,
            HeardSpeech(),
            Endpointer(config.vad),
            clock,
            common.emit,
            progress_s=0.2 if self._streams_partials else None,
            on_wake=self.attention.fired,
        )
        skills = {name: resolve(SKILLS, name, kind="skill").create(config, ModelStore()) for name in SKILLS}
        self.responder = Responder(interpreter(), skills, self._model, config)
        self.controls = LiveControls(common, self.speaker, listener, None, self.responder.memory, RunMemory(None))
        answering = Answering(common, self.responder, self._feelings, self.senses, self.controls, state=None)
        speaking = Speaking(common, self.voices, self.speaker, guard=None)
        self.turns = Turns(common, transcriber, self.attention, answering, speaking, listener.end_after)
        observers.add(answering)
        try:
            # One that never ends fails: what nobody wakes would wait for ever.
            with anyio.fail_after(self._lasts_s + _NO_END_S):
                async with anyio.create_task_group() as group:
                    self.controls.attach(self.turns, group)
                    for work in self.meanwhile:
                        group.start_soon(work)
                    await self.turns.run(listener.events())
                    group.cancel_scope.cancel()
        finally:
            transcriber.close()
            self.responder.close()


_interpreter: list[HassilInterpreter] = []


class SharedInterpreter:
    """For the registry: the one of all conversations."""

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> HassilInterpreter:
        return interpreter()


def interpreter() -> HassilInterpreter:
    """One for all conversations: it takes a while to compile and keeps nothing of what it hears."""
    if not _interpreter:
        _interpreter.append(HassilInterpreter.create(Config(), ModelStore()))
    return _interpreter[0]
