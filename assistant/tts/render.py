"""Speech of people who are not the assistant, in Kokoro's other voices: for demonstrations and tests."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from assistant.audio.files import write_wav
from assistant.models.store import ModelStore
from assistant.ports import SpeakingStyle, Synthesizer
from assistant.tts import SAMPLE_RATE_HZ
from assistant.tts.finishing import speech
from assistant.tts.kokoro import KokoroSynthesizer

Line = tuple[str, str, str]
"""Text, language ("en", "zh"), voice ("jf_alpha", "jf_nezumi", "jf_tebukuro", "jm_kumo")."""

_RATE = 0.9
"""People who are recorded speak less hurriedly than the network does by itself."""


def render_speech(
    lines: Sequence[Line],
    out_dir: Path,
    models: ModelStore,
    *,
    rate: float = _RATE,
    voices: dict[str, Synthesizer] | None = None,
) -> list[Path]:
    """One WAV a line (24 kHz, 16 bit, mono) in `out_dir`; the result is in the order of `lines`. `rate` is how fast
    they speak: 1 as the network does by itself. `voices` are those that are loaded, by name; others join them.

    A file that is there already is kept: its name holds a hash of the line and the rate. Raises `ModelMissingError`
    when Kokoro is needed and has not been pulled.
    """
    paths = [out_dir / f"{_fingerprint(line, rate)}.wav" for line in lines]
    loaded: dict[str, Synthesizer] = {} if voices is None else voices
    for (text, language, voice), path in zip(lines, paths, strict=True):
        if path.exists():
            continue
        if voice not in loaded:
            loaded[voice] = KokoroSynthesizer(models.path("kokoro-zh"), voice)
        blocks = list(speech(loaded[voice], text, language, SpeakingStyle(rate=rate)))
        write_wav(path, np.concatenate([np.zeros(0, np.float32), *blocks]), SAMPLE_RATE_HZ)
    return paths


def _fingerprint(line: Line, rate: float) -> str:
    return hashlib.sha256(json.dumps([*line, rate]).encode()).hexdigest()[:16]
