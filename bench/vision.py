"""What seeing costs: one look (objects, faces, tags) and one caption, on the sample pictures.

usage: python -m bench.vision [--runs N]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from statistics import median

from assistant.caption.grounded import GroundedCaptioner
from assistant.config import Config
from assistant.events import VideoFrame
from assistant.models.store import ModelStore
from assistant.telemetry.timeline import percentile
from assistant.vision.pictures import read_picture
from assistant.vision.scene import SceneReader


def main() -> None:
    """Print the table and a JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=40)
    runs = parser.parse_args().runs
    config, models = Config(), ModelStore()
    reader, captioner = SceneReader.create(config, models), GroundedCaptioner.create(config, models)
    paths = [models.file("sample-pictures", name) for name in ("astronaut.png", "coffee.png", "chelsea.png")]
    frames = [VideoFrame(0.0, read_picture(path), path.name) for path in paths]
    scenes = [reader.read(frame) for frame in frames]
    figures = {
        "look": _measure(lambda index: reader.read(frames[index % len(frames)]), runs),
        "objects": _measure(lambda index: reader.detector.detect(frames[index % len(frames)]), runs),
        "faces": _measure(lambda index: reader.faces.detect(frames[index % len(frames)]), runs),
        "caption": _measure(lambda index: captioner.caption(scenes[index % len(scenes)], "en", 0.0), runs),
    }
    for name, figure in figures.items():
        print(f"{name:10} p50 {figure['p50_ms']:8.2f} ms   p95 {figure['p95_ms']:8.2f} ms")
    print(json.dumps(figures))


def _measure(call: Callable[[int], object], runs: int) -> dict[str, float]:
    call(0)
    durations_ms = []
    for index in range(runs):
        started = time.perf_counter()
        call(index)
        durations_ms.append((time.perf_counter() - started) * 1e3)
    return {"p50_ms": round(median(durations_ms), 3), "p95_ms": round(percentile(durations_ms, 95), 3)}


if __name__ == "__main__":
    main()
