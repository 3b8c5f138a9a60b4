"""A scripted conversation: what is heard and when, and what must and must not come of it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio
from pydantic import BaseModel, ConfigDict, Field

from assistant import events
from assistant.config import Config
from assistant.events import Event, PlaybackFinished, SpeechChunk, Transcript
from assistant.tomlfile import read_toml
from tests.doubles.conversation import (
    Conversation,
    HangingSpeaker,
    HummingVoices,
    LostSpeaker,
    RecordingSpeaker,
    ThinkingModel,
)
from tests.doubles.timed_speech import Piece

FOLDER = Path(__file__).parent
_STAYS_S = 12.0
_TOLERANCE_S = 0.05
"""Frames are 32 ms long."""
_SPEAKERS = {"works": RecordingSpeaker, "lost": LostSpeaker, "hangs": HangingSpeaker}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Say(_Strict):
    """Something that is heard; without a text it is a noise."""

    at_s: float
    for_s: float
    text: str = ""
    recognizer: Literal["", "raises", "raises once", "hangs"] = ""


class Do(_Strict):
    """Something that happens."""

    at_s: float
    what: Literal[
        "announce",
        "listen_now",
        "toggle_mute",
        "step_clock",
        "first_stage_fires",
        "plug_in_speaker",
        "break_captioner",
        "mend_captioner",
    ]
    text: str = ""
    by_s: float = 0.0


class Expect(_Strict):
    """Events that must come of it; with `count = 0`, must not."""

    event: str
    matching: Annotated[dict[str, Any], Field(alias="with")] = {}
    """Field → value; of `text` and `error` a part is enough."""
    at_s: float | None = None
    """When the first of them happens."""
    between_s: tuple[float, float] = (-math.inf, math.inf)
    count: int | None = None
    """How many; None for at least one."""

    def check(self, log: list[Event]) -> None:
        kind = getattr(events, self.event)
        found = [
            event
            for event in log
            if isinstance(event, kind)
            and self.between_s[0] <= event.at_s <= self.between_s[1]
            and all(_matches(name, getattr(event, name), value) for name, value in self.matching.items())
        ]
        others = [event for event in log if isinstance(event, kind)]
        assert bool(found) if self.count is None else len(found) == self.count, (self, others)
        if self.at_s is not None:
            assert abs(found[0].at_s - self.at_s) <= _TOLERANCE_S, (self, found[0])


class Scenario(_Strict):
    """One file."""

    about: str
    each: tuple[str, ...] = ("",)
    """What stands for `{each}` in the texts, one conversation after the other."""
    lasts_s: float = 0.0
    """When the microphone ends; 0 for a while after the last that is heard or happens."""
    config: dict[str, Any] = {}
    barge_in: tuple[bool, ...] = ()
    """The conversation is held with each of these values of `tts.barge_in`; with that of `config` if there are none."""
    real_time_factor: float = 0.0
    streams_partials: bool = False
    model_takes_s: float | None = None
    """How long a language model takes for its first words, and again for the others; None without one."""
    model_says: tuple[str, ...] = ()
    """What it says, piece by piece; by default what it was told."""
    feelings_take_s: float = 0.0
    """How long it listens for a mood before it understands."""
    reading_takes_s: float = 0.0
    """How long "read this" takes."""
    voice_takes_s: float = 0.01
    voice_fails: tuple[str, ...] = ()
    voice_fails_midway: bool = False
    voice_tail_s: float = 0.0
    """Silence at the end of each sentence."""
    speaker: Literal["works", "lost", "hangs"] = "works"
    say: tuple[Say, ...] = ()
    do: tuple[Do, ...] = ()
    repeat_every_s: float = 0.0
    """What is said is said again and again."""
    said: tuple[str, ...] | None = None
    """All that is played, reply by reply, as it is remembered."""
    heard: tuple[str, ...] | None = None
    """All final transcripts."""
    prepared: tuple[str, ...] | None = None
    """Sentences that the voice was asked for."""
    synthesized: tuple[str, ...] | None = None
    """Those of them that it was let finish."""
    silent_until_s: float = 0.0
    """Until then no sound comes out, also none without words."""
    dropped: bool = False
    """Whether sound may be dropped; it must be then."""
    expect: tuple[Expect, ...] = ()

    @property
    def configs(self) -> list[Config]:
        """One a conversation."""
        config = Config.model_validate(self.config)
        tts = [config.tts.model_copy(update={"barge_in": barge_in}) for barge_in in self.barge_in]
        return [config.model_copy(update={"tts": each}) for each in tts] or [config]

    def play(self, each: str, config: Config) -> None:
        """Hold the conversation and check what came of it."""
        conversation = Conversation(
            [Piece(say.at_s, say.for_s, say.text.replace("{each}", each), say.recognizer) for say in self._all_said()],
            config,
            lasts_s=self.lasts_s or max(event.at_s for event in (*self.say, *self.do)) + _STAYS_S,
            voices=HummingVoices(self.voice_takes_s, self.voice_fails, not self.voice_fails_midway, self.voice_tail_s),
            real_time_factor=self.real_time_factor,
            streams_partials=self.streams_partials,
            speaker=_SPEAKERS[self.speaker],
            model=ThinkingModel(self.model_takes_s, self.model_says) if self.model_takes_s is not None else None,
            feelings_take_s=self.feelings_take_s,
        )
        conversation.senses.reading_takes_s = self.reading_takes_s
        for do in self.do:
            conversation.meanwhile.append(lambda do=do: _happen(do, conversation))
        log = conversation.hold().events
        conversation.log.check_dates()
        for expect in self.expect:
            expect.check(log)
        self._check_texts(log, conversation, each)
        _check_order(log)
        _check_stages(log)
        early = conversation.speaker.recording()[: round(self.silent_until_s * conversation.speaker.sample_rate_hz)]
        assert not early.any(), "a sound came too early"
        assert conversation.voices.open == 0, "a voice goes on for nobody"
        assert (conversation.microphone.queue.dropped > 0) is self.dropped, conversation.microphone.queue.dropped

    def _all_said(self) -> list[Say]:
        if not self.repeat_every_s:
            return list(self.say)
        rounds = range(math.ceil(self.lasts_s / self.repeat_every_s))
        return [say.model_copy(update={"at_s": say.at_s + n * self.repeat_every_s}) for n in rounds for say in self.say]

    def _check_texts(self, log: list[Event], conversation: Conversation, each: str) -> None:
        if self.said is not None:
            said = tuple(event.text for event in log if isinstance(event, PlaybackFinished))
            assert said == tuple(text.replace("{each}", each) for text in self.said), said
        if self.heard is not None:
            heard = tuple(event.text for event in log if isinstance(event, Transcript) and event.is_final)
            assert heard == tuple(text.replace("{each}", each) for text in self.heard), heard
        if self.prepared is not None:
            assert tuple(conversation.voices.spoken) == self.prepared, conversation.voices.spoken
        if self.synthesized is not None:
            assert tuple(conversation.voices.finished) == self.synthesized, conversation.voices.finished


def load(path: Path) -> Scenario:
    return Scenario.model_validate(read_toml(path))


async def _happen(do: Do, conversation: Conversation) -> None:
    await anyio.sleep(do.at_s)
    match do.what:
        case "announce":
            await conversation.turns.announcer.announce(do.text, "en")
        case "listen_now":
            await conversation.controls.listen_now()
        case "toggle_mute":
            await conversation.controls.toggle_mute()
        case "step_clock":
            conversation.clock.step(do.by_s)
        case "first_stage_fires":
            conversation.attention.fired(anyio.current_time())
        case "plug_in_speaker":
            conversation.speaker.plugged_in = True
        case "break_captioner" | "mend_captioner":
            conversation.senses.captioner_raises = do.what == "break_captioner"


def _matches(name: str, value: Any, wanted: Any) -> bool:
    if name in ("text", "error"):
        return str(wanted) in value
    if isinstance(value, float):
        return abs(value - wanted) <= _TOLERANCE_S
    return bool(value == wanted)


def _check_order(log: list[Event]) -> None:
    """What holds in every conversation: a turn that started finishes once, and nothing is made or heard of it after."""
    begun = [event.turn_id for event in log if isinstance(event, events.TurnStarted)]
    assert len(set(begun)) == len(begun)
    over: set[int] = set()
    _check_partials(log)
    for event in log:
        if isinstance(event, events.TurnFinished):
            assert event.turn_id not in over
            over.add(event.turn_id)
        elif isinstance(event, (SpeechChunk, events.PlaybackStarted, events.ReplyChunk)):
            assert event.turn_id not in over, event
    assert over >= set(begun), "every turn ends"


def _check_partials(log: list[Event]) -> None:
    """A partial transcript is of something that is still being decided: its turn has no final one yet, and nobody is
    shown what the turn before it was about."""
    final: dict[int, str] = {}
    ended_at_s: dict[int, float] = {}
    began_at_s = -math.inf
    for event in log:
        match event:
            case events.SpeechStarted():
                began_at_s = event.at_s
            case events.TurnStarted():
                ended_at_s[event.turn_id] = event.speech_ended_at_s
            case Transcript(is_final=True):
                final[event.turn_id] = event.text
            case Transcript():
                assert event.turn_id not in final, event
                said_again = began_at_s > ended_at_s.get(event.turn_id - 1, -math.inf)
                assert said_again or event.text != final.get(event.turn_id - 1), event


def _check_stages(log: list[Event]) -> None:
    """What holds in every conversation: no wait for the first sound of a reply is left out of the stages."""
    for turn in (event for event in log if isinstance(event, events.TurnStarted)):
        heard = [e.at_s for e in log if isinstance(e, events.PlaybackStarted) and e.turn_id == turn.turn_id]
        stages = [e for e in log if isinstance(e, events.StageTimed) and e.turn_id == turn.turn_id]
        covered_s = turn.speech_ended_at_s
        for stage in sorted(stages, key=lambda stage: stage.started_at_s) if heard else []:
            assert stage.started_at_s - covered_s <= _TOLERANCE_S, (turn, covered_s, stage)
            covered_s = max(covered_s, stage.at_s)
        assert not heard or heard[0] - covered_s <= _TOLERANCE_S, (turn, covered_s, heard)
