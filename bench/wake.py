"""How often the wake phrase is missed, and heard where nobody said it: python -m bench.wake [--model NAME] [--quick]

On synthesised phrases in noise and on people who speak of other things; `assistant bench wake` does the same on any
folder of recordings. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from assistant.config import Config
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.wake_curve.ears import Ears, in_a_room
from bench import speech_sets
from bench.speech_sets import SAMPLE_RATE_HZ, Clip

CACHE = Path("out/bench/speech")
SENTENCES_EN = ("Hey Jarvis.", "Hey Jarvis, what time is it?", "Hey Jarvis, what do you see?")
SENTENCES_ZH = ("你好贾维斯", "你好贾维斯，现在几点了", "你好贾维斯，你看到了什么")
CONDITIONS: dict[str, Callable[[AudioArray, int], AudioArray]] = {
    "clean": lambda samples, seed: speech_sets.noisy(samples, 50.0, seed),
    "10 dB": lambda samples, seed: speech_sets.noisy(samples, 10.0, seed),
    "quiet (-26 dB)": lambda samples, seed: speech_sets.noisy(samples * np.float32(0.05), 30.0, seed),
}


def waking(ears: Ears, samples: AudioArray) -> list[str]:
    """The texts that wake the assistant at the configured threshold."""
    return [text for text, score in ears.heard(samples) if score >= Config().wake.match]


def hits(ears: Ears, clips: Iterable[Clip]) -> dict[str, float]:
    """Share of clips that wake, by condition."""
    clips = list(clips)
    return {
        name: round(
            sum(bool(waking(ears, change(in_a_room(clip.samples), seed))) for seed, clip in enumerate(clips))
            / len(clips),
            3,
        )
        for name, change in CONDITIONS.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=Config().asr.model)
    parser.add_argument("--quick", action="store_true", help="one voice an engine, a tenth of the recordings")
    options = parser.parse_args()
    config = Config.model_validate({"asr": {"model": options.model}})
    models = ModelStore(config.models.dir)
    ears = Ears(config, models)
    voices = speech_sets.KOKORO_VOICES[: 1 if options.quick else None]
    sets = {
        "hey jarvis, hibari": speech_sets.spoken_by("hibari", SENTENCES_EN, "en", models),
        "hey jarvis, kokoro": speech_sets.spoken(SENTENCES_EN, "en", voices, models, CACHE),
        "hey jarvis, espeak-ng": speech_sets.spoken_by_espeak(SENTENCES_EN, CACHE),
    }
    if not options.model.endswith(".en"):
        sets["你好贾维斯, kokoro"] = speech_sets.spoken(SENTENCES_ZH, "zh", voices, models, CACHE)
    table = Table("set", "clips", *CONDITIONS, title=f"share of wake phrases heard, {options.model}")
    figures = {}
    for name, clips in sets.items():
        figures[name] = row = hits(ears, clips)
        table.add_row(name, str(len(clips)), *(f"{share:.0%}" for share in row.values()))
    total = sum(len(clips) for clips in sets.values())
    figures["all"] = {c: round(sum(figures[n][c] * len(sets[n]) for n in sets) / total, 3) for c in CONDITIONS}
    table.add_row("all", str(total), *(f"{share:.0%}" for share in figures["all"].values()))
    seconds, false = 0.0, []
    for number, recording in enumerate(speech_sets.recordings(models)):
        if not options.quick or number % 10 == 0:
            seconds += recording.size / SAMPLE_RATE_HZ
            false += waking(ears, in_a_room(recording))
    Console().print(table)
    Console().print(f"False wakes: {len(false)} in {seconds / 3600:.2f} h of people speaking {false or ''}")
    result = {"bench": "wake", "model": options.model, "heard": figures, "false_wakes": len(false)}
    print(json.dumps({**result, "false_wake_hours": round(seconds / 3600, 3)}, ensure_ascii=False))


if __name__ == "__main__":
    main()
