"""The bench of the end of a turn, on one hesitant sentence."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import pytest

from assistant.asr import RECOGNIZERS
from assistant.config import Config
from assistant.dialogue import INTERPRETERS
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.ports import Recognition
from assistant.vad import DETECTORS
from bench import endpointing
from tests.bench.test_echo_delays import Loudness


class Growing:
    """A recogniser that hears half of a sentence in what is short: the first half, then `rest`."""

    rest: ClassVar[str] = "five minutes"
    halves: ClassVar[Iterator[str]]
    languages = frozenset({"en", "zh"})
    streams_partials = False
    short_samples: ClassVar[int] = 32_000

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Growing:
        return cls()

    def open(self, language: str | None) -> Growing:
        return Growing()

    def accept(self, samples: AudioArray) -> None:
        self._short = len(samples) < self.short_samples

    def result(self, *, over_reply: bool = False) -> Recognition:
        return Recognition(next(self.halves) if self._short else "set a timer for five minutes", "en", 0.9)

    def close(self) -> None:
        """Nothing to free."""


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What the bench prints for a second of speech, 0.9 s of silence, and another second."""
    return measured(monkeypatch, capsys)


def measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    monkeypatch.setattr(Growing, "halves", iter(("set a timer for", Growing.rest)), raising=False)
    monkeypatch.setitem(DETECTORS, Config().vad.backend, f"{Loudness.__module__}:Loudness")
    monkeypatch.setitem(RECOGNIZERS, Config().asr.backend, f"{__name__}:Growing")
    monkeypatch.setitem(INTERPRETERS, "hassil", "tests.doubles.conversation:SharedInterpreter")
    said = np.random.default_rng(0).normal(0.0, 0.3, 16_000).astype(np.float32)
    clip = endpointing._clip([said, np.zeros(14_400, np.float32), said], "hesitant", "somebody")
    monkeypatch.setattr(endpointing, "clips", lambda models, quick: [clip])
    monkeypatch.setattr(sys, "argv", ["endpointing", "--quick"])
    endpointing.main()
    return dict(json.loads(capsys.readouterr().out.splitlines()[-1]))


def test_it_drives_the_policies_of_a_conversation(results: dict[str, Any]) -> None:
    cut_off = {policy: rows["hesitant"]["cut_off"] for policy, rows in results.items()}
    assert cut_off == {
        "0.4 s": 1.0,
        "0.6 s": 1.0,
        "0.8 s": 1.0,
        "1.2 s": 0.0,
        "words": 0.0,
        "words, pauses": 0.0,
        "slow recogniser": 0.0,
    }
    assert all(rows["hesitant"]["lost"] == 0.0 for rows in results.values()), "the halves are joined"
    assert results["words"]["hesitant"]["delay_p50_s"] < 0.45
    assert 0.65 < results["slow recogniser"]["hesitant"]["delay_p50_s"] < 0.8, "when the words are known"


def test_what_makes_no_sense_after_a_cut_is_lost(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Growing, "rest", "fine minutes")
    results = measured(monkeypatch, capsys)
    assert results["0.8 s"]["hesitant"]["lost"] == 1.0
    assert results["words"]["hesitant"]["lost"] == 0.0, "nothing was cut off"
