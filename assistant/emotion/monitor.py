"""Runs the channels off the event loop, reports what they find, and keeps the fused state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from assistant.config import Config
from assistant.emotion import CHANNELS, FUSIONS
from assistant.emotion.fusion import EmotionFusion
from assistant.errors import AssistantError
from assistant.events import EmotionEstimate, EmotionState, Event, StageFailed, StageRecovered, Transcript, Utterance
from assistant.models.store import ModelStore
from assistant.ports import EmotionChannel, FaceEvidence
from assistant.registry import resolve
from assistant.stages import EMOTION
from assistant.worker import Worker

_TIMEOUT_S = 5.0
_MOST_PEOPLE = 4
"""Whose state is kept; that of others begins anew."""


class EmotionMonitor:
    """All channels, and how each of the people seems to feel whose face counted lately: what is said is taken for said
    by the last of them. A channel that fails is reported once and does not count until it works again."""

    def __init__(
        self,
        channels: Mapping[str, EmotionChannel[Any]],
        fusion: EmotionFusion,
        emit: Callable[[Event], None],
    ) -> None:
        self._channels = dict(channels)
        self._people: dict[int | None, EmotionFusion] = {None: fusion}
        """By track, who counted last at the end; None while nobody was seen."""
        self._emit = emit
        self._workers = {
            name: Worker(f"{EMOTION}-{name}", timeout_s=_TIMEOUT_S, restart_helps=False) for name in self._channels
        }
        self._failed: set[str] = set()
        self.resting = False
        """While it rests no channel runs, and what was observed before fades."""

    @classmethod
    def create(
        cls,
        config: Config,
        models: ModelStore,
        emit: Callable[[Event], None],
        now_s: float,
        missing: Callable[[Event], None] | None = None,
    ) -> EmotionMonitor:
        """The channels of `emotion.channels`. One that cannot be built (its model is missing) is reported to `missing`,
        at once and on the caller's thread, and left out; `emit` gets whatever happens later.

        Raises `ConfigError` for a name that is not registered and for a fusion that lacks what it needs.
        """
        channels: dict[str, EmotionChannel[Any]] = {}
        for name in config.emotion.channels:
            try:
                backend = resolve(CHANNELS, name, kind="emotion channel")
                channels[name] = backend.create(config, models)
            except AssistantError as error:
                if name not in CHANNELS:
                    raise
                (missing or emit)(StageFailed(now_s, f"{EMOTION}-{name}", error.message, error.remedy or ""))
        head = resolve(FUSIONS, config.emotion.fusion, kind="emotion fusion").create(config, models)
        return cls(channels, EmotionFusion(config.emotion, head), emit)

    async def face(self, evidence: FaceEvidence) -> EmotionEstimate | None:
        """Look at a face, and take whoever it belongs to for who talks from now on."""
        self._turn_to(evidence.track_id)
        return await self._run("face", evidence, evidence.frame.at_s)

    async def voice(self, utterance: Utterance) -> EmotionEstimate | None:
        """Listen to how something was said."""
        return await self._run("voice", utterance, utterance.at_s)

    async def text(self, transcript: Transcript) -> EmotionEstimate | None:
        """Read what was said."""
        return await self._run("text", transcript, transcript.at_s)

    def state(self, now_s: float, turn_id: int | None = None) -> EmotionState | None:
        """How the person seems to feel now; None before anything was observed of them."""
        return self._current.state(now_s, turn_id)

    def close(self) -> None:
        """Let the workers end; safe to call twice."""
        for worker in self._workers.values():
            worker.close()

    @property
    def _current(self) -> EmotionFusion:
        return next(reversed(self._people.values()))

    def _turn_to(self, track_id: int | None) -> None:
        """A face without a track may be anybody's: it changes nothing."""
        if track_id is None:
            return
        fusion = self._people.pop(track_id, None)
        if fusion is None:  # somebody new, or whoever was heard before anyone was seen
            fusion = self._people.pop(None, None) or self._current.for_another()
        self._people[track_id] = fusion
        while len(self._people) > _MOST_PEOPLE:
            del self._people[next(iter(self._people))]

    async def _run(self, name: str, evidence: object, at_s: float) -> EmotionEstimate | None:
        """The channel's estimate; None without one, and while the channel is switched off or fails."""
        channel = self._channels.get(name)
        if channel is None or self.resting:
            return None
        stage, fusion = f"{EMOTION}-{name}", self._current  # somebody else may count by the time that it is done
        try:
            estimate = await self._workers[name].run(channel.estimate, evidence)
        except Exception as error:  # whatever a channel raises, the conversation goes on without it
            if name not in self._failed:
                self._failed.add(name)
                remedy = (error.remedy or "") if isinstance(error, AssistantError) else ""
                message = error.message if isinstance(error, AssistantError) else f"{type(error).__name__}: {error}"
                self._emit(StageFailed(at_s, stage, message, remedy))
            return None
        if name in self._failed:
            self._failed.remove(name)
            self._emit(StageRecovered(at_s, stage))
        if estimate is not None:
            fusion.update(estimate)
            self._emit(estimate)
        return estimate
