"""What does not work now, as an observer learns it: kept for who asks, and said aloud once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Protocol

import anyio

from assistant.config import Config
from assistant.conversation.unanswered import Unanswered
from assistant.dialogue.replies import phrase
from assistant.errors import ControlError
from assistant.events import (
    Event,
    Notice,
    PlaybackFinished,
    SceneState,
    StageFailed,
    StageRecovered,
    Transcript,
)
from assistant.han import spoken_language
from assistant.health import LastFailure
from assistant.ports import TurnObserver
from assistant.stages import (
    CAMERA,
    MICROPHONE,
    OVERLOAD,
    RECOGNIZER,
    RECOGNIZER_PROCESS,
    SPEAKER,
    STATE,
    VISION,
    VOICE_ACTIVITY_DETECTOR,
    runs_on_request,
)

_PATIENCE_S = 4.0
"""What works again so soon is not worth a word aloud."""

_SENSES = {
    MICROPHONE: "hear",
    VOICE_ACTIVITY_DETECTOR: "hear",
    RECOGNIZER: "understand",
    RECOGNIZER_PROCESS: "understand",
    CAMERA: "see",
    VISION: "see",
    OVERLOAD: "keep_up",
    STATE: "save",
}
"""Stage → what the assistant cannot do without it. Skills speak of the others when they are asked for."""

_PATIENCE_OF_S = {RECOGNIZER: 0.0, OVERLOAD: 10.0}
"""Who has just spoken waits for a word, and the next failure comes only with the next utterance. A machine that was too
slow for a moment has lost what it lost; only one that goes on like that is worth a word."""

_TOLD_ANYWAY = {RECOGNIZER}
"""What somebody said is lost, and they are to know it, though the next is understood."""

_CERTAIN_AFTER_S = {OVERLOAD: 30.0}
"""What has worked for so long is back. A machine that is too slow keeps up for a while whenever nobody speaks."""

_TOLD_AGAIN_S = (0.0, 10.0, 30.0, 60.0, 300.0)
"""From a speaker's return to the next try to tell what nobody could be told without one, by the tries since something
was last heard; the last one repeats. A speaker that takes silence and no speech seems to be back again and again."""


class Troubles(TurnObserver):
    """What does not work, as far as it is known."""

    def __init__(self) -> None:
        self.now: dict[str, str] = {}
        """Stage → reason, of those that do not work now."""
        self._last: dict[str, StageFailed] = {}
        """By stage, of those that failed when they were asked for last."""

    def on_event(self, event: Event) -> None:
        """Remember which stages fail."""
        if isinstance(event, StageFailed) and runs_on_request(event.stage):
            self._last[event.stage] = event
        elif isinstance(event, StageFailed):
            self.now[event.stage] = event.error
        elif isinstance(event, StageRecovered):
            self.now.pop(event.stage, None)
            self._last.pop(event.stage, None)

    def last_failures(self, now_s: float) -> dict[str, LastFailure]:
        """By stage, of what failed when it was asked for last and was not since."""
        return {stage: LastFailure(event.error, now_s - event.at_s) for stage, event in self._last.items()}


class Voice(Protocol):
    """Who says it: `assistant.controls.LiveControls`."""

    muted: bool

    async def announce(self, text: str, language: str, still: Callable[[], bool]) -> object:
        """Say something as soon as nobody else speaks, if it is `still` to be said then."""

    def start(self, name: str, task: Callable[[], Awaitable[None]]) -> object:
        """Run a task beside the conversation, from the next turn of the loop on. Raises `ControlError` outside one."""


class SpokenTroubles(TurnObserver):
    """Says "I can't see right now" once sight is lost for a while, and says so when it is back; and once there is a
    speaker again, that it could not answer.

    A camera that has never worked is not mentioned: who asks what it sees is told, and nobody else misses it. Nor is
    anything while it is muted, when it neither hears nor sees on purpose; what is still lost afterwards is.
    """

    def __init__(self, troubles: Mapping[str, str], voice: Voice, config: Config) -> None:
        """`troubles` is stage → reason."""
        self._troubles = troubles
        self._voice = voice
        self._language = _first_language(config)
        self._has_seen = False
        self._told: set[str] = set()
        """Senses whose loss was told, or is being told."""
        self._telling: set[str] = set()
        """Those of which nobody knows yet whether it was heard."""
        self._about_to_tell: set[str] = set()
        """Stages; one is more urgent than another."""
        self._losses: Counter[str] = Counter()
        self._last_said = ""
        self._tries = 0
        """To tell again what is lost, since something was last heard to its end."""
        self._about_to_try = False
        self._unanswered = Unanswered()

    def on_event(self, event: Event) -> None:
        """Take note of what is lost and found, and of the language that is spoken."""
        self._unanswered.note(event, no_speaker=SPEAKER in self._troubles)
        if isinstance(event, Transcript):
            self._language = spoken_language(event.language)
        elif isinstance(event, SceneState):
            self._has_seen = True
        elif isinstance(event, PlaybackFinished):
            if event.completed and event.text:
                self._last_said, self._tries = event.text, 0
        elif isinstance(event, Notice) and event.kind == "unmuted":
            self._expect_losses()
        elif isinstance(event, StageRecovered) and event.stage == SPEAKER:
            if (turn_id := self._unanswered.waiting(event.at_s)) is not None:
                self._start("unanswered", lambda: self._tell_unanswered(turn_id))
            self._expect_losses_again()
        elif isinstance(event, (StageFailed, StageRecovered)) and event.stage in _SENSES:
            sense = _SENSES[event.stage]
            if isinstance(event, StageFailed):
                self._losses[sense] += 1
                self._expect_loss(sense, event.stage)
            elif sense in self._told - self._telling and not self._lost(sense):
                self._start(f"return: {sense}", lambda: self._tell_return(sense, event.stage))

    def _expect_losses(self) -> None:
        for stage in self._troubles.keys() & _SENSES.keys():
            self._expect_loss(_SENSES[stage], stage)

    def _expect_losses_again(self) -> None:
        """There is a speaker again: nobody may have been told of them."""
        self._about_to_try = self._about_to_try or self._start("losses", self._try_to_tell_losses)

    def _expect_loss(self, sense: str, stage: str) -> None:
        if stage in self._about_to_tell or sense in self._told or (sense == "see" and not self._has_seen):
            return
        if self._start(f"loss: {sense}", lambda: self._tell_loss(sense, stage)):
            self._about_to_tell.add(stage)

    def _start(self, name: str, task: Callable[[], Awaitable[None]]) -> bool:
        """Run it if there is a conversation. What can fail just before one is the state, which is then tried anew, and
        told anew, as it begins; after one nobody is left to be told."""
        with suppress(ControlError):
            self._voice.start(name, task)
            return True
        return False

    def _lost(self, sense: str) -> bool:
        return any(_SENSES.get(stage) == sense for stage in self._troubles)

    async def _try_to_tell_losses(self) -> None:
        await anyio.sleep(_TOLD_AGAIN_S[min(self._tries, len(_TOLD_AGAIN_S) - 1)])
        self._about_to_try = False
        self._expect_losses()
        self._tries += bool(self._about_to_tell)

    async def _tell_loss(self, sense: str, stage: str) -> None:
        losses = self._losses[sense]
        await anyio.sleep(_PATIENCE_OF_S.get(stage, _PATIENCE_S))
        comes_and_goes = stage in _CERTAIN_AFTER_S and self._losses[sense] > losses

        def lost() -> bool:
            return self._lost(sense) or comes_and_goes or stage in _TOLD_ANYWAY

        told = False

        def still() -> bool:
            nonlocal told
            # What is over by the time that somebody can be told, or was told of another stage, is not worth a word.
            told = lost() and sense not in self._told
            if told:
                self._told.add(sense)
                self._telling.add(sense)
            return told

        heard = lost() and await self._say(f"cannot_{sense}", still)
        self._about_to_tell.discard(stage)
        if not told:
            return
        self._telling.discard(sense)
        if not heard:
            self._told.discard(sense)  # the next failure is worth a word, and its end is not
        elif not self._lost(sense):
            await self._tell_return(sense, stage)  # it was back before it had been told, so no recovery will say so

    async def _tell_return(self, sense: str, stage: str) -> None:
        losses = self._losses[sense]
        await anyio.sleep(_CERTAIN_AFTER_S.get(stage, 0.0))
        if sense in self._told and self._losses[sense] == losses:
            self._told.discard(sense)
            await self._say(f"can_{sense}_again")

    async def _tell_unanswered(self, turn_id: int) -> None:
        await self._say("could_not_answer", lambda: self._unanswered.was_last(turn_id))

    async def _say(self, key: str, still: Callable[[], bool] = lambda: True) -> bool:
        """Say it if it is `still` to be said when its turn comes. Whether it was heard to its end."""
        if self._voice.muted:
            return False
        text, self._last_said = phrase(key, self._language), ""
        await self._voice.announce(text, self._language, lambda: not self._voice.muted and still())
        return self._last_said == text


def _first_language(config: Config) -> str:
    """The language to speak in before anybody has spoken."""
    for language in (config.dialogue.reply_language, config.asr.language):
        if language in ("en", "zh"):
            return language
    return "en"
