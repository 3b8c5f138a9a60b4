"""A voice that failed speaks again once it can, and nobody needs to ask it for that. The tries are in virtual time."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from assistant.config import Config, TtsConfig
from assistant.errors import StageError
from assistant.tts.process import SpeechProcess
from assistant.virtual_time import run_in_virtual_time
from tests.doubles.speech_process import REGISTRY, WAIT_S, conversation, hertz, kill, said, whether_the_loop_turns

pytestmark = pytest.mark.usefixtures("doubles_for_the_child")


@pytest.mark.parametrize("engine", ["Indisposed", "Dying", "Unloadable", "Ruined", "Stuck"])
def test_an_engine_that_was_left_alone_speaks_again_once_the_cause_is_gone(
    engine: str, doubles_for_the_child: Path
) -> None:
    """Nobody needs to ask it for that, nor wait."""
    cause = doubles_for_the_child

    async def run() -> None:
        failures: list[StageError] = []
        recovered = asyncio.Event()
        tts = TtsConfig(en=engine, zh=engine, fallback="HighTone", timeout_s=3.0 if engine == "Stuck" else WAIT_S)
        voices = SpeechProcess(Config(tts=tts), registry=REGISTRY)
        voices.report_to(failures.append, recovered.set)
        await voices.start()
        try:
            cause.touch()
            for told in (1, 2, 2):
                assert hertz((await said(voices, "one"))[-2400:]) == 880
                assert len(failures) == told
            cause.unlink()
            await asyncio.wait_for(recovered.wait(), WAIT_S)
            assert hertz(await said(voices, "one")) == 440
            assert len(failures) == 2, "what is found out in silence is not told"
        finally:
            await voices.close()

    run_in_virtual_time(run)


def test_an_engine_that_is_left_alone_is_asked_where_the_fallback_fails(doubles_for_the_child: Path) -> None:
    cause = doubles_for_the_child

    async def talk(voices: SpeechProcess) -> None:
        cause.touch()
        for _ in range(2):
            with pytest.raises(StageError, match=r"not well.*has a cold"):
                await said(voices, "one")
        cause.unlink()
        assert hertz(await said(voices, "one")) == 440

    assert len(conversation(talk, "Indisposed", fallback="Refusing")) == 4


@pytest.mark.parametrize("fallback", ["HighTone", "none"])
def test_a_child_that_died_at_rest_is_replaced_before_anybody_asks(fallback: str, doubles_for_the_child: Path) -> None:
    noted = doubles_for_the_child

    async def run() -> None:
        failures: list[StageError] = []
        recovered = asyncio.Event()
        voices = SpeechProcess(Config(tts=TtsConfig(en="Noted", preload=(), fallback=fallback)), registry=REGISTRY)
        voices.report_to(failures.append, recovered.set)
        await voices.start()
        try:
            await said(voices, "one")
            for deaths in (1, 2):
                recovered.clear()
                kill(voices)
                await asyncio.wait_for(recovered.wait(), WAIT_S)
                assert voices.pid is not None and len(failures) == deaths
                assert noted.stat().st_size == 1 + deaths, "with the voice that was used"
        finally:
            await voices.close()

    run_in_virtual_time(run)


@pytest.mark.parametrize("fallback", ["HighTone", "none"])
@pytest.mark.parametrize("engine", ["CrashingOnce", "Indisposed"])
def test_an_engine_that_failed_once_is_known_to_speak_again_though_nobody_asks(
    engine: str, fallback: str, doubles_for_the_child: Path
) -> None:
    cause = doubles_for_the_child

    async def run() -> None:
        failures: list[StageError] = []
        recovered = asyncio.Event()
        voices = SpeechProcess(Config(tts=TtsConfig(en=engine, preload=(), fallback=fallback)), registry=REGISTRY)
        voices.report_to(failures.append, recovered.set)
        await voices.start()
        try:
            if engine == "Indisposed":
                cause.touch()
            with contextlib.suppress(StageError):
                await said(voices, "one")
            if engine == "Indisposed":
                cause.unlink()
            await asyncio.wait_for(recovered.wait(), WAIT_S)
            assert len(failures) == 1
            assert hertz(await said(voices, "one")) == 440
        finally:
            await voices.close()

    run_in_virtual_time(run)


def test_a_voice_that_speaks_again_while_it_is_tried_holds_nobody_up(
    monkeypatch: pytest.MonkeyPatch, doubles_for_the_child: Path
) -> None:
    cause = doubles_for_the_child

    async def talk(voices: SpeechProcess) -> None:
        cause.touch()
        assert hertz((await said(voices, "one"))[-2400:]) == 880
        cause.unlink()
        while not cause.with_suffix(".tried").exists():  # noqa: ASYNC110 (nothing tells of it)
            await asyncio.sleep(0.01)
        turned = whether_the_loop_turns(monkeypatch)
        assert hertz(await said(voices, "one")) == 440
        await voices.close()
        assert len(turned) >= 2, "for that of the trial, and that of the voices"
        assert all(turned)

    assert len(conversation(talk, "Shy")) == 1
