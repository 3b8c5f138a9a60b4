"""How often the wake phrase is missed, and heard where nobody said it: python -m bench.wake [--model NAME] [--quick]

Sound goes the assistant's own way: voice-activity detector, endpointing, recogniser, phrase matcher. The last line is
JSON.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from assistant.asr import RECOGNIZERS
from assistant.config import Config
from assistant.events import AudioArray, AudioFrame, SpeechEnded, Utterance
from assistant.models.store import ModelStore
from assistant.ports import Recognizer, VoiceActivityDetector
from assistant.registry import resolve
from assistant.vad import DETECTORS
from assistant.vad.endpointing import Endpointer
from assistant.wake.phrase import PhraseMatcher
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


class Ears:
    """The assistant's way from sound to a wake decision."""

    def __init__(self, config: Config, models: ModelStore) -> None:
        self._config = config.vad
        self._detector: VoiceActivityDetector = resolve(DETECTORS, config.vad.backend, kind="detector").create(
            config, models
        )
        self._recognizer: Recognizer = resolve(RECOGNIZERS, config.asr.backend, kind="recogniser").create(
            config, models
        )
        self._matcher = PhraseMatcher(config.wake.phrases, config.wake.match)

    def utterances(self, samples: AudioArray) -> Iterator[Utterance]:
        """What the gate lets through."""
        self._detector.reset()
        endpointer = Endpointer(self._config, SAMPLE_RATE_HZ)
        size, at_s = self._detector.frame_samples, 0.0
        for start in range(0, samples.size - size + 1, size):
            frame = AudioFrame(at_s := at_s + size / SAMPLE_RATE_HZ, samples[start : start + size], SAMPLE_RATE_HZ)
            events = endpointer.accept(frame, self._detector.probability(frame.samples))
            yield from (event.utterance for event in events if isinstance(event, SpeechEnded))
        yield from (event.utterance for event in endpointer.flush(at_s) if isinstance(event, SpeechEnded))

    def woken_by(self, samples: AudioArray) -> list[str]:
        """The texts that wake the assistant."""
        texts = []
        for utterance in self.utterances(samples):
            stream = self._recognizer.open(None)
            stream.accept(utterance.samples)
            text = stream.result().text
            if self._matcher.match(text):
                texts.append(text)
        return texts


def in_a_room(samples: AudioArray) -> AudioArray:
    """With a second of silence on both sides."""
    silence = np.zeros(SAMPLE_RATE_HZ, np.float32)
    return np.concatenate([silence, samples, silence])


def hits(ears: Ears, clips: Iterable[Clip]) -> dict[str, float]:
    """Share of clips that wake, by condition."""
    clips = list(clips)
    return {
        name: round(
            sum(bool(ears.woken_by(change(in_a_room(clip.samples), seed))) for seed, clip in enumerate(clips))
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
            false += ears.woken_by(in_a_room(recording))
    Console().print(table)
    Console().print(f"False wakes: {len(false)} in {seconds / 3600:.2f} h of people speaking {false or ''}")
    result = {"bench": "wake", "model": options.model, "heard": figures, "false_wakes": len(false)}
    print(json.dumps({**result, "false_wake_hours": round(seconds / 3600, 3)}, ensure_ascii=False))


if __name__ == "__main__":
    main()
