"""Misses and false accepts over thresholds, on recordings that a user labelled."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from assistant.asr import RECOGNIZERS
from assistant.audio.files import write_wav
from assistant.config import Config
from assistant.errors import MediaError
from assistant.models.store import ModelStore
from assistant.vad import DETECTORS
from assistant.wake import FIRST_STAGES
from assistant.wake.phrase import PhraseMatcher
from assistant.wake_curve.curve import curve, upper_bound
from assistant.wake_curve.ears import Heard
from assistant.wake_curve.recordings import Labelled, recordings_in
from tests.doubles.command import assistant, typed
from tests.doubles.person import Person
from tests.doubles.recognizers import OneSentence
from tests.doubles.sound_devices import Room


def heard(positive: bool, *scores: float, seconds: float = 1800.0) -> Heard:
    return Heard(Labelled(Path("x.wav"), positive), seconds, tuple(("…", score) for score in scores))


def test_a_higher_threshold_misses_more_and_wakes_less() -> None:
    found = [heard(True, 0.9), heard(True, 0.2, 0.7), heard(True), heard(False, 0.8, 0.6, 0.1), heard(False, 0.75)]
    points = {point.threshold: point for point in curve(found, (0.5, 0.75, 0.95))}
    assert [points[t].missed for t in (0.5, 0.75, 0.95)] == [1, 2, 3]
    assert [points[t].false_accepts for t in (0.5, 0.75, 0.95)] == [3, 2, 0]
    assert points[0.75].false_accepts_per_hour == 2.0
    assert points[0.95].at_most_per_hour == pytest.approx(2.996, rel=0.01)


def test_what_was_not_recorded_is_not_rated() -> None:
    [point] = curve([heard(False, 0.1)], (0.75,))
    assert point.miss_rate is None
    [point] = curve([heard(True, 0.9)], (0.75,))
    assert (point.miss_rate, point.false_accepts_per_hour) == (0.0, None)


@pytest.mark.parametrize(("count", "exact"), [(0, 2.996), (1, 4.744), (5, 10.513), (20, 29.062)])
def test_the_bound_is_that_of_the_poisson_distribution(count: int, exact: float) -> None:
    assert upper_bound(count) == pytest.approx(exact, rel=0.01)


@pytest.mark.parametrize(
    "text",
    [
        "Hey Jarvis, what time is it?",
        "hey service what",
        "你好贾维斯，现在几点了",
        "你好 家伟 是",
        "I like tea, hey jarvis",
        "",
        "tea",
    ],
)
def test_the_score_is_the_highest_threshold_that_matches(text: str) -> None:
    phrases = ("hey jarvis", "你好贾维斯")
    score = PhraseMatcher(phrases, 0.75).score(text)
    for threshold in (0.05, 0.3, 0.5, 0.75, 0.9, 1.0):
        assert (PhraseMatcher(phrases, threshold).match(text) is not None) == (score >= threshold)


def test_subfolders_and_a_table_label_alike(tmp_path: Path) -> None:
    for name in ("positive/a.wav", "negative/deep/b.flac", "negative/readme.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [(item.path.name, item.positive) for item in recordings_in(tmp_path)] == [("a.wav", True), ("b.flac", False)]
    table = tmp_path / "labels.csv"
    table.write_text("file,label\npositive/a.wav,1\nnegative/c.wav,0\n")
    with pytest.raises(MediaError, match=r"labels\.csv:3: there is no recording at .*c\.wav"):
        recordings_in(tmp_path)
    table.write_text("\ufefffile,label\npositive/a.wav,Wake\nnegative/deep/b.flac,0\n", encoding="utf-8")
    assert [item.positive for item in recordings_in(tmp_path)] == [True, False]
    assert recordings_in(table) == recordings_in(tmp_path)


def test_a_folder_or_a_table_that_is_not_understood_is_named(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="positive"):
        recordings_in(tmp_path)
    (tmp_path / "labels.csv").write_text("file,label\na.wav,perhaps\n")
    with pytest.raises(MediaError, match=r"labels\.csv:2.*perhaps"):
        recordings_in(tmp_path)


class Expecting(OneSentence):
    """Makes out an unclear wake phrase only when it expects one."""

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Expecting:
        recognizer = cls(())
        if config.wake.mode != "phrase":
            recognizer.text = "Service, what time is it?"  # type: ignore[misc]
        return recognizer


class Bench:
    """`assistant bench wake` on recordings of what is loud, and recognised as the wake phrase and a command."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capture: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capture = folder, capture
        patch.setitem(DETECTORS, "loudness", "tests.doubles.living:Loudness")
        patch.setitem(RECOGNIZERS, "one sentence", "tests.doubles.recognizers:OneSentence")
        for name in ("Never", "Unsure"):
            patch.setitem(FIRST_STAGES, name, f"tests.doubles.first_stages:{name}")
        patch.setattr(OneSentence, "asked", 0)
        patch.setenv("XDG_CONFIG_HOME", str(folder / "none"))

    def record(self, name: str, volume: float = 1.0) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_wav(self.folder / name, volume * Room((0.0, 1.0))(0.0, 16_000), 16_000)

    def run(self, **wake: str) -> tuple[int, str]:
        settings = {"VAD__BACKEND": "loudness", "ASR__BACKEND": "one sentence"}
        settings |= {f"WAKE__{key.upper()}": value for key, value in wake.items()}
        env = {f"ASSISTANT_{key}": value for key, value in settings.items()}
        return typed("bench", "wake", self.folder, env=env, capture=self._capture)

    def row(self, **wake: str) -> str:
        """What it says of the configured threshold."""
        code, printed = self.run(**wake)
        assert code == 0, printed
        [row] = [line for line in printed.splitlines() if "0.75 *" in line]
        return row


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize(
    ("wake", "missed"),
    [
        ({}, "0% (0 of 1)"),
        ({"first_stage": "Never"}, "100% (1 of 1)"),
        ({"first_stage": "Unsure"}, "0% (0 of 1)"),
        ({"first_stage": "Unsure", "mode": "always"}, "0% (0 of 1)"),
        ({"first_stage": "Unsure", "first_stage_threshold": "0.7"}, "100% (1 of 1)"),
        ({"first_stage": "Never", "mode": "always"}, "100% (1 of 1)"),
    ],
)
def test_what_the_first_stage_does_not_fire_on_is_missed(bench: Bench, wake: dict[str, str], missed: str) -> None:
    bench.record("positive/a.wav")
    assert missed in bench.row(**wake)
    assert OneSentence.asked == (0 if missed.startswith("100%") else 1), "the recogniser is not even asked"


def test_however_it_is_called_the_recogniser_expects_the_phrase(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RECOGNIZERS, "one sentence", f"{__name__}:Expecting")
    bench.record("positive/a.wav")
    assert "0% (0 of 1)" in bench.row(mode="push-to-talk")


def test_what_the_first_stage_fired_on_in_one_recording_does_not_count_in_the_next(bench: Bench) -> None:
    bench.record("positive/a.wav")
    bench.record("positive/b.wav", volume=0.6)
    assert "0% (0 of 2)" in bench.run()[1]
    assert "50% (1 of 2)" in bench.run(first_stage="Unsure")[1]


def test_recordings_that_cannot_be_read_are_named_after_the_others_were_measured(bench: Bench) -> None:
    bench.record("negative/z.wav")
    bench.record("positive/c.wav")
    for name in ("a.wav", "b.wav"):
        (bench.folder / "positive" / name).write_bytes(b"no sound")
    code, printed = bench.run()
    assert code == MediaError.exit_code
    assert "0% (0 of 1)" in printed
    assert printed.count("left out: ") == 2 and "a.wav" in printed
    assert "2 recordings could not be read; the others are measured" in printed


RECORDED = {
    "positive": [("Hey Jarvis, what time is it?", "en")],
    "negative": [
        ("The train leaves at nine.", "en"),
        ("Hey, service is slow today.", "en"),
        ("Hey Marvin, come here.", "en"),
        ("你好，夏威夷", "zh"),
    ],
}


@pytest.mark.models
def test_recordings_are_measured_from_the_command_line(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    spoken = Person(request)
    for folder, texts in RECORDED.items():
        (tmp_path / folder).mkdir()
        for number, (text, language) in enumerate(texts):
            shutil.copy(spoken(text, language), tmp_path / folder / f"speech-{number}.wav")
    write_wav(tmp_path / "negative/silence.wav", np.zeros(16_000, np.float32), 16_000)
    result = assistant("bench", "wake", tmp_path, "--json")
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert found["positive"] == 1
    at = {point["threshold"]: point for point in found["curve"]}[found["configured"]]
    assert (at["missed"], at["false_accepts"]) == (0, 0), found["recordings"]
    assert "wake.match" in assistant("bench", "wake", tmp_path).stdout
