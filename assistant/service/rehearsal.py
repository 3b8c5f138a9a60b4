"""Has a slow voice make what its replies begin with in advance, while nobody speaks."""

from __future__ import annotations

import logging
import math

import anyio

from assistant.caption import chinese
from assistant.config import Config
from assistant.dialogue.beginnings import beginnings
from assistant.errors import StageError
from assistant.events import (
    Event,
    PlaybackFinished,
    PlaybackStarted,
    ReplyChunk,
    SpeechDiscarded,
    SpeechEnded,
    SpeechPaused,
    SpeechResumed,
    SpeechStarted,
    TurnFinished,
    TurnStarted,
)
from assistant.tts.process import SpeechProcess

_LOG = logging.getLogger(__name__)
BEGINNINGS = {"zh": sorted({*chinese.BEGINNINGS, *beginnings()}, key=lambda text: (len(text), text))}
"""By language, the shortest first: they are made soonest and said most. The English voice needs none: it is a hundred
times faster than it speaks."""
_QUIET_S = 2.0
"""Nobody has spoken for so long, and nothing was answered or played: whatever is said next takes longer than to make
one."""
_NO_QUIET_S = 60.0
"""Where it is never quiet, one is made so often: a television must not keep the voice slow for ever."""
_LOOKS_EVERY_S = 0.2
_AGAIN_S, _LONGEST_WAIT_S = 5.0, 600.0
"""From a failure to the next try, the first time and at most; it doubles. The process may have been killed for its
memory, or the voice may be left alone until it speaks again: either comes back, and nobody hears of it."""
_SPEECH = ("speech", 0)


class Rehearsal:
    """A `TurnObserver`, so that it knows when nobody speaks."""

    def __init__(self, voices: SpeechProcess, config: Config) -> None:
        self._voices = voices
        self._in_use = {language: anyio.Event() for language in BEGINNINGS}
        for language in set(BEGINNINGS).intersection(config.tts.preload):
            self._in_use[language].set()
        self._goes_on: set[tuple[str, int]] = set()
        """Speech, turns, and what is played, by their numbers: an announcement is played without a turn."""
        self._quiet_since_s = -math.inf
        """When anything ended last."""

    def on_event(self, event: Event) -> None:
        """Note who speaks, and which language is spoken."""
        match event:
            case SpeechStarted() | SpeechPaused() | SpeechResumed():
                self._goes_on.add(_SPEECH)
            case SpeechEnded() | SpeechDiscarded():
                self._end(_SPEECH)
            case TurnStarted(turn_id=turn_id):
                self._goes_on.add(("turn", turn_id))
            case TurnFinished(turn_id=turn_id):
                self._end(("turn", turn_id))
            case PlaybackStarted(turn_id=turn_id):
                self._goes_on.add(("playback", turn_id))
            case PlaybackFinished(turn_id=turn_id):
                self._end(("playback", turn_id))
            case ReplyChunk(language=language) if language in self._in_use:
                self._in_use[language].set()

    def _end(self, what: tuple[str, int]) -> None:
        self._goes_on.discard(what)
        self._quiet_since_s = anyio.current_time()

    async def run(self) -> None:
        """Until all is made; to be called when the assistant has started."""
        self._quiet_since_s = anyio.current_time()
        async with anyio.create_task_group() as group:
            for language in BEGINNINGS:
                group.start_soon(self._rehearse, language)

    async def _rehearse(self, language: str) -> None:
        await self._in_use[language].wait()
        wait_s, told = _AGAIN_S, ""
        missing = 1
        while missing:
            await self._until_quiet()
            try:
                missing = await self._voices.rehearse(language)
            except StageError as error:  # whoever is answered by this voice is told
                level, told = logging.DEBUG if error.message == told else logging.INFO, error.message
                _LOG.log(level, "What replies in '%s' begin with is not made in advance: %s", language, told)
                if error.exit_code != StageError.exit_code:  # it lacks a model or a program
                    return
                await anyio.sleep(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
            else:
                _LOG.debug("%d of what replies in '%s' begin with are yet to be made.", missing, language)
                wait_s = _AGAIN_S

    async def _until_quiet(self) -> None:
        with anyio.move_on_after(_NO_QUIET_S):
            while not self._is_quiet():  # noqa: ASYNC110 (nothing tells of it)
                await anyio.sleep(_LOOKS_EVERY_S)

    def _is_quiet(self) -> bool:
        return not self._goes_on and anyio.current_time() >= self._quiet_since_s + _QUIET_S
