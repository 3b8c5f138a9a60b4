"""Whether a captioner's bundle, in each of its precisions, still says exactly what a drawn scene shows.

usage: python -m bench.captioner out/bundles/drawn-captioner-decoder [--scenes N]
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

from assistant.inference.bundle import Bundle
from assistant.inference.generation import TextGenerator
from assistant.inference.loader import SessionOptions
from export.train.drawn_scenes import Drawn, draw_scenes

_SEED = 1234
"""Far from those that `assistant-export train captioner` trains and calibrates with by default."""


def exact(bundle: Path, options: SessionOptions, scenes: list[Drawn]) -> dict[str, Any]:
    """The share of exact captions, and milliseconds a caption."""
    right = 0
    with TextGenerator.open(bundle, options) as generator:
        started_s = time.perf_counter()
        for scene in scenes:
            values = (scene.pixels.astype(np.float32) / 255.0 - 0.5) / 0.5
            tokens = generator.greedy({"pixel_values": values.transpose(2, 0, 1)[np.newaxis]})
            right += generator.text(tokens) == scene.caption
    took_s = time.perf_counter() - started_s
    return {"exact": right / len(scenes), "ms": round(1e3 * took_s / len(scenes), 2)}


def main() -> None:
    """Measure and print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--scenes", type=int, default=500)
    arguments = parser.parse_args()
    scenes = draw_scenes(arguments.scenes, _SEED)
    results = {}
    for variant in Bundle.open(arguments.bundle).manifest.variants:
        options = SessionOptions(backend="onnxruntime", cpu_precision=variant.precision)
        results[variant.precision] = found = exact(arguments.bundle, options, scenes)
        print(f"{variant.precision:9} exact captions {found['exact']:.1%}  {found['ms']:.1f} ms a caption")
    print(json.dumps({"captioner": results}))


if __name__ == "__main__":
    main()
