"""What replies begin with is made in advance, for a language that is spoken, while nobody speaks."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import anyio
import numpy as np
import pytest

from assistant.config import Config, TtsConfig
from assistant.errors import ModelMissingError, StageError
from assistant.events import (
    Event,
    PlaybackFinished,
    PlaybackStarted,
    ReplyChunk,
    SpeechEnded,
    SpeechStarted,
    TurnFinished,
    TurnStarted,
    Utterance,
)
from assistant.service.rehearsal import BEGINNINGS, Rehearsal
from assistant.virtual_time import run_in_virtual_time
from tests.doubles.house import House, until_it_is
from tests.doubles.living import HangableLoop


class Rehearsed:
    """Voices that note when they were asked to make a beginning."""

    def __init__(self, missing: int, failures: Sequence[StageError] = ()) -> None:
        """`failures` are what becomes of the first tries."""
        self.missing = missing
        self.at_s: list[float] = []
        self._failures = list(failures)

    async def rehearse(self, language: str) -> int:
        assert language == "zh"
        self.at_s.append(anyio.current_time())
        if self._failures:
            raise self._failures.pop(0)
        await anyio.sleep(0.5)
        self.missing -= 1
        return self.missing


def rehearse(voices: Rehearsed, preload: Sequence[str], script: Callable[[Rehearsal], Awaitable[None]]) -> None:
    """Run a rehearsal in virtual time, from 0 s on, beside a script."""

    async def main() -> None:
        rehearsal = Rehearsal(voices, Config(tts=TtsConfig(preload=tuple(preload))))
        async with anyio.create_task_group() as group:
            group.start_soon(rehearsal.run)
            await script(rehearsal)
            group.cancel_scope.cancel()

    run_in_virtual_time(main)


def happens(rehearsal: Rehearsal, kind: type[Event]) -> None:
    now_s = anyio.current_time()
    said = Utterance(now_s, np.zeros(0, np.float32), 16_000, now_s, now_s)
    events = {
        SpeechStarted: SpeechStarted(now_s),
        SpeechEnded: SpeechEnded(now_s, said),
        TurnStarted: TurnStarted(now_s, 1, now_s),
        TurnFinished: TurnFinished(now_s, 1),
        PlaybackStarted: PlaybackStarted(now_s, 1),
        PlaybackFinished: PlaybackFinished(now_s, 1, 1.0, "好的。", completed=True),
        ReplyChunk: ReplyChunk(now_s, 1, "好的。", "zh"),
    }
    rehearsal.on_event(events[kind])


def test_all_are_made_one_after_the_other_when_it_is_quiet() -> None:
    voices = Rehearsed(missing=3)

    async def script(_: Rehearsal) -> None:
        await anyio.sleep(60.0)

    rehearse(voices, ["zh"], script)
    assert voices.at_s == pytest.approx([2.0, 2.5, 3.0], abs=0.5)


def test_none_is_begun_while_somebody_speaks_or_is_answered() -> None:
    voices = Rehearsed(missing=1000)

    async def script(rehearsal: Rehearsal) -> None:
        for kind, lasts_s in (
            (ReplyChunk, 5.0),
            (SpeechStarted, 10.0),
            (SpeechEnded, 0.5),
            (TurnStarted, 10.0),
            (TurnFinished, 10.0),
        ):
            happens(rehearsal, kind)
            await anyio.sleep(lasts_s)

    rehearse(voices, [], script)
    begun = np.array(voices.at_s)
    assert ((begun < 5.0) | (begun >= 27.5)).all()
    assert (begun < 5.0).any()
    assert (begun >= 27.5).any()


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param((TurnStarted, SpeechStarted, SpeechEnded), id="a cough over a reply"),
        pytest.param((TurnStarted, SpeechStarted, TurnFinished), id="somebody speaks as a turn ends"),
        pytest.param((PlaybackStarted, SpeechStarted, SpeechEnded), id="an announcement is no turn"),
        pytest.param((TurnStarted, PlaybackStarted, PlaybackFinished), id="a turn goes on after its reply"),
    ],
)
def test_none_is_begun_while_one_of_several_goes_on(begun: Sequence[type[Event]]) -> None:
    voices = Rehearsed(missing=3)

    async def script(rehearsal: Rehearsal) -> None:
        await anyio.sleep(0.1)
        for kind in begun:
            happens(rehearsal, kind)
        await anyio.sleep(30.0)

    rehearse(voices, ["zh"], script)
    assert voices.at_s == []


def test_where_it_is_never_quiet_one_is_made_now_and_then() -> None:
    voices = Rehearsed(missing=3)

    async def script(rehearsal: Rehearsal) -> None:
        await anyio.sleep(0.1)
        happens(rehearsal, SpeechStarted)
        await anyio.sleep(200.0)

    rehearse(voices, ["zh"], script)
    assert len(voices.at_s) == 3


def test_nothing_is_made_for_a_language_that_is_not_spoken() -> None:
    voices = Rehearsed(missing=3)

    async def script(_: Rehearsal) -> None:
        await anyio.sleep(60.0)

    rehearse(voices, ["en"], script)
    assert voices.at_s == []


def test_a_voice_that_was_never_pulled_is_left_alone() -> None:
    never_pulled = StageError("There is no such model.")
    never_pulled.exit_code = ModelMissingError.exit_code
    voices = Rehearsed(missing=3, failures=[never_pulled])

    async def script(_: Rehearsal) -> None:
        await anyio.sleep(3600.0)

    rehearse(voices, ["zh"], script)
    assert len(voices.at_s) == 1


@pytest.mark.parametrize(("failures", "within_s"), [(1, 15.0), (30, 5 * 3600.0)])
def test_a_voice_that_failed_makes_the_rest_once_it_speaks_again(
    failures: int, within_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    voices = Rehearsed(missing=3, failures=[StageError("It was killed.")] * failures)

    async def script(_: Rehearsal) -> None:
        await anyio.sleep(within_s)

    rehearse(voices, ["zh"], script)
    assert voices.missing == 0
    assert len(voices.at_s) == failures + 3
    assert (np.diff(voices.at_s)[:failures] >= 5.0).all(), "others need the machine meanwhile"
    assert caplog.text.count("It was killed.") == 1, "the journal is told once"


def test_the_service_has_all_of_them_made(house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TEST_VOICE_LOG", str(tmp_path / "log"))
    house.with_doubles()
    house.configure("tts", zh="Slow", preload=["zh"])
    kept = tmp_path / "cache" / "edge-assistant" / "voices" / "beginnings"

    async def script() -> None:
        await until_it_is(lambda: len(list(kept.glob("*.pcm"))) == len(BEGINNINGS["zh"]))

    house.live(script, HangableLoop)
    assert len(list(kept.glob("*.pcm"))) == len(BEGINNINGS["zh"])
