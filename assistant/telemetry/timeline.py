"""What happened in each turn, put together from its events."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from assistant.events import (
    EmotionState,
    Event,
    IntentRecognized,
    Interruption,
    PlaybackFinished,
    PlaybackStarted,
    ReplyChunk,
    SceneCaption,
    SceneState,
    StageFailed,
    StageTimed,
    Transcript,
    TurnFinished,
    TurnStarted,
)

_TURNS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Stage:
    """One timed stage of a turn."""

    name: str
    started_at_s: float
    duration_s: float
    compute_s: float
    """Work as measured by a performance counter; in virtual time the duration is 0 and only this is real."""


@dataclass(slots=True)
class TurnRecord:
    """One exchange. Times are monotonic seconds of the run."""

    turn_id: int
    started_at_s: float | None = None
    """When the utterance was known to be meant for the assistant; None for one that was not."""
    speech_ended_at_s: float | None = None
    heard: str = ""
    language: str = ""
    """BCP 47 primary tag of what was heard."""
    confidence: float = 0.0
    """The recogniser's, 0 to 1."""
    intent: str | None = None
    slots: dict[str, str] = field(default_factory=dict)
    reply: list[str] = field(default_factory=list)
    """Its sentences as they were meant to be said."""
    reply_language: str = ""
    caption: SceneCaption | None = None
    emotion: EmotionState | None = None
    stages: list[Stage] = field(default_factory=list)
    failures: list[StageFailed] = field(default_factory=list)
    """What failed while the turn was the newest."""
    first_sound_at_s: float | None = None
    played: str = ""
    """The sentences that were really played."""
    played_s: float = 0.0
    completed: bool | None = None
    """Whether the reply was played to its end; None if nothing was played."""
    interruption: str | None = None
    """Why the reply was cut off."""
    finished_at_s: float | None = None

    @property
    def latency_s(self) -> float | None:
        """End of speech to first sound; None when the reply made none."""
        if self.first_sound_at_s is None or self.speech_ended_at_s is None:
            return None
        return self.first_sound_at_s - self.speech_ended_at_s

    @property
    def reply_text(self) -> str:
        """The whole reply; Chinese sentences need no space between them."""
        return ("" if self.reply_language == "zh" else " ").join(self.reply)


class Timeline:
    """A `TurnObserver` that keeps a record of the newest turns."""

    def __init__(self, *, keep: int = _TURNS_KEPT) -> None:
        self._keep = keep
        self._records: OrderedDict[int, TurnRecord] = OrderedDict()
        self._newest: TurnRecord | None = None
        self.looks = 0
        """Pictures that were looked at."""
        self.sight_s: dict[str, float] = {}
        """Network → seconds of work that it put into them."""

    @property
    def turns(self) -> list[TurnRecord]:
        """The turns that were addressed to the assistant, oldest first."""
        return [record for record in self._records.values() if record.started_at_s is not None]

    def on_event(self, event: Event) -> None:
        """Note what the event says about its turn."""
        if isinstance(event, StageFailed):
            if self._newest is not None:
                self._newest.failures.append(event)
            return
        if isinstance(event, SceneState):
            self.looks += 1
            for network, spent_s in event.compute_s.items():
                self.sight_s[network] = self.sight_s.get(network, 0.0) + spent_s
            return
        turn_id = getattr(event, "turn_id", None)
        if turn_id is not None:
            self._note(self._record(turn_id), event)

    def _record(self, turn_id: int) -> TurnRecord:
        if turn_id not in self._records:
            self._records[turn_id] = TurnRecord(turn_id)
            if len(self._records) > self._keep:
                self._records.popitem(last=False)
        return self._records[turn_id]

    def _note(self, record: TurnRecord, event: Event) -> None:
        match event:
            case TurnStarted():
                record.started_at_s, record.speech_ended_at_s = event.at_s, event.speech_ended_at_s
                self._newest = record
            case Transcript(is_final=True):
                record.heard, record.language, record.confidence = event.text, event.language, event.confidence
            case IntentRecognized():
                record.intent, record.slots = event.intent, dict(event.slots)
            case SceneCaption():
                record.caption = event
            case EmotionState():
                record.emotion = event
            case ReplyChunk():
                record.reply.append(event.text)
                record.reply_language = event.language
            case StageTimed():
                duration_s = event.at_s - event.started_at_s
                record.stages.append(Stage(event.stage, event.started_at_s, duration_s, event.compute_s))
            case PlaybackStarted():
                if record.first_sound_at_s is None:
                    record.first_sound_at_s = event.at_s
            case PlaybackFinished():
                record.played, record.played_s, record.completed = event.text, event.played_s, event.completed
            case Interruption():
                record.interruption = event.reason
            case TurnFinished():
                record.finished_at_s = event.at_s


@dataclass(frozen=True, slots=True)
class Summary:
    """How a set of durations is distributed."""

    count: int
    p50_s: float
    p95_s: float


def latency_summary(turns: Iterable[TurnRecord]) -> Summary | None:
    """End of speech to first sound over the turns that made a sound; None when none did."""
    latencies_s = [turn.latency_s for turn in turns if turn.latency_s is not None]
    if not latencies_s:
        return None
    return Summary(len(latencies_s), percentile(latencies_s, 50), percentile(latencies_s, 95))


def stage_summaries(turns: Iterable[TurnRecord]) -> dict[str, Summary]:
    """Stage → how long it took over the turns that had it, in the order in which stages first end."""
    durations_s: dict[str, list[float]] = {}
    for turn in turns:
        for stage in turn.stages:
            durations_s.setdefault(stage.name, []).append(stage.duration_s)
    return {
        name: Summary(len(values), percentile(values, 50), percentile(values, 95))
        for name, values in durations_s.items()
    }


def percentile(values: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: the smallest value that at least `percent` % of the values do not exceed.

    Raises `ValueError` without values.
    """
    if not values:
        raise ValueError("There is no percentile of no values.")
    rank = max(1, math.ceil(percent / 100 * len(values)))
    return sorted(values)[rank - 1]
