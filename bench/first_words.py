"""How often a short “stop” at the very beginning of a reply is heard on open speakers: python -m bench.first_words

Simulated rooms as in `bench.echo`; the way from speaker to microphone is known from earlier replies, or the reply is
the first one ever. The last line is JSON.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from rich.console import Console
from rich.table import Table

from assistant.audio.echo import EchoGuard
from assistant.config import Config
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from bench import speech_sets
from bench.echo import CACHE, DECIDE_S, Ears, levelled, replies, rooms
from bench.speech_sets import SAMPLE_RATE_HZ
from tests.doubles.rooms import Loudspeaker, Playback, Room

WORDS = (("Stop.", "en", "jf_nezumi"), ("Stop.", "en", "jm_kumo"), ("停。", "zh", "jf_nezumi"))
ROOMS = 12
RATIOS_DB = (10, 5, 0, -5)
ONSETS_S = (0.1, 0.3, 0.6, 1.0, 2.0)
_BETWEEN_S = 30.0
"""From the replies that made the way known to the one that is spoken over."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A guard after three replies in a room."""

    guard: EchoGuard
    until_s: float


def _after_replies(ears: Ears, room: Room, chunks: Sequence[AudioArray], number: int) -> _Known:
    guard, speaker = EchoGuard(), Loudspeaker(room, Playback.of(chunks[number : number + 3], seed=number))
    ears.hear(speaker, np.zeros(speaker.count, np.float32), guard=guard)
    return _Known(guard, speaker.count / SAMPLE_RATE_HZ + _BETWEEN_S)


def _is_heard(
    ears: Ears, room: Room, chunks: Sequence[AudioArray], word: AudioArray, number: int, onset_s: float, known: _Known
) -> bool:
    playback = Playback.of(chunks[20 + number : 23 + number], seed=100 + number, last_reply=3)
    speaker = Loudspeaker(room, playback)
    begins_s = playback.chunks[0].begins_s + onset_s
    until_s = begins_s + len(word) / SAMPLE_RATE_HZ + DECIDE_S
    near = np.zeros(round((until_s + 2.0) * SAMPLE_RATE_HZ), np.float32)
    begin = round(begins_s * SAMPLE_RATE_HZ)
    near[begin : begin + len(word)] = word
    heard = ears.hear(speaker, near, guard=copy.deepcopy(known.guard), from_s=known.until_s)
    return any(begins_s < at_s < until_s for at_s in heard.started_at_s)


def main() -> None:
    models = ModelStore(Config().models.dir)
    ears, chunks, console = Ears(models), replies(models, 200.0), Console()
    said = [speech_sets.spoken([text], language, (voice,), models, CACHE)[0] for text, language, voice in WORDS]
    words = [levelled(clip.samples) for clip in said]
    figures: dict[str, dict[str, dict[str, float]]] = {}
    for name in ("known", "first ever"):
        table = Table("speech over echo", *(f"after {onset_s} s" for onset_s in ONSETS_S), title=f"“stop”, {name}")
        for ratio_db in RATIOS_DB:
            shares = dict.fromkeys(map(str, ONSETS_S), 0.0)
            for number, room in enumerate(replace(room, echo_db=-ratio_db) for room in rooms(ROOMS)):
                known = _Known(EchoGuard(), 0.0) if name != "known" else _after_replies(ears, room, chunks, number)
                for onset_s in ONSETS_S:
                    word = words[number % len(words)]
                    shares[str(onset_s)] += _is_heard(ears, room, chunks, word, number, onset_s, known) / ROOMS
            figures.setdefault(name, {})[f"{ratio_db:+d} dB"] = {on: round(share, 2) for on, share in shares.items()}
            table.add_row(f"{ratio_db:+d} dB", *(f"{share:.0%}" for share in shares.values()))
        console.print(table)
    print(json.dumps({"bench": "first words", "rooms": ROOMS, "heard": figures}))


if __name__ == "__main__":
    main()
