"""How often the wake phrase is missed, and heard where nobody said it: python -m bench.wake [--model NAME] [--quick]
[--false-wakes]

On synthesised phrases in noise, and on whatever is installed of `bench/people.py`: people who speak of other things,
which takes an hour or two with all of them. `assistant bench wake` does the same on any folder of recordings. The
last line is JSON.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from assistant.config import Config
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.wake_curve.curve import upper_bound
from assistant.wake_curve.ears import Ears, in_a_room
from bench import speech_sets
from bench.people import present
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


def phrases(ears: Ears, models: ModelStore, model: str, *, quick: bool) -> dict[str, dict[str, float]]:
    """The share of wake phrases heard, by set and condition, shown as a table."""
    voices = speech_sets.KOKORO_VOICES[: 1 if quick else None]
    sets = {
        "hey jarvis, hibari": speech_sets.spoken_by("hibari", SENTENCES_EN, "en", models),
        "hey jarvis, kokoro": speech_sets.spoken(SENTENCES_EN, "en", voices, models, CACHE),
        "hey jarvis, espeak-ng": speech_sets.spoken_by_espeak(SENTENCES_EN, CACHE),
    }
    if not model.endswith(".en"):
        sets["你好贾维斯, kokoro"] = speech_sets.spoken(SENTENCES_ZH, "zh", voices, models, CACHE)
    table = Table("set", "clips", *CONDITIONS, title=f"share of wake phrases heard, {model}")
    figures = {}
    for name, clips in sets.items():
        figures[name] = row = hits(ears, clips)
        table.add_row(name, str(len(clips)), *(f"{share:.0%}" for share in row.values()))
    total = sum(len(clips) for clips in sets.values())
    figures["all"] = {c: round(sum(figures[n][c] * len(sets[n]) for n in sets) / total, 3) for c in CONDITIONS}
    table.add_row("all", str(total), *(f"{share:.0%}" for share in figures["all"].values()))
    Console().print(table)
    return figures


@dataclass(slots=True)
class FalseWakes:
    """What woke the assistant of people who spoke of other things."""

    hours: float = 0.0
    texts: list[str] = field(default_factory=list)

    @property
    def at_most_per_hour(self) -> float | None:
        """The upper end of the rate's 95 % confidence interval; None where nobody spoke."""
        return round(upper_bound(len(self.texts)) / self.hours, 2) if self.hours else None


def false_wakes(ears: Ears, models: ModelStore, *, quick: bool) -> dict[str, FalseWakes]:
    """By language, and of "all", shown as a table with the texts that woke it; names the recordings not installed."""
    installed, missing = present(models)
    found: dict[str, FalseWakes] = {}
    for people in installed:
        spoken = found.setdefault(people.language, FalseWakes())
        recordings = islice(people.recordings(models.path(people.model)), 0, None, 10 if quick else 1)
        for recording in track(recordings, people.model, console=Console(stderr=True), transient=True):
            spoken.hours += recording.size / SAMPLE_RATE_HZ / 3600
            spoken.texts += [f"{people.model}: {text}" for text in waking(ears, in_a_room(recording))]
    found["all"] = FalseWakes(sum(s.hours for s in found.values()), [t for s in found.values() for t in s.texts])
    table = Table("language", "hours", "false wakes", "at most an hour (95 %)", title="people who do not call it")
    for language, spoken in found.items():
        bound = "–" if spoken.at_most_per_hour is None else str(spoken.at_most_per_hour)
        table.add_row(language, f"{spoken.hours:.2f}", str(len(spoken.texts)), bound)
    out = Console(soft_wrap=True)
    out.print(table)
    for text in found["all"].texts:
        out.print(f"Woken by {text}", markup=False)
    if missing:
        out.print(f"More recordings, which are not installed: assistant models pull {' '.join(missing)}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=Config().asr.model)
    parser.add_argument("--quick", action="store_true", help="one voice an engine, a tenth of the recordings")
    parser.add_argument("--false-wakes", action="store_true", help="only these: no wake phrase is spoken")
    options = parser.parse_args()
    config = Config.model_validate({"asr": {"model": options.model}})
    models = ModelStore(config.models.dir)
    ears = Ears(config, models)
    figures = {} if options.false_wakes else phrases(ears, models, options.model, quick=options.quick)
    found = false_wakes(ears, models, quick=options.quick)
    by_language = {
        language: {"hours": round(s.hours, 3), "false_wakes": len(s.texts), "at_most_per_hour": s.at_most_per_hour}
        for language, s in found.items()
    }
    result = {"bench": "wake", "model": options.model, "heard": figures, "false_wakes": by_language}
    print(json.dumps(result, ensure_ascii=False))


if __name__ == "__main__":
    main()
