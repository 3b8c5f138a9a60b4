"""What feeling costs: milliseconds an estimate for each channel and a step of the fusion, on one thread; and where the
configured fusion stands between the best single channel and Bayes on generated moments.

usage: python -m bench.emotion [--runs N]
"""

from __future__ import annotations

import argparse
import functools
import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from assistant.config import Config
from assistant.emotion import CHANNELS, FUSIONS
from assistant.emotion.fusion import EmotionFusion
from assistant.errors import ModelMissingError
from assistant.events import Box, EmotionEstimate, Face, Transcript, Utterance, VideoFrame
from assistant.models.store import ModelStore
from assistant.ports import EmotionFusionHead, FaceEvidence
from assistant.registry import resolve
from assistant.telemetry.timeline import percentile
from export.train.bayes import posterior
from export.train.evaluate import answers_of, standings
from export.train.generator import ASSISTANT, draw
from export.train.metrics import calibration_error


def measure_ms(call: Callable[[], Any], runs: int) -> dict[str, float]:
    """Median and 95th percentile of `runs` calls, after two that do not count."""
    took_ms = []
    for _ in range(runs + 2):
        started_s = time.perf_counter()
        call()
        took_ms.append((time.perf_counter() - started_s) * 1e3)
    return {"p50_ms": round(percentile(took_ms[2:], 50), 3), "p95_ms": round(percentile(took_ms[2:], 95), 3)}


def evidence() -> dict[str, tuple[str, Any]]:
    """Name of the measurement → (channel, evidence). The cost does not depend on whose face or voice it is."""
    rng = np.random.default_rng(0)
    time_s = np.arange(3 * 16_000) / 16_000
    syllables = np.clip(np.sin(2 * np.pi * 2.0 * time_s), 0.02, 1.0)
    voice = 0.1 * syllables * sum(np.sin(2 * np.pi * 150 * k * time_s) / k for k in range(1, 20))
    picture = rng.integers(0, 255, (720, 1280, 3), dtype=np.uint8)
    return {
        "voice_3s": ("voice", Utterance(3.5, np.asarray(voice, np.float32), 16_000, 0.0, 3.0)),
        "text_en_table": ("text", Transcript(0.0, 1, "I had a long day and I am not really happy", "en", 1.0, True)),
        "text_en_polarity": ("text", Transcript(0.0, 1, "the flight was a complete catastrophe", "en", 1.0, True)),
        "text_zh": ("text", Transcript(0.0, 1, "我今天早上起来的时候觉得特别高兴", "zh", 1.0, True)),
        "face_720p": ("face", FaceEvidence(VideoFrame(0.0, picture), Face(Box(0.4, 0.3, 0.6, 0.65), 0.9))),
    }


def standing(head: EmotionFusionHead, moments: int) -> dict[str, Any]:
    """The fusion on moments with known truth, for every set of channels."""
    drawn = draw(ASSISTANT, moments, seed=99)
    answers = answers_of(head, drawn)
    rows = standings(drawn, posterior(ASSISTANT, drawn), {head.name: answers}, tuple(ASSISTANT.channels))
    return {
        "patterns": {
            row.channels: {"single": row.single, "fused": row.fused, "bayes": row.bayes, "way": row.way} for row in rows
        },
        "least_way": min(row.way for row in rows),
        "calibration_error": calibration_error(answers, drawn.truth),
    }


def fusion_step(config: Config, head: EmotionFusionHead, runs: int) -> dict[str, float]:
    """Milliseconds of one state of the fusion, with all channels and a past for the temporal filter to look at."""
    fusion = EmotionFusion(config.emotion, head)
    for at_s in (0.0, 1.0, 2.0):
        for channel_name in CHANNELS:
            fusion.update(EmotionEstimate(at_s, channel_name, (1 / 7,) * 7, 0.0, 0.0, 0.8))
    return measure_ms(functools.partial(fusion.state, 3.0), runs)


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    runs: int = parser.parse_args().runs
    config, models = Config(), ModelStore()
    results: dict[str, Any] = {}
    for name, (channel_name, item) in evidence().items():
        try:
            channel = resolve(CHANNELS, channel_name, kind="emotion channel").create(config, models)
        except ModelMissingError as error:
            print(f"{name}: not measured. {error}")
            continue
        results[name] = measure_ms(functools.partial(channel.estimate, item), runs)
    head = resolve(FUSIONS, config.emotion.fusion, kind="emotion fusion").create(config, models)
    results["fusion_state"] = fusion_step(config, head, runs)
    for name, result in results.items():
        print(f"{name:26} p50 {result['p50_ms']:7.3f} ms   p95 {result['p95_ms']:7.3f} ms")
    results["generator"] = stands = standing(head, moments=100_000)
    for channels, row in stands["patterns"].items():
        line = (
            f"best single {row['single']:.1%}  fused {row['fused']:.1%}  Bayes {row['bayes']:.1%}  way {row['way']:.0%}"
        )
        print(f"{channels:26} {line}")
    print(f"calibration error {stands['calibration_error']:.4f}")
    print(json.dumps({"emotion": results}))


if __name__ == "__main__":
    main()
