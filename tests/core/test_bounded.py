"""What runs for days remembers no more after thousands of turns than after hundreds."""

from __future__ import annotations

import gc
import io
import os
import tracemalloc
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import anyio
import numpy as np
import pytest
from rich.console import Console as RichConsole

from assistant.config import EmotionConfig, VadConfig
from assistant.conversation.audible import AudibleTimes
from assistant.conversation.playback import Tape
from assistant.emotion.fixed_weights import FixedWeights
from assistant.emotion.fusion import EmotionFusion
from assistant.events import (
    AudioFrame,
    Box,
    Detection,
    EmotionEstimate,
    Notice,
    SceneState,
    SpeechChunk,
    SpeechEnded,
    Track,
    Transcript,
    TurnFinished,
    TurnStarted,
    VideoFrame,
)
from assistant.people.arrivals import Arrivals
from assistant.service.journal import JournalLog
from assistant.telemetry.console import Console
from assistant.telemetry.events_file import EventsFile
from assistant.telemetry.latency import LatencyStatistics
from assistant.telemetry.metrics import Metrics
from assistant.telemetry.recorder import Recorder
from assistant.vad.habits import PauseHabits
from assistant.vision.feeds import ChangeFeeds
from assistant.vision.memory import SceneMemory
from assistant.vision.motion import Motion
from assistant.vision.pose_changes import PoseChanges
from tests.doubles.clock import ManualClock
from tests.doubles.conversation import utterance
from tests.doubles.poses import lying

FEW, MANY = 400, 1600
MOST_BYTES = 30_000
"""One thing that is kept a turn takes three times as much."""

Step = Callable[[int], None]


class _Nowhere(io.StringIO):
    def write(self, text: str) -> int:
        return len(text)


def _journal(closing: ExitStack) -> Step:
    log = JournalLog()

    def step(turn_id: int) -> None:
        log.on_event(TurnStarted(float(turn_id), turn_id, float(turn_id)))
        log.on_event(TurnFinished(float(turn_id), turn_id))

    return step


def _console(closing: ExitStack) -> Step:
    """Every second utterance is addressed to the assistant."""
    console = Console(ManualClock(), RichConsole(file=_Nowhere()))

    def step(turn_id: int) -> None:
        console.on_event(Transcript(float(turn_id), turn_id, f"sentence {turn_id}", "en", 0.9, is_final=True))
        if not turn_id % 2:
            console.on_event(TurnStarted(float(turn_id), turn_id, float(turn_id)))
            console.on_event(TurnFinished(float(turn_id), turn_id))

    return step


def _metrics(closing: ExitStack) -> Step:
    """Of turns whose end nobody tells."""
    metrics = Metrics()
    return lambda turn_id: metrics.on_event(TurnStarted(float(turn_id), turn_id, float(turn_id)))


def _latency(closing: ExitStack) -> Step:
    """Of turns whose end nobody tells."""
    statistics = LatencyStatistics()
    return lambda turn_id: statistics.on_event(TurnStarted(float(turn_id), turn_id, float(turn_id)))


def _audible(closing: ExitStack) -> Step:
    times = AudibleTimes()
    return lambda number: times.add(number * 10.0, number * 10.0 + 5.0)


def _scene(closing: ExitStack) -> Step:
    """Each time the camera shows another person, in colour and by name."""
    memory, arrivals = SceneMemory(min_confidence=0.35), Arrivals()
    person = (Detection("person", 0.9, Box(0.1, 0.1, 0.9, 0.9)),)
    frame = VideoFrame(0.0, np.full((8, 8, 3), 128, np.uint8))

    def step(number: int) -> None:
        look = SceneState(10.0 * number, person, (), frame=frame)
        scene, changes = memory.update(look, Motion(1.0, 0.5, relit=False, cut=True))
        named = tuple(replace(item, name=f"Anna {number}", name_sure=True) for item in scene.tracks or ())
        assert named
        for change in arrivals.named(changes, replace(scene, tracks=named), can_tell=True):
            memory.note(change)

    return step


def _events_file(closing: ExitStack) -> Step:
    """While no turn ends."""
    file = EventsFile(Path(os.devnull))
    closing.callback(file.close)
    return lambda number: file.on_event(Notice(float(number), "attentive", f"notice {number}"))


def _recorder(closing: ExitStack) -> Step:
    """Of ten seconds, in twenty minutes and more."""
    clock, pixels = ManualClock(), np.zeros((8, 8, 3), np.uint8)
    recorder = Recorder(10.0, Path(os.devnull), clock)

    async def see() -> None:
        await clock.advance(5.0)
        await recorder.seen(VideoFrame(clock.monotonic_s(), pixels))

    def step(second: int) -> None:
        recorder.heard(AudioFrame(clock.monotonic_s(), np.zeros(512, np.float32), 16_000))
        recorder.on_event(Notice(clock.monotonic_s(), "attentive", f"notice {second}"))
        if not second % 5:
            anyio.run(see)

    return step


def _fusion(closing: ExitStack) -> Step:
    fusion = EmotionFusion(EmotionConfig(), FixedWeights(("text",)))

    def step(second: int) -> None:
        fusion.update(EmotionEstimate(float(second), "text", (1 / 7,) * 7, 0.0, 0.0, 0.9))

    return step


def _tape(closing: ExitStack) -> Step:
    tape = Tape(0.0)

    def step(number: int) -> None:
        tape.add(SpeechChunk(0.0, 1, np.zeros(240, np.float32), 2400, ""))
        tape.note(number * 0.1)

    return step


def _habits(closing: ExitStack) -> Step:
    habits = PauseHabits(VadConfig())
    return lambda second: habits.note(SpeechEnded(float(second), utterance(second, second + 0.01)))


def _poses(closing: ExitStack) -> Step:
    poses, box = PoseChanges(), Box(0.1, 0.1, 0.9, 0.9)

    def step(number: int) -> None:
        at_s = number * 10.0
        poses.update(lying(), Track(number, "person", 0.9, box, at_s, at_s), at_s, 1.0)

    return step


def _feeds(closing: ExitStack) -> Step:
    feeds = ChangeFeeds()

    async def listen_for_a_moment() -> None:
        with anyio.move_on_after(0.0):
            async for _ in feeds.watch({"came"}):
                raise AssertionError("nobody comes")

    return lambda number: anyio.run(listen_for_a_moment)


CASES: dict[str, Callable[[ExitStack], Step]] = {
    "journal": _journal,
    "console": _console,
    "metrics": _metrics,
    "latency": _latency,
    "audible times": _audible,
    "scene": _scene,
    "events file": _events_file,
    "recorder": _recorder,
    "emotion": _fusion,
    "long reply": _tape,
    "habits": _habits,
    "poses": _poses,
    "watches": _feeds,
}


@pytest.mark.parametrize("case", CASES)
def test_it_grows_no_more(case: str) -> None:
    sizes = []
    with ExitStack() as closing:
        step = CASES[case](closing)
        tracemalloc.start()
        closing.callback(tracemalloc.stop)
        for numbers in (range(1, FEW), range(FEW, MANY)):
            for number in numbers:
                step(number)
            gc.collect()
            sizes.append(tracemalloc.get_traced_memory()[0])
    assert sizes[1] - sizes[0] < MOST_BYTES
