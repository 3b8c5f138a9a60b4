"""What seeing costs and is worth: a step, sustained pictures a second, the idle rate, tracks and events on films.

usage: python -m bench.vision [--steps N] [--seconds S] [--event-rate HZ]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median
from typing import Any

import anyio

from assistant.caption.grounded import GroundedCaptioner
from assistant.clock import LoopClock
from assistant.config import Config, VisionConfig
from assistant.emotion import FUSIONS
from assistant.emotion.face import FaceEmotion
from assistant.events import Event, ImageArray, SceneChange, SceneState, VideoFrame
from assistant.models.store import ModelStore
from assistant.ports import FaceEvidence
from assistant.registry import resolve
from assistant.telemetry.timeline import percentile
from assistant.vision.file_cameras import VideoFileCamera
from assistant.vision.pictures import read_picture
from assistant.vision.scene import SceneReader
from assistant.vision.watcher import SceneWatcher
from assistant.worker import Worker
from bench.emotion import fusion_step
from bench.films import films
from bench.mot_metrics import TrackingFigures
from bench.moving_scenes import Film
from bench.scene_events import EventFigures, FilmCamera, judge_events, judge_tracks, watch

_STEP_FILM = "two people cross"


class LoopedCamera:
    """Shows pictures one after the other, a new one each time it is asked."""

    name = "loop"

    def __init__(self, pictures: list[ImageArray]) -> None:
        self._pictures = pictures
        self._shown = 0

    async def open(self) -> None:
        """Nothing to do."""

    async def read(self) -> VideoFrame:
        """The next picture."""
        self._shown += 1
        return VideoFrame(asyncio.get_running_loop().time(), self._pictures[self._shown % len(self._pictures)])

    async def close(self) -> None:
        """Nothing to do."""


class Sight:
    """A watcher with the emotion of the largest face beside it, as in the assistant."""

    def __init__(self, camera: LoopedCamera, reader: SceneReader, config: VisionConfig, feelings: FaceEmotion) -> None:
        self.events: list[Event] = []
        self.felt = 0
        self._feelings = feelings
        self._worker = Worker("emotion")
        self.watcher = SceneWatcher(camera, reader, config, LoopClock(), self.events.append, on_face=self._on_face)

    async def step(self) -> None:
        """One look, to the end of its emotion."""
        await self.watcher.look()

    async def _on_face(self, evidence: FaceEvidence) -> None:
        await self._worker.run(self._feelings.estimate, evidence)
        self.felt += 1


def main() -> None:
    """Print the figures and a JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--event-rate", type=float, default=5.0)
    options = parser.parse_args()
    config, models = Config(), ModelStore()
    reader, feelings = SceneReader.create(config, models), FaceEmotion.create(config, models)
    head = resolve(FUSIONS, config.emotion.fusion, kind="emotion fusion").create(config, models)
    all_films = films(models)
    pictures = [pixels for name_of_film, pixels in _pictures(all_films) if name_of_film == _STEP_FILM]
    figures: dict[str, Any] = {
        "step": anyio.run(_steps, pictures, reader, feelings, options.steps),
        "sustained": anyio.run(_sustained, pictures, reader, feelings, options.seconds),
        "idle": anyio.run(_idle, pictures[0], reader, feelings, options.seconds),
        "caption": _captions(config, models, reader),
        "fusion": fusion_step(config, head, 200),
    }
    for name, values in figures.items():
        print(f"{name:10} {values}", flush=True)
    tracks, events = TrackingFigures(0, 0, 0, 0, 0, 0), EventFigures(0, 0, 0)
    for film in all_films:
        seen = watch(partial(FilmCamera, film), reader, options.event_rate)
        its_tracks, its_events = judge_tracks(film, seen), judge_events(film, seen, options.event_rate)
        tracks, events = tracks + its_tracks, events + its_events
        wrong = [f"false: {item.kind} {item.at_s:.1f}" for item in its_events.false]
        wrong += [f"missed: {item.kind} {item.at_s:.1f}" for item in its_events.missed]
        print(
            f"{film.name:28} {_spell(its_tracks)}, events {its_events.right}/{its_events.true} {wrong or ''}",
            flush=True,
        )
    print(f"{'all films':28} {_spell(tracks)}, precision {events.precision:.3f}, recall {events.recall:.3f}")
    figures["tracking"] = {
        "mota": round(tracks.mota, 3),
        "idf1": round(tracks.idf1, 3),
        "switches": tracks.switches,
        "misses": tracks.misses,
        "false_positives": tracks.false_positives,
        "boxes": tracks.boxes,
    }
    figures["events"] = {
        "rate_hz": options.event_rate,
        "happened": events.true,
        "told": events.told,
        "precision": round(events.precision, 3),
        "recall": round(events.recall, 3),
    }
    figures["recorded"] = _recorded(models, reader, options.event_rate)
    print(json.dumps(figures))


def _recorded(models: ModelStore, reader: SceneReader, rate_hz: float) -> dict[str, Any]:
    """A man who talks in a car: nobody comes or goes, nothing appears, so that whatever is told is false."""
    path = models.file("sample-video", "carphone_pristine.mp4")
    seen = watch(lambda clock: VideoFileCamera(path, clock), reader, rate_hz)
    scenes = [event for event in seen if isinstance(event, SceneState)]
    people = sum(any(item.label == "person" for item in scene.tracks or ()) for scene in scenes)
    told = [f"{event.kind} {event.at_s:.1f}" for event in seen if isinstance(event, SceneChange)]
    print(f"{path.name:28} followed in {people} of {len(scenes)} looks, told: {told or 'nothing'}")
    return {"looks": len(scenes), "looks_with_the_person": people, "false_events": len(told)}


def _pictures(all_films: list[Film]) -> Iterator[tuple[str, ImageArray]]:
    for film in all_films:
        if film.name == _STEP_FILM:
            yield from ((film.name, pixels) for _, pixels, _ in film.pictures())


async def _steps(
    pictures: list[ImageArray], reader: SceneReader, feelings: FaceEmotion, steps: int
) -> dict[str, float]:
    """Objects, tracks, faces and the emotion of the largest face, on pictures that all differ."""
    sight = Sight(LoopedCamera(pictures), reader, VisionConfig(rate_hz=0.001, still_s=3600), feelings)
    sight.watcher.leave_out_tags(True)  # they are asked seldom, and beside the objects
    durations_ms = []
    async with anyio.create_task_group() as group:
        group.start_soon(sight.watcher.run)
        await anyio.sleep(1.0)
        started_cpu_s = time.process_time()
        for _ in range(steps):
            await anyio.sleep(0.31)  # a look that young would be given again
            started_s = time.perf_counter()
            await sight.step()
            durations_ms.append((time.perf_counter() - started_s) * 1e3)
        cpu_ms = (time.process_time() - started_cpu_s) * 1e3 / steps
        group.cancel_scope.cancel()
    scenes = [event for event in sight.events if isinstance(event, SceneState)][1:]
    networks = {
        name: _ms([scene.compute_s[name] for scene in scenes if name in scene.compute_s]) for name in _names(scenes)
    }
    return {
        **_distribution(durations_ms),
        "cpu_ms": round(cpu_ms, 1),
        "emotions": sight.felt,
        **{f"{name}_ms": value for name, value in networks.items()},
    }


async def _sustained(
    pictures: list[ImageArray], reader: SceneReader, feelings: FaceEmotion, seconds: float
) -> dict[str, float]:
    """Every picture differs, and the next is taken as soon as the last has been looked at."""
    sight = Sight(LoopedCamera(pictures), reader, VisionConfig(rate_hz=60.0), feelings)
    started_s, started_cpu_s = time.perf_counter(), time.process_time()
    with anyio.move_on_after(seconds):
        await sight.watcher.run()
    elapsed_s = time.perf_counter() - started_s
    scenes = sum(isinstance(event, SceneState) for event in sight.events)
    return {
        "pictures_a_second": round(scenes / elapsed_s, 1),
        "emotions_a_second": round(sight.felt / elapsed_s, 1),
        "cores": round((time.process_time() - started_cpu_s) / elapsed_s, 2),
    }


async def _idle(picture: ImageArray, reader: SceneReader, feelings: FaceEmotion, seconds: float) -> dict[str, float]:
    """A person who sits still, at the default rates."""
    sight = Sight(LoopedCamera([picture]), reader, VisionConfig(), feelings)
    with anyio.move_on_after(3.0):
        await sight.watcher.run()
    sight = Sight(LoopedCamera([picture]), reader, VisionConfig(), feelings)
    started_s, started_cpu_s = time.perf_counter(), time.process_time()
    with anyio.move_on_after(seconds):
        await sight.watcher.run()
    elapsed_s = time.perf_counter() - started_s
    looks = sum(isinstance(event, SceneState) for event in sight.events)
    return {"percent_of_a_core": round(100 * (time.process_time() - started_cpu_s) / elapsed_s, 1), "looks": looks}


def _captions(config: Config, models: ModelStore, reader: SceneReader) -> dict[str, float]:
    captioner = GroundedCaptioner.create(config, models)
    paths = [models.file("sample-pictures", name) for name in ("astronaut.png", "coffee.png", "chelsea.png")]
    scenes = [reader.read(VideoFrame(0.0, read_picture(path), path.name)) for path in paths]

    def caption(index: int) -> object:
        return captioner.caption(scenes[index % 3], "en" if index % 2 else "zh", 0.0)

    return _measure(caption, 120)


def _measure(call: Callable[[int], object], runs: int) -> dict[str, float]:
    call(0)
    durations_ms = []
    for index in range(runs):
        started_s = time.perf_counter()
        call(index)
        durations_ms.append((time.perf_counter() - started_s) * 1e3)
    return _distribution(durations_ms)


def _distribution(durations_ms: list[float]) -> dict[str, float]:
    return {"p50_ms": round(median(durations_ms), 3), "p95_ms": round(percentile(durations_ms, 95), 3)}


def _names(scenes: list[SceneState]) -> list[str]:
    return sorted({name for scene in scenes for name in scene.compute_s})


def _ms(durations_s: list[float]) -> float:
    return round(median(durations_s) * 1e3, 2)


def _spell(tracks: TrackingFigures) -> str:
    return (
        f"MOTA {tracks.mota:6.3f}, IDF1 {tracks.idf1:.3f}, {tracks.switches} switches, {tracks.misses} missed and "
        f"{tracks.false_positives} false of {tracks.boxes}"
    )


if __name__ == "__main__":
    main()
