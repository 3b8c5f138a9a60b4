"""The follow-up window as a person sees it: from when on no wake phrase is needed, and from when on it is again."""

from __future__ import annotations

import math

import anyio

from assistant.audio import earcons
from assistant.common import Common
from assistant.conversation.floor import Floor
from assistant.conversation.speaking import Speaking
from assistant.events import Notice
from assistant.wake.attention import Attention, window_ended, window_opened

_LATE_S = 0.34
"""What microphone and detector add to `vad.min_speech_s` of voice before `SpeechStarted`."""
_WORTH_S = 1.0
"""Nobody who reads that less is left could make use of it."""


class Window:
    """Shows when it opens and when it ends."""

    def __init__(self, common: Common, attention: Attention, floor: Floor, speaking: Speaking) -> None:
        self._attention = attention
        self._speaking = speaking
        self._floor = floor
        self._clock, self._emit = common.clock, common.emit
        self._config = common.config.wake
        self._known_within_s = common.config.vad.min_speech_s + _LATE_S
        self._scope = anyio.CancelScope()

    async def show(self, until_s: float) -> None:
        """Show that no wake phrase is needed until then, and afterwards that it is again, unless it ends otherwise.
        Muted, it is shown as that. Who called it and said nothing hears the end too, and with `wake.follow_up_sound`
        everybody does."""
        self._scope.cancel()  # whoever waits for the end of the last one waits in vain
        if until_s == math.inf or self._attention.muted:
            return
        with anyio.CancelScope() as scope:
            self._scope = scope
            now_s = self._clock.monotonic_s()
            if until_s - now_s >= _WORTH_S:
                text = window_opened(self._config, until_s - now_s)
                self._emit(Notice(now_s, "attentive", text, {"until_s": until_s}))
            # Who began within the window is still heard.
            await self._clock.sleep_until(until_s + self._known_within_s)
            await self._floor.settled(until_s + self._known_within_s)
            if self._attention.until_s == until_s and not scope.cancel_called:
                now_s = self._clock.monotonic_s()
                self._emit(Notice(now_s, "asleep", window_ended(self._config)))
                tells = self._attention.awaits_caller or self._config.follow_up_sound
                if tells and not self._floor.person_speaks:
                    await self._speaking.play(earcons.asleep(now_s, self._floor.last_turn_id))

    def mute(self) -> None:
        """Close the window, and open none until `unmute`."""
        self._scope.cancel()
        self._attention.mute()

    def unmute(self) -> None:
        """Let it be opened again."""
        self._attention.unmute()
