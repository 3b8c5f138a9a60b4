"""A short word over a reply that nobody understands may be a "stop" that the echo covered. Soon after another one it is
taken for a stop, whatever either was heard as: whoever says "stop" to no avail says it again.
"""

from __future__ import annotations

import math

from assistant.events import Utterance

_SHORT_S = 1.2
"""Longer speech is no such word: it is other people's, or a television's."""
_AGAIN_S = 6.0
"""From the end of the first to the beginning of the second: the reply has gone on meanwhile."""


class Insistence:
    """Remembers the last such word."""

    def __init__(self) -> None:
        self._turn_id = 0
        self._ended_at_s = -math.inf

    def again(self, turn_id: int, utterance: Utterance) -> bool:
        """Note what was said over a turn's reply and not understood; whether it is the second short one in a row."""
        if utterance.ended_at_s - utterance.started_at_s > _SHORT_S:
            self._ended_at_s = -math.inf  # so was what came before it
            return False
        again = turn_id == self._turn_id and utterance.started_at_s - self._ended_at_s <= _AGAIN_S
        self._turn_id, self._ended_at_s = turn_id, utterance.ended_at_s
        return again
