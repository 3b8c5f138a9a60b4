"""False wakes, counted on whatever recordings of people are installed."""

from __future__ import annotations

import io
import json
import struct
import sys
from pathlib import Path

import pytest
import soundfile

import bench.wake
from assistant.asr import RECOGNIZERS
from assistant.config import Config
from assistant.vad import DETECTORS
from bench.people import PEOPLE
from tests.doubles.model_shelf import Shelf, member, pinned
from tests.doubles.recognizers import OneSentence
from tests.doubles.sound_devices import Room


def sound(speech_s: float, seconds: float, kind: str) -> bytes:
    """Who speaks for so long, and then keeps silent."""
    samples = Room((0.0, speech_s))(0.0, 16_000 * 4)[: round(seconds * 16_000)]
    content = io.BytesIO()
    soundfile.write(content, samples, 16_000, format=kind)
    return content.getvalue()


def game(files: dict[str, bytes]) -> bytes:
    """An archive as ScummVM makes it."""
    offset = 15 + 21 * len(files)
    contents = b"QTBL" + b"CEM10\0\0\0\3" + struct.pack(">H", len(files))
    for name, content in files.items():
        contents += struct.pack(">12sBII", name.encode(), 1, offset, len(content))
        offset += len(content)
    return contents + b"".join(files.values())


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """What there is to pull, before ears for which loud is speech, and all of it the same sentence."""
    shelf = Shelf(tmp_path)
    for people in PEOPLE:
        shelf.simple(people.model)
    monkeypatch.setattr("assistant.models.store.shipped_manifests", lambda: shelf.manifests)
    monkeypatch.setenv("ASSISTANT_MODELS__DIR", str(shelf.root))
    monkeypatch.setitem(DETECTORS, Config().vad.backend, "tests.doubles.living:Loudness")
    monkeypatch.setitem(RECOGNIZERS, Config().asr.backend, "tests.doubles.recognizers:OneSentence")
    monkeypatch.setattr(sys, "argv", ["wake", "--false-wakes"])
    return shelf


def pull(shelf: Shelf, name: str, files: dict[str, bytes]) -> None:
    archive = shelf.zip(f"{name}.zip", files)
    shelf.model(name, [pinned(archive)], [member(path, path, content) for path, content in files.items()])
    shelf.store().pull(name)


def measured(capsys: pytest.CaptureFixture[str]) -> tuple[str, dict[str, dict[str, float]]]:
    bench.wake.main()
    printed = capsys.readouterr().out
    return printed, json.loads(printed.splitlines()[-1])["false_wakes"]


def test_false_wakes_are_counted_by_language(shelf: Shelf, capsys: pytest.CaptureFixture[str]) -> None:
    lines = {"JOE1.SB": sound(1.0, 1.8, "FLAC"), "HINT.CUT": b"no sound", "JOE2.SB": sound(0.5, 1.8, "OGG")}
    pull(shelf, "sample-game-en", {"queen.1c": game(lines)})
    prompts = {"a.wav": sound(0.7, 1.8, "WAV"), "digits/1.wav": sound(0.4, 1.8, "WAV")}
    pull(
        shelf, "sample-telephone-fr", {**prompts, "silence/1.wav": sound(0.5, 1.8, "WAV"), "is.wav": sound(0, 0, "WAV")}
    )
    printed, found = measured(capsys)
    assert {name: (row["hours"], row["false_wakes"]) for name, row in found.items()} == {
        "en": (0.001, 2),
        "fr": (0.001, 2),
        "all": (0.002, 4),
    }
    for model in ("sample-game-en", "sample-telephone-fr"):
        assert printed.count(f"Woken by {model}: Hey Jarvis, what time is it?") == 2


def test_without_a_false_wake_the_rate_is_bounded(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(OneSentence, "text", "What a service!")
    pull(shelf, "sample-telephone-es", {"a.wav": sound(1.0, 3.6, "WAV")})
    _, found = measured(capsys)
    assert found["es"]["false_wakes"] == 0
    assert found["es"]["at_most_per_hour"] == pytest.approx(2996, rel=0.01)


def test_what_is_not_installed_is_named_and_costs_nothing_else(
    shelf: Shelf, capsys: pytest.CaptureFixture[str]
) -> None:
    printed, found = measured(capsys)
    assert found == {"all": {"hours": 0.0, "false_wakes": 0, "at_most_per_hour": None}}
    assert f"assistant models pull {' '.join(people.model for people in PEOPLE)}\n" in printed
