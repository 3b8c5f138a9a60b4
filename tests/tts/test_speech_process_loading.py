"""What the speech process does before anybody asks for a sentence: it loads voices, and rehearses beginnings."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from assistant.config import Config, TtsConfig
from assistant.errors import ModelMissingError, StageError
from assistant.ports import SpeakingStyle
from assistant.tts import process
from assistant.tts.process import SpeechProcess
from assistant.virtual_time import run_in_virtual_time
from tests.doubles.speech_process import REGISTRY, WAIT_S, conversation, hertz, said

pytestmark = pytest.mark.usefixtures("doubles_for_the_child")


def test_warming_reports_a_voice_that_cannot_be_loaded() -> None:
    async def talk(voices: SpeechProcess) -> None:
        with pytest.raises(StageError, match="nobody"):
            await voices.warm("en")

    conversation(talk, "nobody")


def test_a_voice_that_cannot_be_loaded_at_the_start_is_reported_at_once() -> None:
    async def run() -> StageError:
        told: asyncio.Queue[StageError] = asyncio.Queue()
        config = Config(tts=TtsConfig(en="nobody", fallback="none", preload=("en",)))
        voices = SpeechProcess(config, registry=REGISTRY, on_failure=told.put_nowait)
        await voices.start()
        try:
            return await asyncio.wait_for(told.get(), WAIT_S)
        finally:
            await voices.close()

    failure = asyncio.run(run())
    assert "nobody" in failure.message
    assert failure.remedy


def test_started_again_it_tells_again_of_a_voice_that_is_still_broken() -> None:
    async def run() -> None:
        old: asyncio.Queue[StageError] = asyncio.Queue()
        new: asyncio.Queue[StageError] = asyncio.Queue()
        config = Config(tts=TtsConfig(en="nobody", zh="nobody", fallback="HighTone", preload=("en", "zh")))
        voices = SpeechProcess(config, registry=REGISTRY, on_failure=old.put_nowait)
        try:
            await voices.start()
            for _ in range(2):
                await asyncio.wait_for(old.get(), WAIT_S)
            voices.report_to(new.put_nowait, lambda: None)
            await voices.start()
            assert "nobody" in (await asyncio.wait_for(new.get(), WAIT_S)).message
        finally:
            await voices.close()

    asyncio.run(run())


def test_only_one_preload_runs() -> None:
    async def run() -> None:
        config = Config(tts=TtsConfig(en="Tone", fallback="none", preload=("en",)))
        voices = SpeechProcess(config, registry=REGISTRY)
        try:
            await voices.start()
            await asyncio.sleep(0)
            await voices.start()
            await asyncio.sleep(0)
            assert [task.get_name() for task in asyncio.all_tasks()].count("voices") == 1
            assert hertz(await said(voices, "one")) == 440
        finally:
            await voices.close()

    asyncio.run(run())


def test_what_was_rehearsed_is_there_in_the_next_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, doubles_for_the_child: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    config = Config(tts=TtsConfig(zh="Slow", en="Tone", fallback="none", preload=()))

    def asked_for() -> list[str]:
        lines = doubles_for_the_child.read_text().split()
        doubles_for_the_child.unlink()
        return lines

    async def run() -> None:
        for rehearses, made in ((True, ["好的，", "五分钟。"]), (False, ["五分钟。"])):
            voices = SpeechProcess(config, registry=REGISTRY, beginnings={"zh": ["好的，", "我看到"]})
            try:
                async for _ in voices.speak("好的，五分钟。", "zh", SpeakingStyle()):
                    pass
                assert asked_for() == made
                assert await voices.rehearse("en") == 0, "it needs none"
                if rehearses:
                    assert [await voices.rehearse("zh") for _ in range(2)] == [1, 0]
                    assert asked_for() == ["好的，", "我看到，"]
            finally:
                await voices.close()

    asyncio.run(run())


def test_a_rehearsal_that_is_given_up_costs_no_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, doubles_for_the_child: Path
) -> None:
    """As a reload does it."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(process, "_COMES_BACK_S", 0.1)
    log = doubles_for_the_child
    held = log.with_suffix(".held")

    async def run() -> None:
        config = Config(tts=TtsConfig(en="Held", zh="Held", fallback="none", preload=(), timeout_s=WAIT_S))
        failures: list[StageError] = []
        voices = SpeechProcess(config, registry=REGISTRY, beginnings={"zh": ["好的，"]}, on_failure=failures.append)
        try:
            await voices.warm("zh")
            pid = voices.pid
            held.touch()
            rehearsal = asyncio.create_task(voices.rehearse("zh"))
            while not log.exists():  # noqa: ASYNC110 (nothing tells of it)
                await asyncio.sleep(0.01)
            rehearsal.cancel()
            with pytest.raises(asyncio.CancelledError):
                await rehearsal
            sentence = asyncio.create_task(said(voices, "one"))
            await asyncio.sleep(0.5)
            held.unlink()
            assert hertz(await sentence) == 440
            assert voices.pid == pid and failures == []
        finally:
            await voices.close()

    asyncio.run(run())


def test_a_rehearsal_that_fails_does_not_count_against_the_voice(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    async def run() -> None:
        config = Config(tts=TtsConfig(en="Unrehearsed", zh="Unrehearsed", fallback="HighTone", preload=()))
        voices = SpeechProcess(config, registry=REGISTRY, beginnings={"zh": ["我看到"]})
        try:
            for _ in range(2):
                with pytest.raises(StageError, match="does not stop there"):
                    await voices.rehearse("zh")
            assert asyncio.all_tasks() == {asyncio.current_task()}, "it is not tried"
            assert hertz(await said(voices, "one")) == 440
        finally:
            await voices.close()

    asyncio.run(run())


def test_no_other_voice_rehearses_for_one_that_is_left_alone(doubles_for_the_child: Path) -> None:
    cause = doubles_for_the_child

    async def run() -> None:
        recovered = asyncio.Event()
        voices = SpeechProcess(
            Config(tts=TtsConfig(en="Unloadable", fallback="HighTone", preload=())), registry=REGISTRY
        )
        voices.report_to(lambda _: None, recovered.set)
        await voices.start()
        try:
            cause.touch()
            for _ in range(2):
                await said(voices, "one")
            with pytest.raises(StageError, match="'Unloadable' does not speak") as caught:
                await voices.rehearse("en")
            assert caught.value.exit_code == ModelMissingError.exit_code, "why it does not"
            cause.unlink()
            await asyncio.wait_for(recovered.wait(), WAIT_S)
            assert await voices.rehearse("en") == 0
        finally:
            await voices.close()

    run_in_virtual_time(run)


def test_who_tells_of_no_beginnings_gets_none_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, doubles_for_the_child: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    async def run() -> None:
        voices = SpeechProcess(Config(tts=TtsConfig(zh="Slow", preload=())), registry=REGISTRY)
        try:
            assert await voices.rehearse("zh") == 0
        finally:
            await voices.close()

    asyncio.run(run())
    assert not doubles_for_the_child.exists()
    assert not (tmp_path / "cache").exists()
