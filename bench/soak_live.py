"""A soak of the command `assistant run`: PortAudio, the service, its control socket, events file, statistics, metrics.

A person speaks into a virtual microphone, in real time, and waits until the virtual speaker is silent. Seen from
outside: what the processes use; how soon it answers, from `assistant status`, over its newest 500 turns; how many turns
there were, from the metrics; what it said and what failed, from the events file.
"""

from __future__ import annotations

import json
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from assistant.control.client import ask_at
from assistant.control.protocol import Done, Mute, Request, Status, StatusResult, Unmute
from assistant.errors import AssistantError
from assistant.models.store import ModelStore
from assistant.stages import MOUTH_TO_EAR
from assistant.vision.pictures import read_picture
from bench.running import Running, running
from bench.soak_verdict import LEAST, Sample, line_of
from bench.soak_words import INTERRUPTING, MUTED_S, MUTES_EVERY, OVER_IT_S, THINKING_S, recordings
from bench.virtual_sound import Tap, VirtualSound
from tests.doubles.mjpeg import NetworkCamera
from tests.doubles.prometheus import free_port, scrape

_CAMERA_FPS = 2.0
_PLAYED_S = 0.3
"""By how much later than its last word it may be known that a sentence was played: an answer may have begun."""
_ANSWERS_WITHIN_S = 5.0
_QUIET_S = 1.0
"""Silence after a reply, which may itself pause between sentences."""
_RESTS_S = 1.0
"""After that silence the speaker may still be open: it is closed a second after what was played last."""
_PATIENCE_S = 60.0
_TURNS = re.compile(r"^assistant_turns_total ([\d.]+)$", re.MULTILINE)


class LiveSoak:
    """Conversations until the time is over and there are enough of them, or the assistant is gone."""

    def __init__(self, minutes: float, *, chinese: bool) -> None:
        self.samples: list[Sample] = []
        self.watch = EventsRead()
        self._minutes = minutes
        models = ModelStore()
        self._said = recordings(models, chinese=chinese)
        self._pictures = [read_picture(path) for path in sorted(models.path("sample-pictures").glob("*.png"))]
        self._port = free_port()
        self._started_s = self._cpu_s = 0.0
        """When it began, and how much processor time the assistant had used at the last sample."""

    def run(self) -> None:
        with (
            VirtualSound() as sound,
            NetworkCamera(scene=self._pictures[0], fps=_CAMERA_FPS) as camera,
            tempfile.TemporaryDirectory() as folder,
            running(sound, _config(camera), Path(folder), metrics_port=self._port) as assistant,
        ):
            number, self._started_s, self._cpu_s = 0, time.monotonic(), assistant.family.cpu_s()
            try:
                while time.monotonic() < self._started_s + 60 * self._minutes or number < LEAST:
                    camera.scene = self._pictures[number % len(self._pictures)]
                    self._converse(number, assistant, sound)
                    self._take_sample(assistant)
                    number += 1
            # It does not answer, or has ended, or tells what cannot be read.
            except (AssistantError, psutil.Error, OSError, ValueError) as error:
                self.watch.failures["assistant"] = 1
                print(f"The assistant is gone: {error!r}", *assistant.lines[-15:], sep="\n")

    def _converse(self, number: int, assistant: Running, sound: VirtualSound) -> None:
        speaker = sound.tap("speaker")  # anew, for it keeps what it has recorded
        try:
            for text, recording in self._said.items():
                time.sleep(THINKING_S)
                sound.speak(recording)
                said_s = time.monotonic() - _PLAYED_S  # so that what it was said over is not taken for the answer
                if text == INTERRUPTING and number % 2:
                    _wait_for_sound(speaker, said_s)
                    time.sleep(OVER_IT_S)  # the next sentence is spoken over the reply
                else:
                    _wait_for_silence(speaker, said_s)
        finally:
            speaker.close()
        if number % MUTES_EVERY == MUTES_EVERY - 1:
            _tell(assistant, Mute())
            time.sleep(MUTED_S)
            _tell(assistant, Unmute())
            deadline_s = time.monotonic() + _PATIENCE_S
            while not _status(assistant).health.hears and time.monotonic() < deadline_s:
                time.sleep(0.1)

    def _take_sample(self, assistant: Running) -> None:
        time.sleep(_RESTS_S)
        used, latency = assistant.family.usage(), _status(assistant).latency.get(MOUTH_TO_EAR)
        turns, replies = self.watch.turns, self.watch.replies
        self.watch.read(assistant.events)
        self.watch.turns = _turns(scrape(self._port))
        sample = Sample(
            round(time.monotonic() - self._started_s, 1),
            self.watch.turns - turns,
            self.watch.replies - replies,
            used.threads,
            used.descriptors,
            round(used.rss_bytes / 1e6, 1),
            round(used.children_rss_bytes / 1e6, 1),
            None,
            round(used.cpu_s - self._cpu_s, 3),
            round(latency.p95_s, 3) if latency is not None else None,
        )
        self._cpu_s = used.cpu_s
        self.samples.append(sample)
        print(line_of(sample, self.watch.turns), flush=True)


class EventsRead:
    """What an events file tells, as far as it has been read."""

    def __init__(self) -> None:
        self.turns = self.replies = self.interruptions = 0
        """The turns are those that the metrics count."""
        self.failures: dict[str, int] = {}
        """By stage."""
        self._asked: set[int] = set()
        """The turns that are going on; an announcement was asked for by nobody."""
        self._read_bytes = 0

    def read(self, file: Path) -> None:
        """What has been added to it; the last line may be half-written."""
        with file.open("rb") as lines:
            lines.seek(self._read_bytes)
            for line in lines:
                if not line.endswith(b"\n"):
                    break
                self._read_bytes += len(line)
                self._note(json.loads(line))

    def _note(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "TurnStarted":
                self._asked.add(event["turn_id"])
            case "PlaybackStarted" if event["turn_id"] in self._asked:
                self.replies += 1
            case "TurnFinished":
                self._asked.discard(event["turn_id"])
            case "Interruption":
                self.interruptions += 1
            case "StageFailed":
                self.failures[event["stage"]] = self.failures.get(event["stage"], 0) + 1


def _config(camera: NetworkCamera) -> str:
    return f'[vision]\ncamera = "{camera.address}"\nrate_hz = {_CAMERA_FPS}\n'


def _wait_for_sound(speaker: Tap, since_s: float) -> None:
    deadline_s = time.monotonic() + _ANSWERS_WITHIN_S
    while not speaker.loud_at(since_s) and time.monotonic() < deadline_s:
        time.sleep(0.05)


def _wait_for_silence(speaker: Tap, since_s: float) -> None:
    """Until what is answered has been heard, or nothing is."""
    _wait_for_sound(speaker, since_s)
    deadline_s = time.monotonic() + _PATIENCE_S
    while (heard := speaker.loud_at(since_s)) and time.monotonic() < deadline_s:
        if time.monotonic() - heard[-1] > _QUIET_S:
            return
        time.sleep(0.05)


def _status(assistant: Running) -> StatusResult:
    return ask_at([assistant.socket], Status(), StatusResult)


def _tell(assistant: Running, request: Request) -> None:
    ask_at([assistant.socket], request, Done)


def _turns(metrics: str) -> int:
    """What Prometheus would find. Raises `ValueError` where there is no such counter."""
    found = _TURNS.search(metrics)
    if found is None:
        raise ValueError("The metrics count no turns.")
    return round(float(found[1]))
