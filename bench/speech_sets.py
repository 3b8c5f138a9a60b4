"""What recognisers are measured on: recordings of people, and sentences in voices that are not the assistant's own."""

from __future__ import annotations

import gzip
import random
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assistant.audio.files import read_audio, resample
from assistant.config import Config
from assistant.errors import DependencyMissingError
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.ports import SpeakingStyle, Synthesizer
from assistant.tts import SYNTHESIZERS
from assistant.tts.render import render_speech

SAMPLE_RATE_HZ = 16000
LEAD_S, TAIL_S = 0.35, 0.2
"""Silence around an utterance, as an endpointer leaves it."""
KOKORO_VOICES = ("jf_alpha", "jf_gongitsune", "jf_nezumi", "jf_tebukuro", "jm_kumo")
ESPEAK_VOICES = ("en-us", "en-gb", "en-us+f3", "en-gb+m3")

COMMANDS_EN = (
    "What do you see?",
    "How many people are there?",
    "How do I look?",
    "What time is it?",
    "What is the date today?",
    "Set a timer for five minutes.",
    "Cancel the timer.",
    "Repeat that please.",
    "Speak more quietly.",
    "Mute the microphone.",
    "How many cups are on the table?",
    "Is there a dog in the picture?",
    "What can you do?",
    "I am very happy today.",
    "List my timers.",
    "Goodbye.",
)
COMMANDS_ZH = (
    "你看到了什么",
    "有几个人",
    "我看起来怎么样",
    "现在几点了",
    "今天几号",
    "设置一个五分钟的计时器",
    "取消计时器",
    "再说一遍",
    "大声一点",
    "请停止说话",
    "桌子上有杯子吗",
    "你能做什么",
    "我今天很开心",
    "今天天气怎么样",
    "打开厨房的灯",
    "再见",
)


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance at 16 kHz and its words."""

    samples: AudioArray
    text: str
    language: str
    voice: str


def telephone(models: ModelStore, limit: int | None = 60) -> list[Clip]:
    """Prompts spoken by one person at 8 kHz, 3 to 20 words each, in a fixed random order."""
    folder = models.path("sample-telephone-en")
    lines = gzip.decompress((folder / "core-sounds-en.txt.gz").read_bytes()).decode(errors="replace").splitlines()
    clips = []
    for line in lines:
        match = re.fullmatch(r"([\w-]+): ([^\[]+)", line)
        path = folder / f"{match[1]}.wav" if match else None
        if match and path and path.is_file() and 3 <= len(match[2].split()) <= 20:
            clips.append((path, match[2]))
    random.Random(0).shuffle(clips)
    return [Clip(padded(read_audio(path)), text, "en", "person") for path, text in clips[:limit]]


def samples_zh(models: ModelStore) -> list[Clip]:
    """Three short Mandarin recordings."""
    texts = {
        "nihao_shijie": "你好世界",
        "jishu": "一二三四五六七八九十",
        "pangrama": "天地玄黄宇宙洪荒日月盈昃辰宿列张",
    }
    folder = models.path("sample-speech-zh")
    return [Clip(padded(read_audio(folder / f"{name}.wav")), text, "zh", "sample") for name, text in texts.items()]


def spoken(texts: Sequence[str], language: str, voices: Sequence[str], models: ModelStore, cache: Path) -> list[Clip]:
    """`texts` in Kokoro's voices (rendered once into `cache`)."""
    lines = [(text, language, voice) for voice in voices for text in texts]
    paths = render_speech(lines, cache, models)
    return [
        Clip(padded(levelled(read_audio(path))), text, language, voice)
        for path, (text, _, voice) in zip(paths, lines, strict=True)
    ]


def spoken_by(engine: str, texts: Sequence[str], language: str, models: ModelStore) -> list[Clip]:
    """`texts` by one of the assistant's own engines."""
    from assistant.registry import resolve

    voice: Synthesizer = resolve(SYNTHESIZERS, engine, kind="voice").create(Config(), models)
    clips = []
    for text in texts:
        samples = np.concatenate(list(voice.synthesize(text, language, SpeakingStyle())))
        clips.append(
            Clip(padded(levelled(resample(samples, voice.sample_rate_hz, SAMPLE_RATE_HZ))), text, language, engine)
        )
    return clips


def spoken_by_espeak(texts: Sequence[str], cache: Path) -> list[Clip]:
    """`texts` in four English voices of espeak-ng, a separate program."""
    program = shutil.which("espeak-ng")
    if program is None:
        raise DependencyMissingError("espeak-ng is not installed.", remedy="Install it with: apt install espeak-ng")
    cache.mkdir(parents=True, exist_ok=True)
    clips = []
    for voice in ESPEAK_VOICES:
        for text in texts:
            path = cache / "espeak.wav"
            subprocess.run([program, "-v", voice, "-s", "150", "-w", str(path), text], check=True, timeout=30)
            clips.append(Clip(padded(levelled(read_audio(path))), text, "en", voice))
    return clips


def padded(samples: AudioArray) -> AudioArray:
    """With the silence that an endpointer leaves."""
    lead, tail = (np.zeros(int(seconds * SAMPLE_RATE_HZ), np.float32) for seconds in (LEAD_S, TAIL_S))
    return np.concatenate([lead, samples, tail])


def levelled(samples: AudioArray) -> AudioArray:
    """With its peak at one half."""
    level = np.float32(0.5 / max(1e-6, float(np.abs(samples).max())))
    return np.multiply(samples, level, dtype=np.float32)


def noisy(samples: AudioArray, ratio_db: float, seed: int) -> AudioArray:
    """With white noise that many decibels below the utterance's mean power."""
    power = float(np.mean(samples**2))
    noise = np.random.default_rng(seed).normal(0.0, np.sqrt(power * 10 ** (-ratio_db / 10)), samples.size)
    return (samples + noise).astype(np.float32)
