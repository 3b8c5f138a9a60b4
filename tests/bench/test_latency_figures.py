"""What the bench of the latency reports, of an assistant that answers by a timetable and a clock that does not wait."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench import barge_in, latency
from bench.running import Running

TAKES_S, WAKES_S, STOPS_S, AFTER_DECISION_S = 0.45, 0.75, 0.12, 0.05
REPLY_S = 6.0


class Clock:
    """In place of `time`."""

    now_s = 100.0

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += max(seconds, 0.001)


class Tap:
    """What was loud, every 10 ms."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.loud: list[float] = []

    def play(self, begin_s: float, end_s: float) -> None:
        self.loud += [begin_s + 0.01 * block for block in range(round((end_s - begin_s) * 100) + 1)]

    def loud_at(self, since_s: float = 0.0) -> list[float]:
        return [at_s for at_s in self.loud if since_s <= at_s <= self._clock.now_s]

    def close(self) -> None:
        """Nothing to end."""


class Sound:
    """A microphone, a speaker, and an assistant between them that answers for six seconds, unless it is stopped."""

    def __init__(self, clock: Clock, events: Path) -> None:
        self._clock, self._events = clock, events
        self.taps = {"mic": Tap(clock), "speaker": Tap(clock)}

    def __enter__(self) -> Sound:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to end."""

    def tap(self, sink: str) -> Tap:
        return self.taps[sink]

    def speak(self, recording: Path) -> None:
        begin_s, speaker = self._clock.now_s, self.taps["speaker"]
        self._clock.sleep(1.0)
        said_s = self._clock.now_s
        self.taps["mic"].play(begin_s, said_s)
        if recording.stem == latency.STOPS:
            speaker.loud = [at_s for at_s in speaker.loud if at_s <= begin_s + STOPS_S]
            decided_s = begin_s + STOPS_S - AFTER_DECISION_S
            with self._events.open("a") as file:
                for event in ("SpeechStarted", "PlaybackPaused"):
                    file.write(json.dumps({"event": event, "at_s": decided_s}) + "\n")
        elif recording.stem == latency.WAKES:
            speaker.play(said_s + WAKES_S, said_s + WAKES_S + 0.2)
        else:
            speaker.play(said_s + TAKES_S, said_s + REPLY_S)


class Used:
    """A family of processes that uses a tenth of a core."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def cpu_s(self) -> float:
        return 0.1 * self._clock.now_s

    def rss_bytes(self) -> int:
        return 651_000_000

    def pss_bytes(self) -> int:
        return 525_000_000


def test_what_is_reported_of_the_latency(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, events = Clock(), tmp_path / "events.jsonl"

    class Assistant(Running):
        def idle_cpu(self, seconds: float) -> float:
            return 0.07

    @contextmanager
    def running(*_: object) -> Iterator[Running]:
        yield Assistant(Used(clock), [], events, tmp_path / "control.sock", 2.5)  # type: ignore[arg-type]

    class Shelf:
        def file(self, model: str, name: str) -> Path:
            return tmp_path / name

    for module in (latency, barge_in):
        monkeypatch.setattr(module, "time", clock)
    monkeypatch.setattr(latency, "VirtualSound", lambda: Sound(clock, events))
    monkeypatch.setattr(latency, "running", running)
    monkeypatch.setattr(latency, "ModelStore", Shelf)
    monkeypatch.setattr(latency, "render_speech", lambda lines, *_: [Path(f"{text}.wav") for text, *_ in lines])
    monkeypatch.setattr(latency, "idle_before_a_camera", lambda picture: 0.11)
    monkeypatch.setattr("sys.argv", ["latency", "--runs", "1"])
    latency.main()
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    chinese = told.pop("chinese")
    assert told == {
        "answered": len(latency.COMMANDS["en"]),
        "of": len(latency.COMMANDS["en"]),
        "p50_s": TAKES_S,
        "p95_s": TAKES_S,
        "wake_to_listening_p50_s": WAKES_S,
        "wake_to_listening_p95_s": WAKES_S,
        "speech_over_reply_to_silence_p50_s": pytest.approx(STOPS_S, abs=0.011),
        "speech_over_reply_to_silence_p95_s": pytest.approx(STOPS_S, abs=0.011),
        "barge_in_stop_p50_s": pytest.approx(AFTER_DECISION_S, abs=0.011),
        "barge_in_stop_p95_s": pytest.approx(AFTER_DECISION_S, abs=0.011),
        "start_s": 2.5,
        "idle_still_picture_cpu": 0.07,
        "idle_cpu": 0.11,
        "active_cpu": 0.1,
        "rss_mb": 651,
        "pss_mb": 525,
    }
    assert chinese == {
        "answered": 6,
        "of": 6,
        "p50_s": TAKES_S,
        "p95_s": TAKES_S,
        "active_cpu": 0.1,
        "rss_mb": 651,
        "pss_mb": 525,
    }
