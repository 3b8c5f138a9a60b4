"""What is done while the endpointer still waits: recognise, tell it how long to wait, prepare the first sentence.

Nothing of it is heard, shown as final or acted upon before the turn is committed, and it is void when the person goes
on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Protocol

from assistant.asr.transcriber import Transcriber
from assistant.common import Common
from assistant.conversation.floor import Floor
from assistant.conversation.reply import Sentence
from assistant.conversation.speaking import Speaking
from assistant.dialogue.small_words import unclear_stop
from assistant.errors import AssistantError
from assistant.events import Transcript, Utterance
from assistant.han import script_language
from assistant.ports import Recognition
from assistant.vad.habits import PauseHabits
from assistant.wake.attention import Attention


class Foresight(Protocol):
    """What can be known of an answer before it is given: `assistant.conversation.answering.Answering`, or a double."""

    async def end_silence_s(self, text: str, language: str, *, over_reply: bool) -> float:
        """How long someone who said `text` must be silent to have finished. Raises `StageError`."""

    async def expected(self, text: str, language: str, turn_id: int) -> Sentence | None:
        """The first sentence of the answer where finding it out has no effect, else None. Raises `StageError`."""


class HeadStart:
    """Works ahead of the decision that an utterance has ended; one utterance at a time."""

    def __init__(
        self,
        common: Common,
        transcriber: Transcriber,
        attention: Attention,
        foresight: Foresight,
        speaking: Speaking,
        floor: Floor,
        habits: PauseHabits,
        *,
        overlaps: Callable[[Utterance], bool],
        end_after: Callable[[float, Utterance], None],
    ) -> None:
        """`overlaps` tells what was said over a turn, or while something rings; `end_after` has the endpointer end the
        pause of an utterance after that many seconds of silence."""
        self._transcriber = transcriber
        self._attention = attention
        self._foresight = foresight
        self._speaking = speaking
        self._floor = floor
        self._habits = habits
        self._overlaps = overlaps
        self._end_after = end_after
        self._clock, self._emit = common.clock, common.emit
        self._pause: Utterance | None = None
        """What was said before the pause that lasts."""
        self._working = False
        self._handing_on = False
        self._unmeant_s = -math.inf
        """When the utterance was begun that was not for the assistant as far as it was recognised last."""

    def paused(self, utterance: Utterance) -> None:
        """The person paused: `work` has something to do, unless they go on or it is committed before it begins. Until
        the words are known, before which no answer could come, they are waited for as if more were to come; but not
        what was not for the assistant so far, such as a television's."""
        self._pause = utterance
        if utterance.started_at_s != self._unmeant_s:
            self._end_after(self._habits.longest_s, utterance)

    async def work(self) -> None:
        """Work on the pause that lasts. A decoder that is behind takes the newest one when all that was said before has
        been dealt with, if it still lasts: it holds one utterance at a time, and would have to begin the others anew.
        """
        if self._working:
            return
        self._working = True
        try:
            taken: Utterance | None = None
            while True:
                await self._floor.caught_up()
                if self._pause is None or self._pause is taken:
                    break
                taken, asked = self._pause, await self._work_on(self._pause)
        finally:
            self._working = False
        if taken is not None and asked is not None and self._may_prepare(taken):
            await self._prepare(*asked, taken)  # a voice takes its time, which the next pause need not wait for

    def void(self) -> None:
        """The person went on: nothing of what was prepared will be needed."""
        self._pause = None
        self._speaking.discard()

    def commit(self) -> None:
        """The end is certain: what is not begun by now is the turn's own work."""
        self._pause = None

    async def hand_on(self, utterance: Utterance) -> None:
        """Let a streaming recogniser have what is new, and show what it makes of it. One that is behind gets more at a
        time, for the next `utterance` begins where this one does, and nothing while the last one waits."""
        if self._handing_on or self._floor.behind:
            return
        self._handing_on = True
        try:
            text = await self._transcriber.partial(utterance)
        except AssistantError:
            return  # the recognition proper will fail too, and say so
        finally:
            self._handing_on = False
        if text:
            self._show(Recognition(text, script_language(text), 0.0), utterance)

    async def _work_on(self, utterance: Utterance) -> tuple[str, str] | None:
        """Recognise and tell the endpointer how long to wait; what is asked and its language, None if nothing is."""
        silence_s = self._habits.usual_s
        try:
            timed = await self._transcriber.recognize(utterance, over_reply=self._overlaps(utterance))
            recognition = timed.recognition
            command = self._show(recognition, utterance)
            silence_s = await self._end_silence_s(command, recognition, utterance)
        except AssistantError:
            return None  # the recognition proper will fail too, and say so
        finally:
            self._end_after(silence_s, utterance)
        return (command, recognition.language) if command else None

    async def _end_silence_s(self, command: str, recognition: Recognition, utterance: Utterance) -> float:
        over_reply = self._overlaps(utterance)
        if not command and not over_reply:
            return self._habits.usual_s
        text, language = command or recognition.text, recognition.language
        if over_reply and (stop := unclear_stop(recognition)) is not None:
            text = stop
        return self._habits.end_silence_s(await self._foresight.end_silence_s(text, language, over_reply=over_reply))

    async def _prepare(self, command: str, language: str, utterance: Utterance) -> None:
        try:
            sentence = await self._foresight.expected(command, language, self._floor.last_turn_id + 1)
        except AssistantError:
            return  # the answer proper will fail too, and say so
        if sentence is not None and self._may_prepare(utterance):
            await self._speaking.prepare(sentence)

    def _may_prepare(self, utterance: Utterance) -> bool:
        """Whether the pause still lasts, and no reply needs the voice."""
        return self._pause is utterance and self._floor.current is None

    def _show(self, recognition: Recognition, utterance: Utterance) -> str:
        """What the words so far ask of the assistant, shown as a partial transcript; empty if they ask nothing, or if
        it was muted since, which discards what is being said."""
        admission = self._attention.admit(recognition.text, utterance.started_at_s)
        # The beginning of a wake phrase, or a breath, tells nothing yet.
        if recognition.text.strip() and self._pause is utterance:
            self._unmeant_s = utterance.started_at_s if admission is None else -math.inf
        if admission is None or not admission.command or self._attention.muted_since(utterance.at_s):
            return ""
        if admission.match is not None or not self._speaking.overlaps(utterance):
            now_s, turn_id = self._clock.monotonic_s(), self._floor.last_turn_id + 1
            self._emit(
                Transcript(
                    now_s, turn_id, admission.command, recognition.language, recognition.confidence, is_final=False
                )
            )
        return admission.command
