"""Whether the assistant hears itself on open speakers, and people over its own voice.

usage: python -m bench.echo [--quick | --seconds N] [--language zh]

Replies of the assistant's own voice sound in simulated rooms; the microphone goes through the echo guard to the
voice-activity detector and the endpointing. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import jiwer
import numpy as np
from rich.console import Console
from rich.table import Table

from assistant.asr import RECOGNIZERS
from assistant.audio import FRAME_SAMPLES
from assistant.audio.echo import EchoGuard
from assistant.config import Config
from assistant.events import AudioArray, AudioFrame, SpeechEnded, SpeechStarted, Utterance
from assistant.models.store import ModelStore
from assistant.ports import Recognizer, SpeakingStyle, VoiceActivityDetector
from assistant.registry import resolve
from assistant.tts import SAMPLE_RATE_HZ as VOICE_HZ
from assistant.tts import SYNTHESIZERS
from assistant.tts.finishing import speech
from assistant.vad import DETECTORS
from assistant.vad.endpointing import Endpointer, SpeechEvent
from bench import speech_sets
from bench.asr import normal_en, normal_zh
from bench.loudness import onset_s
from bench.speech_sets import SAMPLE_RATE_HZ
from tests.doubles.rooms import SPEECH_LEVEL, Loudspeaker, Playback, Room, played_level

CACHE = Path("out/bench/speech")
RATIOS_DB = (10, 5, 0, -5, -10)
"""Level of the person's speech over that of the assistant's, at the microphone."""
DECIDE_S = 0.4
"""A start of speech counts as the person's up to so long after the last word."""
STOP_S = 0.1
"""From the decision to interrupt until the loudspeaker is silent."""


def sentences(count: int, language: str = "en") -> list[str]:
    """Replies as the assistant gives them, all different enough."""
    return _sentences_zh(count) if language == "zh" else _sentences_en(count)


def _sentences_en(count: int) -> list[str]:
    draw = random.Random(0)
    numbers = ("two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    things = ("person", "dog", "cat", "cup", "chair", "laptop", "bottle", "book", "phone", "bird", "bicycle", "clock")
    places = ("on the left", "on the right", "in the middle", "at the back", "near the window")
    moods = ("happy", "sad", "surprised", "calm", "angry")
    forms = (
        "I see {n} {t}s {p}, and probably a {u} {q}.",
        "It is {n} minutes past {m}.",
        "I set a timer for {n} minutes.",
        "You seem to be {f} today.",
        "I don't know how to do that yet.",
        "The picture is {n} seconds old, so the {t} may have moved.",
        "There are {n} of them, as far as I can see, and one {t} is {p}.",
        "You have {n} timers. The first one rings in {m} minutes.",
    )
    return [
        draw.choice(forms).format(
            n=draw.choice(numbers), m=draw.choice(numbers), t=draw.choice(things), u=draw.choice(things),
            p=draw.choice(places), q=draw.choice(places), f=draw.choice(moods),
        )
        for _ in range(count)
    ]  # fmt: skip


def _sentences_zh(count: int) -> list[str]:
    draw = random.Random(0)
    numbers = ("两", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
    things = (
        "个人",
        "只狗",
        "只猫",
        "个杯子",
        "把椅子",
        "台笔记本电脑",
        "个瓶子",
        "本书",
        "部手机",
        "只鸟",
        "辆自行车",
    )
    places = ("左边", "右边", "中间", "后面", "窗户旁边")
    moods = ("高兴", "难过", "惊讶", "平静", "生气")
    forms = (
        "我看到{p}有{n}{t}，{q}好像还有一{u}。",
        "现在是{n}点{m}分。",
        "好的，{n}分钟的计时器已经开始了。",
        "你今天看起来很{f}。",
        "我还不会做这个。",
        "这张照片是{n}秒前拍的，那{t}可能已经不在了。",
        "据我所见一共有{n}{t}，其中一{t}在{p}。",
        "你有{n}个计时器，第一个还剩{m}分钟。",
    )
    return [
        draw.choice(forms).format(
            n=draw.choice(numbers), m=draw.choice(numbers), t=draw.choice(things), u=draw.choice(things),
            p=draw.choice(places), q=draw.choice(places), f=draw.choice(moods),
        )
        for _ in range(count)
    ]  # fmt: skip


def replies(models: ModelStore, seconds: float, language: str = "en") -> list[AudioArray]:
    """At least so much of the assistant's voice, sentence by sentence, at 24 kHz."""
    tts = Config().tts
    engine = tts.zh if language == "zh" else tts.en
    voice = resolve(SYNTHESIZERS, engine, kind="voice").create(Config(), models)
    draw, out, total = random.Random(1), [], 0
    for sentence in sentences(round(seconds), language):
        style = SpeakingStyle(rate=draw.choice((0.9, 1.0, 1.1)), pitch=draw.choice((0.95, 1.0, 1.05)))
        out.append(np.concatenate(list(speech(voice, sentence, language, style))))
        total += len(out[-1])
        if total >= seconds * VOICE_HZ:
            break
    return out


def rooms(count: int) -> list[Room]:
    """Rooms of all kinds, in a fixed random order."""
    draw = random.Random(2)
    return [
        Room(
            seed=number,
            rt60_s=draw.uniform(0.15, 0.6),
            direct_db=draw.uniform(-3.0, 9.0),
            delay_s=draw.uniform(0.005, 0.25),
            echo_db=draw.uniform(-30.0, 6.0),
            noise_db=draw.uniform(-45.0, -20.0),
            drift_ppm=draw.uniform(-50.0, 50.0),
            drive=draw.choice((0.0, 0.5, 1.0)),
        )
        for number in range(count)
    ]


@dataclass(frozen=True, slots=True)
class Heard:
    """What the gate made of a run."""

    started_at_s: list[float]
    utterances: list[Utterance]


class Ears:
    """Echo guard, voice-activity detector and endpointing."""

    def __init__(self, models: ModelStore) -> None:
        config = Config()
        self._config = config.vad
        self._detector: VoiceActivityDetector = resolve(DETECTORS, config.vad.backend, kind="detector").create(
            config, models
        )
        self.guard_s = 0.0
        self.frames = 0

    def hear(
        self,
        speaker: Loudspeaker,
        near: AudioArray,
        *,
        guarded: bool = True,
        cut_after_s: float = np.inf,
        guard: EchoGuard | None = None,
        from_s: float = 0.0,
    ) -> Heard:
        """Listen to a playback and a person (n,), as long as they speak; from `cut_after_s` on, the first speech stops
        the playback. `guard` is one that knows the room; its time when this begins is `from_s`."""
        guard, endpointer, heard = guard or EchoGuard(), Endpointer(self._config), Heard([], [])
        self._detector.reset()
        microphone = speaker.sound()[: len(near)] + near
        for start in range(0, len(near) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            at_s = (start + FRAME_SAMPLES) / SAMPLE_RATE_HZ
            frames = [AudioFrame(from_s + at_s, microphone[start : start + FRAME_SAMPLES], SAMPLE_RATE_HZ)]
            if guarded:
                for chunk in speaker.begun(at_s):
                    guard.reference(from_s + chunk.stated_s, chunk.samples, VOICE_HZ, run=chunk.run)
                frames = self._clean(guard, frames[0])
            for event in self._events(endpointer, frames, sooner_s=guard.sooner_s if guarded else 0.0):
                if isinstance(event, SpeechStarted):
                    heard.started_at_s.append(at_s)
                    if at_s > cut_after_s:
                        cut_after_s = np.inf
                        guard.cut(from_s + at_s)
                        microphone = speaker.stopped(at_s + STOP_S)[: len(near)] + near
                elif isinstance(event, SpeechEnded):
                    heard.utterances.append(event.utterance)
        return heard

    def _events(self, endpointer: Endpointer, frames: list[AudioFrame], *, sooner_s: float) -> list[SpeechEvent]:
        scored = [(frame, self._detector.probability(frame.samples)) for frame in frames]
        return [event for frame, score in scored for event in endpointer.accept(frame, score, sooner_s=sooner_s)]

    def _clean(self, guard: EchoGuard, frame: AudioFrame) -> list[AudioFrame]:
        began = time.thread_time()
        cleaned = guard.clean(frame)
        self.guard_s += time.thread_time() - began
        self.frames += not cleaned or cleaned[-1] is not frame
        return cleaned


def self_triggers(ears: Ears, chunks: Sequence[AudioArray], count: int, unguarded: bool) -> dict[str, object]:
    """How often the assistant takes its own voice for somebody's, in `count` rooms that share the replies."""
    total_s = sum(len(chunk) for chunk in chunks) / VOICE_HZ
    guarded_count, bare_count, worst = 0, 0, []
    for number, room in enumerate(rooms(count)):
        speaker = Loudspeaker(room, Playback.of(chunks[number::count], seed=number))
        silence = np.zeros(speaker.count, np.float32)
        triggers = ears.hear(speaker, silence, guarded=True).started_at_s
        guarded_count += len(triggers)
        if triggers:
            worst.append({"room": number, "at_s": [round(at_s, 1) for at_s in triggers]})
        if unguarded:
            bare_count += len(ears.hear(speaker.again(), silence, guarded=False).started_at_s)
    result: dict[str, object] = {"speech_s": round(total_s), "rooms": count, "self_triggers": guarded_count}
    return result | {"triggers": worst} | ({"without_guard": bare_count} if unguarded else {})


def people(models: ModelStore, count: int, language: str = "en") -> list[speech_sets.Clip]:
    """Speech to interrupt with, in other voices than the assistant's: a person's telephone prompts and commands, or
    short Chinese recordings and commands."""
    voices = ("jf_nezumi", "jm_kumo")
    if language == "zh":
        recordings = speech_sets.samples_zh(models)
        commands = speech_sets.spoken(speech_sets.COMMANDS_ZH, "zh", voices, models, CACHE)
        return [replace(clip, samples=levelled(clip.samples)) for clip in (recordings + commands)[:count]]
    prompts = [clip for clip in speech_sets.telephone(models, 80) if 2.0 < len(clip.samples) / SAMPLE_RATE_HZ < 5.5]
    commands = speech_sets.spoken(speech_sets.COMMANDS_EN, "en", voices, models, CACHE)
    half = count // 2
    chosen = prompts[:half] + commands[:: max(1, len(commands) // (count - half))][: count - half]
    return [replace(clip, samples=levelled(clip.samples)) for clip in chosen]


def levelled(samples: AudioArray) -> AudioArray:
    """A padded clip without its padding, at the level of speech."""
    spoken = samples[round(speech_sets.LEAD_S * SAMPLE_RATE_HZ) : -round(speech_sets.TAIL_S * SAMPLE_RATE_HZ)]
    return spoken * np.float32(SPEECH_LEVEL / played_level(spoken))


class SaidOver:
    """What somebody says over a reply in a room."""

    def __init__(
        self, number: int, clip: speech_sets.Clip, room: Room, chunks: Sequence[AudioArray], ears: Ears
    ) -> None:
        """`number` draws which of the `chunks` are played and when the clip begins."""
        draw = random.Random(number)
        first = draw.randrange(len(chunks) - 8)
        self.clip = clip
        self._room = room
        self._playback = Playback.of(chunks[first : first + 8], seed=number, last_reply=4)
        self._begins_s = self._playback.last_reply_s + draw.uniform(1.0, 4.0)
        self.loud_at_s = self._begins_s + onset_s(clip.samples, SAMPLE_RATE_HZ)
        self.until_s = self._begins_s + len(clip.samples) / SAMPLE_RATE_HZ + DECIDE_S
        """Until then a start of speech counts as theirs."""
        self.alone_s = self.noticed_s(self.hear(ears, -math.inf, guarded=False))
        """When it is noticed in the same room if nothing is played; None if it is not even then."""

    def hear(self, ears: Ears, echo_db: float, *, guarded: bool) -> Heard:
        """Have it said over a reply whose echo is so much louder than speech."""
        speaker = Loudspeaker(replace(self._room, echo_db=echo_db), self._playback)
        near = np.zeros(speaker.count, np.float32)
        begin = round(self._begins_s * SAMPLE_RATE_HZ)
        near[begin : begin + len(self.clip.samples)] = self.clip.samples[: len(near) - begin]
        return ears.hear(speaker, near, guarded=guarded, cut_after_s=self._begins_s)

    def noticed_s(self, heard: Heard) -> float | None:
        """When it was noticed, None if it was not."""
        return next((at_s for at_s in heard.started_at_s if self._begins_s < at_s < self.until_s), None)


def said_over(ears: Ears, chunks: Sequence[AudioArray], clips: Sequence[speech_sets.Clip]) -> list[SaidOver]:
    """Each clip over some of the replies, in a room of its own."""
    return [
        SaidOver(number, clip, room, chunks, ears)
        for number, (clip, room) in enumerate(zip(clips, rooms(len(clips)), strict=True))
    ]


def interruptions(ears: Ears, recognizer: Recognizer, said_over: Sequence[SaidOver], ratio_db: int) -> dict[str, float]:
    """How people get through who speak over a reply, `ratio_db` louder than it. Delays count from the first loud block
    of what they say; `later` is how much later they are noticed than if nothing had been played. Chinese has an error
    rate by character."""
    chinese = said_over[0].clip.language == "zh"
    normal = normal_zh if chinese else normal_en
    delays, later, references, hypotheses = [], [], [], []
    for one in said_over:
        heard = one.hear(ears, -ratio_db, guarded=True)
        started_s = one.noticed_s(heard)
        if started_s is None:
            continue
        delays.append(started_s - one.loud_at_s)
        if one.alone_s is not None:
            later.append(started_s - one.alone_s)
        said = [u.samples for u in heard.utterances if u.at_s > started_s and u.started_at_s < one.until_s]
        stream = recognizer.open(one.clip.language)
        stream.accept(np.concatenate([*said, np.zeros(1600, np.float32)]))
        references.append(normal(one.clip.text))
        hypotheses.append(normal(stream.result().text))
    return {
        "clips": len(said_over),
        "detected": round(len(delays) / len(said_over), 3),
        "delay_p50_s": round(float(np.percentile(delays, 50)), 2),
        "delay_p90_s": round(float(np.percentile(delays, 90)), 2),
        "later_p50_s": round(float(np.percentile(later, 50)), 2),
        "error_rate": round(float((jiwer.cer if chinese else jiwer.wer)(references, hypotheses)), 3),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two minutes of speech, fewer people")
    parser.add_argument("--seconds", type=float, help="how much of the assistant's speech: 600; 3600 takes 10 minutes")
    parser.add_argument("--language", choices=("en", "zh"), default="en", help="what it and the people speak")
    options = parser.parse_args()
    config = Config()
    models = ModelStore(config.models.dir)
    seconds = options.seconds or (120.0 if options.quick else 600.0)
    ears, chunks = Ears(models), replies(models, seconds, options.language)
    alone = self_triggers(ears, chunks, max(6, round(seconds / 120)), unguarded=options.quick)
    cost_ms = round(1e3 * ears.guard_s / max(1, ears.frames), 3)
    Console().print(f"Alone: {alone}; guard: {cost_ms} ms of processor a frame of 32 ms while it works")
    recognizer = resolve(RECOGNIZERS, config.asr.backend, kind="recogniser").create(config, models)
    people_over = said_over(ears, chunks, people(models, 12 if options.quick else 40, options.language))
    columns = ("speech over echo", "detected", "delay p50", "p90", "later than without", "errors")
    table = Table(*columns, title="people over the reply")
    figures = {}
    for ratio_db in RATIOS_DB:
        row = figures[f"{ratio_db:+d} dB"] = interruptions(ears, recognizer, people_over, ratio_db)
        table.add_row(
            f"{ratio_db:+d} dB", f"{row['detected']:.0%}", f"{row['delay_p50_s']} s", f"{row['delay_p90_s']} s",
            f"{row['later_p50_s']} s", f"{row['error_rate']:.0%}",
        )  # fmt: skip
    recognizer.close()
    Console().print(table)
    print(
        json.dumps(
            {
                "bench": "echo",
                "language": options.language,
                "alone": alone,
                "guard_ms": cost_ms,
                "interruptions": figures,
            }
        )
    )


if __name__ == "__main__":
    main()
