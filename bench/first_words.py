"""How often a short “stop” at the very beginning of a reply is noticed on open speakers, how often it is understood,
and how often the reply ends by the time that it was said twice: python -m bench.first_words

Simulated rooms as in `bench.echo`; the way from speaker to microphone is known from earlier replies, or from two
seconds of one, or the reply is the first one ever. The last line is JSON.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from rich.console import Console
from rich.table import Table

from assistant.asr import RECOGNIZERS
from assistant.audio.echo import EchoGuard
from assistant.config import Config
from assistant.conversation.insistence import Insistence
from assistant.dialogue.interpreter import HassilInterpreter
from assistant.dialogue.small_words import is_backchannel, is_courtesy, unclear_stop
from assistant.events import AudioArray, Utterance
from assistant.models.store import ModelStore
from assistant.ports import Recognizer
from assistant.registry import resolve
from bench import speech_sets
from bench.echo import CACHE, DECIDE_S, VOICE_HZ, Ears, levelled, replies, rooms
from bench.speech_sets import SAMPLE_RATE_HZ
from tests.doubles.rooms import Loudspeaker, Playback, Room

WORDS = (("Stop.", "en", "jf_nezumi"), ("Stop.", "en", "jm_kumo"), ("停。", "zh", "jf_nezumi"))
MANDARIN = ("停。", "zh", "fastspeech2")
"""By the only voice here whose mother tongue it is, the assistant's own one; the replies are in English."""
ROOMS = 12
_REPLIES = 3
"""That make the way known."""
_SHORT_S = 2.0
"""A single one that is as short makes it known a little."""
RATIOS_DB = (10, 5, 0, -5)
ONSETS_S = (0.1, 0.3, 0.6, 1.0, 2.0)
_AGAIN_S = 2.0
"""After the first time it is said again, where that did not stop the reply."""
_BETWEEN_S = 30.0
"""From the replies that made the way known to the one that is spoken over."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A guard after some replies in a room."""

    guard: EchoGuard
    until_s: float


def _after(ears: Ears, room: Room, known_from: Sequence[AudioArray], number: int) -> _Known:
    guard, speaker = EchoGuard(), Loudspeaker(room, Playback.of(known_from, seed=number))
    ears.hear(speaker, np.zeros(speaker.count, np.float32), guard=guard)
    return _Known(guard, speaker.count / SAMPLE_RATE_HZ + _BETWEEN_S)


class _Understanding:
    """The recogniser, and what tells a stop from other words over a reply."""

    def __init__(self, recognizer: Recognizer, interpreter: HassilInterpreter) -> None:
        self._recognizer = recognizer
        self._interpreter = interpreter

    def stops(self, utterances: Sequence[Utterance], insistence: Insistence) -> bool:
        """Whether what was recognised would end the reply, be it for being said again."""
        return any(self._stops(utterance, insistence) for utterance in utterances)

    def _stops(self, utterance: Utterance, insistence: Insistence) -> bool:
        stream = self._recognizer.open(None)
        stream.accept(utterance.samples)
        recognition = stream.result(over_reply=True)
        intent = self._interpreter.interpret(recognition.text, recognition.language)
        if intent is not None or unclear_stop(recognition) is not None:
            return intent is None or intent.name == "stop"
        says_nothing = is_backchannel(recognition.text) or is_courtesy(recognition.text)
        return not says_nothing and insistence.again(1, utterance)


def _said_over(
    ears: Ears, room: Room, chunks: Sequence[AudioArray], word: AudioArray, number: int, onset_s: float, known: _Known
) -> list[Utterance] | None:
    """What was heard of the word, as far as it ended in time; None where nothing was noticed. The reply falls silent
    when it is."""
    playback = Playback.of(chunks[20 + number : 23 + number], seed=100 + number, last_reply=3, runs=_REPLIES)
    speaker = Loudspeaker(room, playback)
    begins_s = playback.chunks[0].begins_s + onset_s
    until_s = begins_s + len(word) / SAMPLE_RATE_HZ + DECIDE_S
    near = np.zeros(round((until_s + 2.0) * SAMPLE_RATE_HZ), np.float32)
    begin = round(begins_s * SAMPLE_RATE_HZ)
    near[begin : begin + len(word)] = word
    guard = copy.deepcopy(known.guard)
    heard = ears.hear(speaker, near, cut_after_s=begins_s, guard=guard, from_s=known.until_s)
    if not any(begins_s < at_s < until_s for at_s in heard.started_at_s):
        return None
    return [
        utterance
        for utterance in heard.utterances
        if utterance.started_at_s - known.until_s < until_s and utterance.ended_at_s - known.until_s > begins_s
    ]


def main() -> None:
    config = Config()
    models = ModelStore(config.models.dir)
    recognizer = resolve(RECOGNIZERS, config.asr.backend, kind="recogniser").create(config, models)
    understanding = _Understanding(recognizer, HassilInterpreter.create(config, models))
    ears, chunks, console = Ears(models), replies(models, 200.0), Console()
    text, language, engine = MANDARIN
    clips = [speech_sets.spoken([text], language, (voice,), models, CACHE)[0] for text, language, voice in WORDS]
    clips += speech_sets.spoken_by(engine, [text], language, models)
    words = [levelled(clip.samples) for clip in clips]
    figures: dict[str, dict[str, dict[str, dict[str, float]]]] = {"heard": {}, "understood": {}, "said again": {}}
    for name in ("known", "second ever", "first ever"):
        table = Table(
            "speech over echo",
            *(f"after {onset_s} s" for onset_s in ONSETS_S),
            title=f"“stop” noticed / understood / said again, {name}",
        )
        for ratio_db in RATIOS_DB:
            heard, understood, again = (dict.fromkeys(map(str, ONSETS_S), 0.0) for _ in figures)
            for number, room in enumerate(replace(room, echo_db=-ratio_db) for room in rooms(ROOMS)):
                known_from = {
                    "known": chunks[number : number + _REPLIES],
                    "second ever": [chunks[number][: round(_SHORT_S * VOICE_HZ)]],
                    "first ever": [],
                }[name]
                known = _after(ears, room, known_from, number) if known_from else _Known(EchoGuard(), 0.0)
                for onset_s in ONSETS_S:
                    word, insistence = words[number % len(words)], Insistence()
                    said = _said_over(ears, room, chunks, word, number, onset_s, known)
                    stops = understanding.stops(said or (), insistence)
                    heard[str(onset_s)] += (said is not None) / ROOMS
                    understood[str(onset_s)] += stops / ROOMS
                    if not stops:
                        said = _said_over(ears, room, chunks, word, number, onset_s + _AGAIN_S, known)
                        stops = understanding.stops(said or (), insistence)
                    again[str(onset_s)] += stops / ROOMS
            for kind, shares in zip(figures, (heard, understood, again), strict=True):
                rounded = {onset: round(share, 2) for onset, share in shares.items()}
                figures[kind].setdefault(name, {})[f"{ratio_db:+d} dB"] = rounded
            cells = (f"{heard[at]:.0%} / {understood[at]:.0%} / {again[at]:.0%}" for at in heard)
            table.add_row(f"{ratio_db:+d} dB", *cells)
        console.print(table)
    recognizer.close()
    print(json.dumps({"bench": "first words", "rooms": ROOMS, **figures}))


if __name__ == "__main__":
    main()
