"""Hours of conversation: does it go on answering, and do threads, file descriptors, memory and answering times stay as
they are?

usage: python -m bench.soak [--minutes 10 | --hours H] [--accelerated | --live] [--chinese]

The real assistant with its real networks and voices holds one conversation after the other through a scripted
microphone; now and then it is muted, interrupted, and spoken to by someone who does not mean it. `--accelerated` runs
in virtual time, some ten times as fast: the same code, less waiting. `--live` runs the command `assistant run` before a
virtual sound card, see `bench/soak_live.py`. The last line is JSON; the exit code is 1 when something grows or fails.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict

import anyio

from assistant.app import Assistant, Devices
from assistant.audio.files import read_audio
from assistant.audio.scripted import ScriptedMicrophone, SilentSpeaker
from assistant.clock import LoopClock
from assistant.config import Config
from assistant.events import (
    Event,
    Interruption,
    PlaybackStarted,
    SpeechEnded,
    SpeechPaused,
    StageFailed,
    TurnFinished,
    TurnStarted,
)
from assistant.heap import keep_trimmed
from assistant.models.store import ModelStore
from assistant.telemetry.machine import describe_machine
from assistant.telemetry.timeline import percentile
from assistant.virtual_time import run_in_virtual_time
from assistant.vision.camera import open_camera
from assistant.vision.file_cameras import PictureCamera
from bench.revision import revision
from bench.running import Family
from bench.soak_live import LiveSoak
from bench.soak_verdict import Sample, line_of, verdict
from bench.soak_words import INTERRUPTING, MUTED_S, MUTES_EVERY, OVER_IT_S, THINKING_S, recordings

_SETTLE_S = 0.9
_PATIENCE_S = 60.0


class Watch:
    """A `TurnObserver` that counts, and times how soon what was said is answered."""

    def __init__(self, now_s: Callable[[], float] = time.perf_counter) -> None:
        """`now_s` is the wall clock: in virtual time it is the work that may become slower."""
        self.turns = self.replies = self.interruptions = 0
        self.failures: dict[str, int] = {}
        self.first_sound_s: list[float] = []
        """For each reply that began, how long after the person fell silent."""
        self._now_s = now_s
        self._silent_since_s: dict[float, float] = {}
        """By the end of what was said on the run's clock."""
        self._asked_s: dict[int, float] = {}
        """By `turn_id`; an announcement was asked for by nobody."""

    def on_event(self, event: Event) -> None:
        match event:
            case SpeechPaused() | SpeechEnded():
                self._silent_since_s.setdefault(event.utterance.ended_at_s, self._now_s())
            case TurnStarted():
                ended_at_s, since_s = event.speech_ended_at_s, self._silent_since_s
                self._asked_s[event.turn_id] = since_s[ended_at_s]
                self._silent_since_s = {until_s: at_s for until_s, at_s in since_s.items() if until_s > ended_at_s}
            case PlaybackStarted() if event.turn_id in self._asked_s:
                self.replies += 1
                self.first_sound_s.append(self._now_s() - self._asked_s[event.turn_id])
            case TurnFinished():
                self.turns += 1
                self._asked_s.pop(event.turn_id, None)
            case Interruption():
                self.interruptions += 1
            case StageFailed():
                self.failures[event.stage] = self.failures.get(event.stage, 0) + 1


class Soak:
    """Conversations until the time is over."""

    def __init__(self, minutes: float, *, chinese: bool) -> None:
        self.samples: list[Sample] = []
        self.watch = Watch()
        self._minutes = minutes
        self._family, self._cpu_s = Family(os.getpid()), 0.0
        self._models = ModelStore()
        said = recordings(self._models, chinese=chinese)
        self._said = {text: read_audio(path) for text, path in said.items()}
        self._pictures = sorted(self._models.path("sample-pictures").glob("*.png"))

    async def run(self) -> None:
        clock = LoopClock()
        microphone = ScriptedMicrophone(clock)
        camera = open_camera(str(self._pictures[0]), clock)
        assert isinstance(camera, PictureCamera)
        devices = Devices(microphone, SilentSpeaker(clock), camera)
        assistant = Assistant(Config(), devices, self._models, clock, [self.watch])
        try:
            await assistant.start()
            async with anyio.create_task_group() as group:
                group.start_soon(assistant.run)
                group.start_soon(keep_trimmed)
                number, self._started_s = 0, time.monotonic()
                while time.monotonic() < self._started_s + 60 * self._minutes:
                    camera.show(self._pictures[number % len(self._pictures)])
                    await self._converse(number, assistant, microphone, clock)
                    self._take_sample()
                    number += 1
                await microphone.close()
                group.cancel_scope.cancel()
        finally:
            await assistant.close()

    async def _converse(
        self, number: int, assistant: Assistant, microphone: ScriptedMicrophone, clock: LoopClock
    ) -> None:
        for text, samples in self._said.items():
            await clock.sleep_until(clock.monotonic_s() + THINKING_S)
            with anyio.fail_after(_PATIENCE_S):  # a stream that nobody reads takes nothing
                await microphone.say(samples)
            if text == INTERRUPTING and number % 2:
                await clock.sleep_until(clock.monotonic_s() + _SETTLE_S + OVER_IT_S)
                continue  # the next sentence is spoken over the reply, a little later still
            await clock.sleep_until(clock.monotonic_s() + _SETTLE_S)
            with anyio.fail_after(_PATIENCE_S):
                await assistant.turns.idle()
        if number % MUTES_EVERY == MUTES_EVERY - 1 and assistant.controls is not None:
            await assistant.controls.mute()
            await clock.sleep_until(clock.monotonic_s() + MUTED_S)
            await assistant.controls.unmute()
            await clock.sleep_until(clock.monotonic_s() + 1.0)

    def _take_sample(self) -> None:
        gc.collect()
        used = self._family.usage()
        first_sound_s, self.watch.first_sound_s = self.watch.first_sound_s, []
        sample = Sample(
            round(time.monotonic() - self._started_s, 1),
            self.watch.turns - sum(sample.turns for sample in self.samples),
            len(first_sound_s),
            used.threads,
            used.descriptors,
            round(used.rss_bytes / 1e6, 1),
            round(used.children_rss_bytes / 1e6, 1),
            len(gc.get_objects()),
            round(used.cpu_s - self._cpu_s, 3),
            round(percentile(first_sound_s, 95), 3) if first_sound_s else None,
        )
        self._cpu_s = used.cpu_s
        self.samples.append(sample)
        print(line_of(sample, self.watch.turns), flush=True)


def _soak(minutes: float, options: argparse.Namespace) -> Soak | LiveSoak:
    """That is over."""
    if options.live:
        live = LiveSoak(minutes, chinese=options.chinese)
        live.run()
        return live
    soak = Soak(minutes, chinese=options.chinese)
    (run_in_virtual_time if options.accelerated else anyio.run)(soak.run)
    return soak


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=10.0)
    length.add_argument("--hours", type=float)
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--accelerated", action="store_true", help="in virtual time")
    way.add_argument("--live", action="store_true", help="a process of its own, through PortAudio, as it is used")
    parser.add_argument("--chinese", action="store_true", help="Chinese as well, whose voice is slow")
    options = parser.parse_args()
    minutes = options.minutes if options.hours is None else 60 * options.hours
    machine, commit = str(describe_machine()), revision()
    print(f"Soaking on {machine}, at commit {commit}, for {minutes:g} minutes.", flush=True)
    soak = _soak(minutes, options)
    try:
        said = verdict(soak.samples, soak.watch.failures)
    except ValueError as error:
        raise SystemExit(f"{error} Give it more minutes.") from error
    for name, figure in said.figures.items():
        print(f"{name:18} {figure.early:12.2f} → {figure.late:12.2f}  {'GROWS' if figure.grows else 'flat'}")
    for name, reason in said.failing.items():
        print(f"{name:18} FAILS: {reason}")
    result = {
        "bench": "soak",
        "verdict": said.word,
        "growing": said.growing,
        "failing": said.failing,
        "turns": soak.watch.turns,
        "replies": soak.watch.replies,
        "interruptions": soak.watch.interruptions,
        "failures": soak.watch.failures,
        "minutes": minutes,
        "accelerated": options.accelerated,
        "live": options.live,
        "machine": machine,
        "commit": commit,
        "figures": {name: asdict(figure) for name, figure in said.figures.items()},
        "last": asdict(soak.samples[-1]),
    }
    print(json.dumps(result))
    return int(said.word != "flat")


if __name__ == "__main__":
    sys.exit(main())
