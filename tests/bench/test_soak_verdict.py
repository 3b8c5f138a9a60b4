"""What the soak counts and times, and what it calls growth and failure."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from assistant.events import (
    Event,
    Interruption,
    PlaybackStarted,
    SpeechEnded,
    SpeechPaused,
    StageFailed,
    TurnFinished,
    TurnStarted,
    Utterance,
)
from assistant.telemetry.events_file import line_of
from bench import soak
from bench.soak import Watch
from bench.soak_live import EventsRead
from bench.soak_verdict import Sample, Verdict, verdict

SAMPLE = Sample(0.0, 9, 9, 15, 11, 600.0, 230.0, 300_000, 10.0, 0.5)


def judge(
    change: Callable[[Sample, int], Sample], count: int = 40, failures: Mapping[str, int] | None = None
) -> Verdict:
    return verdict([change(SAMPLE, number) for number in range(count)], failures)


def test_a_run_that_stays_as_it_is_and_one_that_only_warms_up_are_flat() -> None:
    for run in (
        judge(lambda sample, number: sample),
        judge(lambda sample, number: replace(sample, rss_mb=600.0 if number > 8 else 400.0)),
        judge(lambda sample, number: replace(sample, rss_mb=600 + 10 * (number % 3), threads=15 + number % 2)),
        judge(lambda sample, number: replace(sample, turns=8 + number % 2, replies=8), count=14),
    ):
        assert (run.word, run.growing, run.failing) == ("flat", [], {})


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("threads", 0.2),
        ("descriptors", 0.5),
        ("rss_mb", 2.0),
        ("children_rss_mb", 2.0),
        ("objects", 1000.0),
        ("first_sound_p95_s", 0.02),
        ("cpu_s", 0.2),
    ],
)
def test_whatever_grows_is_named(name: str, step: float) -> None:
    run = judge(lambda sample, number: replace(sample, **{name: getattr(sample, name) + step * number}))
    assert (run.word, run.growing, run.failing) == ("growing", [name], {})


def test_a_reply_that_comes_after_0_9_instead_of_0_5_seconds_has_become_slower() -> None:
    run = judge(lambda sample, number: replace(sample, first_sound_p95_s=0.5 if number < 25 else 0.9))
    assert run.growing == ["first_sound_p95_s"]


def test_an_assistant_that_goes_deaf_fails_although_nothing_of_it_grows() -> None:
    def deaf_from(first: int) -> Callable[[Sample, int], Sample]:
        nothing = {"turns": 0, "replies": 0, "cpu_s": 1.0, "first_sound_p95_s": None}
        return lambda sample, number: sample if number < first else replace(sample, **nothing)

    run = judge(deaf_from(25))
    assert (run.word, run.growing, set(run.failing)) == ("failing", [], {"turns", "replies"})
    assert set(judge(deaf_from(5)).failing) == {"replies"}, "deaf in the first quarter, with which nothing is compared"
    assert judge(deaf_from(39)).failing == {"replies": "none in the conversations 40"}


def test_one_that_misses_some_of_what_is_said_fails() -> None:
    run = judge(lambda sample, number: replace(sample, turns=9 if number < 25 else 7))
    assert run.failing == {"turns": "9.0 a conversation became 7.0"}


def test_a_stage_that_failed_is_named() -> None:
    run = judge(lambda sample, number: sample, failures={"microphone": 2})
    assert (run.word, run.failing) == ("failing", {"failures": "microphone (2)"})


@pytest.mark.parametrize("way", ["--accelerated", "--live"])
@pytest.mark.parametrize(("replies", "word", "code"), [(9, "flat", 0), (0, "failing", 1)])
def test_a_soak_of_a_deaf_assistant_exits_with_1(
    way: str, replies: int, word: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Soaked:
        def __init__(self, minutes: float, *, chinese: bool) -> None:
            self.samples = [replace(SAMPLE, replies=replies)] * 8
            self.watch = Watch()

        async def run(self) -> None:
            """Is over."""

    class SoakedLive(Soaked):
        def run(self) -> None:  # type: ignore[override]
            """Is over."""
            self.samples = [replace(sample, objects=None) for sample in self.samples]
            self.watch = EventsRead()

    monkeypatch.setattr(soak, "Soak", Soaked)
    monkeypatch.setattr(soak, "LiveSoak", SoakedLive)
    monkeypatch.setattr(sys, "argv", ["soak", way])
    assert soak.main() == code
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert told["verdict"] == word and told["live"] is (way == "--live")
    assert ("objects" in told["figures"]) is (way == "--accelerated"), "from outside they cannot be counted"


def test_from_outside_growth_is_told_without_what_cannot_be_counted() -> None:
    run = judge(lambda sample, number: replace(sample, objects=None, descriptors=11 + number))
    assert (run.word, run.growing) == ("growing", ["descriptors"])


def test_from_outside_replies_interruptions_and_failures_are_counted_as_the_events_file_grows(tmp_path: Path) -> None:
    """Once each, however often it is read; an announcement is no reply."""
    path, read = tmp_path / "events.jsonl", EventsRead()
    first = [TurnStarted(1.0, 1, 0.5), PlaybackStarted(1.1, 1), Interruption(1.2, 1, "speech"), TurnFinished(1.3, 1)]
    announced = [PlaybackStarted(2.0, 2), TurnFinished(2.5, 2)]
    third = [TurnStarted(3.0, 3, 2.8), StageFailed(3.1, "speaker", ""), PlaybackStarted(3.2, 3), TurnFinished(3.9, 3)]
    lines = [line_of(event, log_content=False) for event in (*first, *announced, *third)]
    for whole, replies in ((1, 0), (7, 1), (10, 2)):
        path.write_bytes(b"".join(lines[:whole]) + b"".join(lines[whole:])[:9])  # the next is half-written
        for _ in range(2):
            read.read(path)
        assert read.replies == replies
    assert (read.interruptions, read.failures) == (1, {"speaker": 1})


def test_one_conversation_tells_nothing() -> None:
    with pytest.raises(ValueError, match="Eight"):
        judge(lambda sample, number: sample, count=7)


def test_a_reply_is_timed_from_the_last_pause_to_its_first_sound() -> None:
    """Neither the playing of a long reply counts, nor an announcement that nobody asked for."""

    def said(ended_at_s: float) -> Utterance:
        return Utterance(ended_at_s, np.zeros(16, np.float32), 16_000, ended_at_s - 1.0, ended_at_s)

    happens: list[tuple[float, Event]] = [
        (10.0, SpeechPaused(0.0, said(1.0))),
        (10.4, SpeechPaused(0.0, said(2.0))),
        (10.7, SpeechEnded(0.0, said(2.0))),
        (10.8, SpeechPaused(0.0, said(4.0))),  # more is said before the recogniser is done
        (11.0, TurnStarted(0.0, 1, 2.0)),
        (11.2, PlaybackStarted(0.0, 1)),
        (31.0, TurnFinished(0.0, 1)),
        (31.1, TurnStarted(0.0, 2, 4.0)),
        (31.3, PlaybackStarted(0.0, 2)),
        (31.4, TurnFinished(0.0, 2)),
        (60.0, PlaybackStarted(0.0, 3)),
        (61.0, TurnFinished(0.0, 3)),
    ]
    now_s = 0.0

    def clock() -> float:
        return now_s

    watch = Watch(clock)
    for at_s, event in happens:
        now_s = at_s
        watch.on_event(event)
    assert watch.first_sound_s == pytest.approx([0.8, 20.5])
    assert (watch.turns, watch.replies) == (3, 2)


@pytest.mark.models
def test_a_real_conversation_is_held_counted_and_too_little_for_a_verdict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    own: list[tuple[int, int]] = []
    take_sample = soak.Soak._take_sample

    def count_own_and_take_sample(soaked: soak.Soak) -> None:
        own.append((psutil.Process().num_threads(), psutil.Process().num_fds()))
        take_sample(soaked)

    monkeypatch.setattr(soak.Soak, "_take_sample", count_own_and_take_sample)
    monkeypatch.setattr(sys, "argv", ["soak", "--accelerated", "--minutes", "0.001"])
    with pytest.raises(SystemExit, match="more minutes"):
        soak.main()
    [told] = [line for line in capsys.readouterr().out.splitlines() if " turns " in line]
    numbers = re.fullmatch(r" *\d+ s +(\d+) turns +(\d+) threads +(\d+) files .* p95 ([\d.]+) s", told)
    assert numbers, told
    turns, threads, descriptors, first_sound_s = numbers.groups()
    assert int(turns) >= 8, "all that is meant for it, in one conversation"
    assert int(threads) > own[0][0] + 1 and int(descriptors) > own[0][1] + 1, "those of other processes count too"
    assert float(first_sound_s) > 0.0
