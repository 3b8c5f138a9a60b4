"""Errors and latency of the recogniser: python -m bench.asr [--model NAME] [--quick]

Word error rate for English, character error rate for Chinese, after lower-casing, dropping punctuation and writing
numbers as words. Latency is from the last sample of the utterance to the text. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Sequence
from pathlib import Path

import jiwer
import numpy as np
from rich.console import Console
from rich.table import Table

from assistant.asr import RECOGNIZERS
from assistant.config import Config
from assistant.models.store import ModelStore
from assistant.ports import Recognizer
from assistant.registry import resolve
from bench import speech_sets
from bench.speech_sets import Clip

CACHE = Path("out/bench/speech")
_SMALL = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_DIGITS_ZH = "零一二三四五六七八九"


def normal_en(text: str) -> str:
    """Lower case, no punctuation, small numbers as words."""
    words = re.findall(r"[a-z0-9]+(?:'[a-z]+)?", text.lower().replace("’", "'"))
    return " ".join(_SMALL[int(word)] if word.isdigit() and int(word) < len(_SMALL) else word for word in words)


def normal_zh(text: str) -> str:
    """No punctuation, digits as characters."""
    text = re.sub(r"\W", "", text).replace("10", "十")
    return "".join(_DIGITS_ZH[int(character)] if character.isdecimal() else character for character in text)


def measure(recognizer: Recognizer, clips: Sequence[Clip]) -> dict[str, float]:
    """Error rate and latencies over `clips`, all of one language."""
    references, hypotheses, latencies = [], [], []
    chinese = clips[0].language == "zh"
    for clip in clips:
        stream = recognizer.open(None)
        stream.accept(clip.samples)
        started = time.perf_counter()
        text = stream.result().text
        latencies.append(time.perf_counter() - started)
        references.append(normal_zh(clip.text) if chinese else normal_en(clip.text))
        hypotheses.append(normal_zh(text) if chinese else normal_en(text))
    rate = jiwer.cer if chinese else jiwer.wer
    return {
        "clips": len(clips),
        "error_rate": round(float(rate(references, hypotheses)), 4),
        "p50_s": round(float(np.percentile(latencies, 50)), 3),
        "p95_s": round(float(np.percentile(latencies, 95)), 3),
    }


def sets(models: ModelStore, languages: frozenset[str], quick: bool) -> dict[str, list[Clip]]:
    """The clips by name, for the languages that the recogniser knows."""
    chosen = {
        "person, telephone 8 kHz (en)": speech_sets.telephone(models, 20 if quick else 60),
        "commands, hibari (en)": speech_sets.spoken_by("hibari", speech_sets.COMMANDS_EN, "en", models),
    }
    clean = chosen["commands, hibari (en)"]
    chosen["commands, hibari, 10 dB (en)"] = [
        Clip(speech_sets.noisy(clip.samples, 10.0, seed), clip.text, "en", clip.voice)
        for seed, clip in enumerate(clean)
    ]
    if "zh" in languages:
        voices = speech_sets.KOKORO_VOICES[1:2] if quick else speech_sets.KOKORO_VOICES[1:4]
        chosen["samples (zh)"] = speech_sets.samples_zh(models)
        chosen["commands, kokoro (zh)"] = speech_sets.spoken(speech_sets.COMMANDS_ZH, "zh", voices, models, CACHE)
    return chosen


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=Config().asr.model)
    parser.add_argument("--backend", default=Config().asr.backend)
    parser.add_argument("--quick", action="store_true", help="fewer clips")
    options = parser.parse_args()
    config = Config.model_validate({"asr": {"model": options.model, "backend": options.backend}})
    models = ModelStore(config.models.dir)
    started = time.perf_counter()
    recognizer = resolve(RECOGNIZERS, config.asr.backend, kind="recogniser").create(config, models)
    load_s = round(time.perf_counter() - started, 2)
    table = Table("set", "clips", "error rate", "p50", "p95", title=f"{options.model}, loaded in {load_s} s")
    figures = {}
    for name, clips in sets(models, recognizer.languages, options.quick).items():
        figures[name] = row = measure(recognizer, clips)
        table.add_row(name, f"{row['clips']}", f"{row['error_rate']:.1%}", f"{row['p50_s']} s", f"{row['p95_s']} s")
    Console().print(table)
    recognizer.close()
    print(json.dumps({"bench": "asr", "model": options.model, "load_s": load_s, "sets": figures}, ensure_ascii=False))


if __name__ == "__main__":
    main()
