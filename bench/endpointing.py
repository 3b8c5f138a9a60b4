"""When the assistant thinks that someone has finished: early cut-offs and delay together.

Hesitant speech (sentences with pauses put into them), code-switched speech, fluent and fast commands and a person's own
prompts go through the voice-activity detector and the recogniser; what these make of them then goes, in virtual time,
through the endpointer and the head start that tells it how long to wait. What is cut off is joined with the rest where
only both together make sense; "lost" is what is not understood all the same. The last line is JSON.

usage: python -m bench.endpointing [--quick]
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import anyio
import numpy as np
from rich.console import Console
from rich.table import Table

from assistant.asr import RECOGNIZERS
from assistant.asr.transcriber import Timed
from assistant.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from assistant.audio.files import read_audio
from assistant.audio.scripted import SilentSpeaker
from assistant.clock import LoopClock
from assistant.common import Common
from assistant.config import Config, VadConfig, WakeConfig
from assistant.conversation.answering import Answering
from assistant.conversation.cut_off import CutOff
from assistant.conversation.floor import Floor
from assistant.conversation.head_start import HeadStart
from assistant.conversation.speaking import Speaking
from assistant.dialogue import INTERPRETERS
from assistant.dialogue.respond import Responder
from assistant.events import AudioArray, AudioFrame, Event, SpeechEnded, SpeechPaused, SpeechResumed, Utterance
from assistant.models.store import ModelStore
from assistant.ports import Interpreter, Recognition, Recognizer, VoiceActivityDetector
from assistant.registry import resolve
from assistant.telemetry.timeline import percentile
from assistant.tts.render import render_speech
from assistant.vad import DETECTORS
from assistant.vad.endpointing import Endpointer
from assistant.vad.habits import PauseHabits
from assistant.virtual_time import run_in_virtual_time
from assistant.wake.attention import Attention
from bench import speech_sets
from tests.doubles.context import GivenSenses, RecordedControls
from tests.doubles.conversation import HummingVoices, NoFeelings

CACHE = Path("out/bench/speech")
RECOGNITION_S, SLOW_RECOGNITION_S = 0.3, 0.6
"""How long the recogniser takes, and one on a slower machine."""
FAST = 1.4
"""How fast someone in a hurry speaks, as a voice's rate."""
LEAD_S, TAIL_S = 0.5, 3.0
_AFTER_S = 0.3
"""Silence that the recogniser gets after the last word."""
PAUSES_S = {"jm_kumo": 0.75, "jf_nezumi": 0.4}
"""Who speaks, and the middle of how long they hesitate."""
SPREAD = 0.35
SHORTEST_S, LONGEST_S = 0.2, 1.4

HESITANT = (
    (("Set a timer for", "five minutes."), "en"),
    (("What is the date", "tomorrow?"), "en"),
    (("How many people", "do you see?"), "en"),
    (("What time", "is it now?"), "en"),
    (("Is there", "a cup on the table?"), "en"),
    (("Set a timer for ten minutes", "and twenty seconds."), "en"),
    (("I want to know", "what you see."), "en"),
    (("Tell me", "um,", "how I look."), "en"),
    (("帮我设一个", "五分钟的计时器"), "zh"),
    (("你看到", "几个人"), "zh"),
    (("我想知道", "现在几点了"), "zh"),
    (("桌子上", "有没有杯子"), "zh"),
    (("今天", "是几号"), "zh"),
)
SWITCHED = (
    (("Set a timer,", "五分钟"), "zh"),
    (("How many people,", "你看到了"), "zh"),
    (("现在几点", "in the kitchen?"), "zh"),
    (("帮我", "cancel the timer."), "zh"),
)


Row: TypeAlias = dict[str, float | None]
"""Clips, the share that was cut off, those that are requests, the share of these that was lost by it, and delay of what
was not cut off; None where there is none."""
Asked: TypeAlias = tuple[str, dict[str, str]]
"""A request and its values."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One thing that someone wants to say."""

    samples: AudioArray
    kind: str
    speaker: str
    ends_at_s: float
    """When the last word is over."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What the networks make of a clip, whatever the endpointer does."""

    clip: Clip
    probabilities: list[float]
    texts: dict[float, tuple[str, str]]
    """When the speaker fell silent → the words so far and their language."""
    rests: dict[float, tuple[str, str]]
    """The same → the words from there on, and their language."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How long to wait."""

    name: str
    vad: VadConfig
    words: bool = False
    habits: bool = False
    recognition_s: float = RECOGNITION_S


def clips(models: ModelStore, *, quick: bool) -> list[Clip]:
    """In the order of speaking, speaker by speaker. Who speaks fast does so all the time, and is somebody else."""
    commands = [(text, "en") for text in speech_sets.COMMANDS_EN] + [(text, "zh") for text in speech_sets.COMMANDS_ZH]
    made = []
    for speaker in PAUSES_S:
        draw = random.Random(speaker)
        for kind, sentences in (("hesitant", HESITANT), ("switched", SWITCHED)):
            for parts, language in sentences[:: 3 if quick else 1]:
                made.append(_joined(parts, language, speaker, kind, draw, models))
        for text, language in commands[:: 8 if quick else 2]:
            made.append(_joined((text,), language, speaker, "fluent", draw, models))
        draw.shuffle(made)
    for speaker in PAUSES_S:
        made += [_fast(text, language, speaker, models) for text, language in commands[1 :: 12 if quick else 4]]
    for prompt in speech_sets.telephone(models, 6 if quick else 24):
        made.append(_clip([_voiced(prompt.samples)], "person", "person"))
    return made


def _joined(
    parts: Sequence[str], language: str, speaker: str, kind: str, draw: random.Random, models: ModelStore
) -> Clip:
    paths = render_speech([(part, language, speaker) for part in parts], CACHE, models)
    pieces: list[AudioArray] = []
    for path in paths:
        if pieces:
            pause_s = PAUSES_S[speaker] * float(np.exp(draw.gauss(0.0, SPREAD)))
            pieces.append(_silence(min(max(pause_s, SHORTEST_S), LONGEST_S)))
        pieces.append(_voiced(speech_sets.levelled(read_audio(path))))
    return _clip(pieces, kind, speaker)


def _fast(text: str, language: str, speaker: str, models: ModelStore) -> Clip:
    [path] = render_speech([(text, language, speaker)], CACHE, models, rate=FAST)
    return _clip([_voiced(speech_sets.levelled(read_audio(path)))], "fast", f"{speaker}, fast")


def _clip(pieces: Sequence[AudioArray], kind: str, speaker: str) -> Clip:
    said = np.concatenate([_silence(LEAD_S), *pieces])
    noise = np.random.default_rng(0).normal(0.0, 1e-4, len(said) + round(TAIL_S * SAMPLE_RATE_HZ))
    samples = (np.pad(said, (0, len(noise) - len(said))) + noise).astype(np.float32)
    return Clip(samples, kind, speaker, len(said) / SAMPLE_RATE_HZ)


def _voiced(samples: AudioArray) -> AudioArray:
    """Without the silence around the words."""
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    return samples[loud[0] : loud[-1] + 1]


def _silence(seconds: float) -> AudioArray:
    return np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)


def hear(clip: Clip, detector: VoiceActivityDetector, recognizer: Recognizer) -> Heard:
    """Run the networks over a clip, the recogniser at every pause."""
    detector.reset()
    endpointer = Endpointer(VadConfig(end_silence_s=10.0, end_silence_unfinished_s=10.0))
    heard = Heard(clip, [], {}, {})
    for frame in _frames(clip):
        heard.probabilities.append(detector.probability(frame.samples))
        for event in endpointer.accept(frame, heard.probabilities[-1]):
            if isinstance(event, SpeechPaused):
                ended_at_s = round(event.utterance.ended_at_s, 3)
                heard.texts[ended_at_s] = _words(event.utterance.samples, recognizer)
                if ended_at_s < clip.ends_at_s:
                    rest = clip.samples[round(ended_at_s * SAMPLE_RATE_HZ) :]
                    until = round((clip.ends_at_s - ended_at_s + _AFTER_S) * SAMPLE_RATE_HZ)
                    heard.rests[ended_at_s] = _words(_from_speech(rest[:until]), recognizer)
    return heard


def _words(samples: AudioArray, recognizer: Recognizer) -> tuple[str, str]:
    stream = recognizer.open(None)
    stream.accept(samples)
    result = stream.result()
    return result.text, result.language


def _from_speech(samples: AudioArray) -> AudioArray:
    """Without the silence before the words, but for a pre-roll."""
    loud = np.flatnonzero(np.abs(samples) > 0.02)
    first = int(loud[0]) if loud.size else 0
    return samples[max(0, first - round(VadConfig().pre_roll_s * SAMPLE_RATE_HZ)) :]


def _frames(clip: Clip) -> list[AudioFrame]:
    starts = range(0, len(clip.samples) - FRAME_SAMPLES + 1, FRAME_SAMPLES)
    return [
        AudioFrame(
            (start + FRAME_SAMPLES) / SAMPLE_RATE_HZ, clip.samples[start : start + FRAME_SAMPLES], SAMPLE_RATE_HZ
        )
        for start in starts
    ]


class KnownTexts:
    """A transcriber that knows already what it will hear, and takes its time all the same."""

    def __init__(self, recognition_s: float) -> None:
        self._recognition_s = recognition_s
        self.heard: Heard | None = None

    async def recognize(self, utterance: Utterance, *, over_reply: bool = False) -> Timed:
        """The text of `utterance`, after that time."""
        assert self.heard is not None
        text, language = self.heard.texts[round(utterance.ended_at_s, 3)]
        asked_at_s = anyio.current_time()
        await anyio.sleep(self._recognition_s)
        return Timed(Recognition(text, language, 1.0), asked_at_s, anyio.current_time(), self._recognition_s)


class Ends:
    """Where a policy ends the clips of one speaker, who is got to know on the way. Needs an event loop in virtual
    time."""

    def __init__(self, policy: Policy, answering: Answering) -> None:
        self._policy = policy
        self._answering = answering
        self._clock = LoopClock()
        self._habits = PauseHabits(policy.vad)
        self._transcriber = KnownTexts(policy.recognition_s)

    async def end_s(self, heard: Heard) -> float:
        """When the first utterance of the clip ends."""
        self._transcriber.heard = heard
        endpointer, begun_at_s = Endpointer(self._policy.vad), self._clock.monotonic_s()
        head_start = self._head_start(endpointer)
        async with anyio.create_task_group() as group:
            for frame, probability in zip(_frames(heard.clip), heard.probabilities, strict=True):
                await self._clock.sleep_until(begun_at_s + frame.at_s)
                for event in endpointer.accept(frame, probability):
                    if self._policy.habits:
                        self._habits.note(event)
                    if isinstance(event, SpeechPaused) and self._policy.words:
                        head_start.paused(event.utterance)
                        group.start_soon(head_start.work)
                    elif isinstance(event, SpeechResumed):
                        head_start.void()
                    elif isinstance(event, SpeechEnded):
                        if self._policy.habits:
                            self._habits.learn(event.utterance)
                        group.cancel_scope.cancel()
                        return event.at_s
        return len(heard.clip.samples) / SAMPLE_RATE_HZ

    def _head_start(self, endpointer: Endpointer) -> HeadStart:
        """That of a conversation in which nothing was said yet and everything is meant."""
        clock, config = self._clock, Config(wake=WakeConfig(mode="always"))
        common = Common.create(config, clock, _nothing)
        attention = Attention(config.wake, clock)
        speaking = Speaking(common, HummingVoices(), SilentSpeaker(clock), guard=None)
        floor = Floor(common, speaking)
        transcriber: Any = self._transcriber
        return HeadStart(
            common,
            transcriber,
            attention,
            self._answering,
            speaking,
            floor,
            self._habits,
            overlaps=floor.overlaps,
            end_after=endpointer.end_after,
        )


def _nothing(event: Event) -> None:
    """Nobody watches."""


async def judge(
    policy: Policy, heard: Sequence[Heard], answering: Answering, interpreter: Interpreter
) -> dict[str, Row]:
    """Early cut-offs, the requests that are lost by them, and delay, a kind of speech."""
    ends: dict[str, Ends] = {}
    late_s: dict[str, list[float]] = {}
    requests: Counter[str] = Counter()
    lost: Counter[str] = Counter()
    for item in heard:
        speaker = ends.setdefault(item.clip.speaker, Ends(policy, answering))
        end_s = await speaker.end_s(item)
        by_s = end_s - item.clip.ends_at_s
        wanted = _asked(interpreter, *item.texts[max(item.texts)])
        is_lost = by_s < 0.0 and wanted not in await _asked_in_pieces(item, end_s, answering, interpreter)
        for kind in (item.clip.kind, "all"):
            late_s.setdefault(kind, []).append(by_s)
            requests[kind] += wanted is not None
            lost[kind] += wanted is not None and is_lost
    return {kind: _row(by_s, requests[kind], lost[kind]) for kind, by_s in late_s.items()}


async def _asked_in_pieces(
    heard: Heard, end_s: float, answering: Answering, interpreter: Interpreter
) -> tuple[Asked | None, ...]:
    """What is asked for by what was ended at `end_s`, and by what came after it, as one piece and joined if need be."""
    cut_at_s = max(ended_at_s for ended_at_s in heard.texts if ended_at_s <= end_s)
    text, language = heard.texts[cut_at_s]
    first = _asked(interpreter, text, language)
    utterance = Utterance(end_s, heard.clip.samples, SAMPLE_RATE_HZ, 0.0, cut_at_s)
    cut_off = CutOff(answering)
    if first is None:
        cut_off.note(text, utterance)
    rest, _ = await cut_off.join(Recognition(*heard.rests[cut_at_s], 1.0), replace(utterance, started_at_s=cut_at_s))
    return first, _asked(interpreter, rest.text, rest.language)


def _asked(interpreter: Interpreter, text: str, language: str) -> Asked | None:
    intent = interpreter.interpret(text, language)
    return (intent.name, dict(intent.slots)) if intent is not None else None


def _row(late_s: Sequence[float], requests: int, lost: int) -> Row:
    """`late_s`: how long after the last word each clip was ended, negative if before it."""
    delays = [by_s for by_s in late_s if by_s >= 0.0]
    return {
        "clips": len(late_s),
        "cut_off": round(1.0 - len(delays) / len(late_s), 3),
        "requests": requests,
        "lost": round(lost / requests, 3) if requests else None,
        "delay_p50_s": round(percentile(delays, 50), 2) if delays else None,
        "delay_p95_s": round(percentile(delays, 95), 2) if delays else None,
    }


def policies() -> list[Policy]:
    """Fixed silences, the words, and the words with the speaker's own pauses, on two machines."""
    fixed = [
        Policy(f"{silence_s:g} s", VadConfig(end_silence_s=silence_s, end_silence_unfinished_s=max(silence_s, 1.2)))
        for silence_s in (0.4, 0.6, 0.8, 1.2)
    ]
    return [
        *fixed,
        Policy("words", VadConfig(), words=True),
        Policy("words, pauses", VadConfig(), words=True, habits=True),
        Policy("slow recogniser", VadConfig(), words=True, habits=True, recognition_s=SLOW_RECOGNITION_S),
    ]


async def _judge_all(heard: Sequence[Heard], config: Config, models: ModelStore) -> dict[str, dict[str, Row]]:
    responder, common = Responder.create(config, models), Common.create(config, LoopClock(), _nothing)
    feelings: Any = NoFeelings(0.0)
    answering = Answering(common, responder, feelings, GivenSenses(), RecordedControls(), state=None)
    interpreter: Interpreter = resolve(INTERPRETERS, "hassil", kind="interpreter").create(config, models)
    try:
        return {policy.name: await judge(policy, heard, answering, interpreter) for policy in policies()}
    finally:
        responder.close()


def main() -> None:
    """Print a table and a JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a third of the speech")
    arguments = parser.parse_args()
    config, models = Config(), ModelStore()
    detector = resolve(DETECTORS, config.vad.backend, kind="detector").create(config, models)
    recognizer = resolve(RECOGNIZERS, config.asr.backend, kind="recogniser").create(config, models)
    heard = [hear(clip, detector, recognizer) for clip in clips(models, quick=arguments.quick)]
    recognizer.close()
    results = run_in_virtual_time(partial(_judge_all, heard, config, models))
    table = Table("silence", "speech", "clips", "cut off", "lost", "delay p50", "delay p95")
    for name, rows in results.items():
        for kind, row in rows.items():
            table.add_row(
                name,
                kind,
                str(row["clips"]),
                f"{row['cut_off']:.0%}",
                f"{row['lost']:.0%}" if row["lost"] is not None else "–",
                f"{row['delay_p50_s']} s" if row["delay_p50_s"] is not None else "–",
                f"{row['delay_p95_s']} s" if row["delay_p95_s"] is not None else "–",
            )
    Console().print(table)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
