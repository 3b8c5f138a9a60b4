"""The speech process survives its engines: death, hang, garbage, cancellation, and the assistant's own end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from assistant.config import Config, TtsConfig
from assistant.errors import ModelMissingError, StageError
from assistant.events import AudioArray
from assistant.ports import SpeakingStyle
from assistant.tts import process
from assistant.tts.process import SpeechProcess
from assistant.tts.voice_child import VoiceChild
from tests.doubles.synthesizers import LOG_VARIABLE, VOICES

ROOT = Path(__file__).parents[2]
REGISTRY = {voice.__name__: f"{voice.__module__}:{voice.__name__}" for voice in VOICES}
WAIT_S = 60.0
HANGS_S = 12.0
"""What a child that works takes for its first word on the slowest machine, and less than anybody waits for a test."""


@pytest.fixture(autouse=True)
def doubles_for_the_child(leaves_nothing: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The child can import the doubles; the result is their log file."""
    log = tmp_path / "log"
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv(LOG_VARIABLE, str(log))
    return log


def conversation(
    talk: Callable[[SpeechProcess], Awaitable[None]],
    engine: str,
    *,
    fallback: str = "HighTone",
    timeout_s: float = WAIT_S,
) -> list[StageError]:
    """Run `talk` with voices; returns the failures that were reported."""
    failures: list[StageError] = []
    before = psutil.Process().children()
    config = Config(tts=TtsConfig(en=engine, zh=engine, fallback=fallback, timeout_s=timeout_s))

    async def run() -> None:
        voices = SpeechProcess(config, registry=REGISTRY, on_failure=failures.append)
        await voices.start()
        try:
            await talk(voices)
        finally:
            await voices.close()
            await voices.close()
        assert psutil.Process().children() == before, "a child or its zombie is still there"

    asyncio.run(asyncio.wait_for(run(), 2 * WAIT_S))
    return failures


async def said(voices: SpeechProcess, text: str) -> AudioArray:
    blocks = [samples async for samples, rate_hz in voices.speak(text, "en", SpeakingStyle()) if rate_hz == 24_000]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def hertz(samples: AudioArray) -> int:
    """Strongest frequency, to the next 10 Hz."""
    spectrum = np.abs(np.fft.rfft(samples))
    return int(round(int(spectrum.argmax()) * 24_000 / len(samples), -1))


def test_a_sentence_arrives_whole_and_in_order() -> None:
    async def talk(voices: SpeechProcess) -> None:
        speech = await said(voices, "one two three")
        assert hertz(speech) == 440
        assert len(speech) == 3 * 2400
        assert len(await said(voices, "…")) == 0
        assert len(await said(voices, "again")) == 2400

    assert conversation(talk, "Tone") == []


@pytest.mark.parametrize(
    ("engine", "said_of_it"),
    [
        ("Segfaulting", "SIGSEGV"),
        ("Hanging", "did nothing"),
        ("Spinning", "delivered nothing"),
        ("Garbling", "no reply"),
        ("Refusing", "has a cold"),
        ("Buggy", "KeyError"),
    ],
)
def test_the_fallback_says_what_a_broken_engine_could_not(engine: str, said_of_it: str) -> None:
    async def talk(voices: SpeechProcess) -> None:
        speech = await said(voices, "one two three")
        assert hertz(speech[-3 * 2400 :]) == 880, "the fallback says the whole sentence"

    failures = conversation(talk, engine, timeout_s=HANGS_S if engine == "Spinning" else WAIT_S)
    assert [said_of_it in failure.message for failure in failures] == [True]


def test_without_a_fallback_the_error_says_why() -> None:
    async def talk(voices: SpeechProcess) -> None:
        with pytest.raises(StageError, match="SIGSEGV"):
            await said(voices, "one two")
        with pytest.raises(StageError, match=r"SIGSEGV"):
            await said(voices, "three four")

    conversation(talk, "Segfaulting", fallback="none")


@pytest.mark.parametrize("fallback", ["none", "piper"])
def test_a_voice_that_does_not_speak_a_language_is_neither_asked_for_it_nor_tried(fallback: str) -> None:
    async def run() -> None:
        before = psutil.Process().children()
        voices = SpeechProcess(Config(tts=TtsConfig(en="Tone", zh="hibari", fallback=fallback)), registry=REGISTRY)
        for _ in range(3):
            with pytest.raises(StageError, match="The voice 'hibari' does not speak 'zh'"):
                await anext(voices.speak("你好。", "zh", SpeakingStyle()))
        with pytest.raises(StageError, match="The voice 'hibari' does not speak 'zh'"):
            await voices.warm("zh")
        assert psutil.Process().children() == before
        assert asyncio.all_tasks() == {asyncio.current_task()}, "nothing is tried for ever"
        await voices.close()

    asyncio.run(run())


def test_a_fallback_that_does_not_speak_the_language_leaves_no_voice_alone(doubles_for_the_child: Path) -> None:
    cause = doubles_for_the_child

    async def talk(voices: SpeechProcess) -> None:
        async def said_in_chinese() -> AudioArray:
            return np.concatenate([samples async for samples, _ in voices.speak("你好。", "zh", SpeakingStyle())])

        cause.touch()
        for _ in range(3):
            with pytest.raises(StageError, match="not well"):
                await said_in_chinese()
        cause.unlink()
        assert hertz(await said_in_chinese()) == 440

    assert len(conversation(talk, "Indisposed", fallback="hibari")) == 3


def test_a_failing_fallback_is_named_too() -> None:
    async def talk(voices: SpeechProcess) -> None:
        with pytest.raises(StageError, match=r"SIGSEGV.*has a cold") as caught:
            await said(voices, "one two")
        assert caught.value.remedy

    assert len(conversation(talk, "Segfaulting", fallback="Refusing")) == 2


def test_an_engine_that_fails_again_and_again_is_not_waited_for() -> None:
    async def talk(voices: SpeechProcess) -> None:
        for _ in range(4):
            assert hertz((await said(voices, "one two"))[-2 * 2400 :]) == 880

    assert len(conversation(talk, "Refusing")) == 2


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

    asyncio.run(run())


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


def test_an_engine_that_crashed_once_speaks_again() -> None:
    async def talk(voices: SpeechProcess) -> None:
        assert hertz(await said(voices, "one")) == 880
        assert hertz(await said(voices, "one")) == 440

    failures = conversation(talk, "CrashingOnce")
    assert ["SIGKILL" in failure.message for failure in failures] == [True]


def test_what_a_crashed_engine_had_started_is_ended_with_it(doubles_for_the_child: Path) -> None:
    async def talk(voices: SpeechProcess) -> None:
        assert hertz(await said(voices, "one")) == 880
        wait_until(lambda: not lives(doubles_for_the_child))

    assert len(conversation(talk, "Leaving")) == 1


def test_killing_the_child_from_outside_mid_sentence() -> None:
    async def talk(voices: SpeechProcess) -> None:
        heard = []
        async for samples, _ in voices.speak("one two", "en", SpeakingStyle()):
            if not heard:
                assert voices.pid
                os.kill(voices.pid, signal.SIGKILL)
            heard.append(hertz(samples))
            if heard[-1] == 880:
                break
        assert heard[0] == 440 and heard[-1] == 880

    assert len(conversation(talk, "Endless")) == 1


def test_a_child_that_died_between_sentences_is_told_and_replaced() -> None:
    async def talk(voices: SpeechProcess) -> None:
        await said(voices, "one")
        kill(voices)
        assert hertz(await said(voices, "two")) == 440

    assert ["SIGKILL" in failure.message for failure in conversation(talk, "Tone")] == [True]


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

    asyncio.run(run())


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

    asyncio.run(run())


def test_what_libraries_print_does_not_corrupt_the_speech(capfd: pytest.CaptureFixture[str]) -> None:
    async def talk(voices: SpeechProcess) -> None:
        assert hertz(await said(voices, "one two three")) == 440
        assert hertz(await said(voices, "four")) == 440

    assert conversation(talk, "Chatty") == []
    assert "more garbage" in capfd.readouterr().err


def test_ending_the_iteration_stops_the_work(doubles_for_the_child: Path) -> None:
    async def talk(voices: SpeechProcess) -> None:
        async with contextlib.aclosing(voices.speak("for ever", "en", SpeakingStyle())) as blocks:
            await anext(blocks)
        await heard_again(voices)
        wait_until_unchanged(doubles_for_the_child)

    assert conversation(talk, "Endless") == []


def test_cancelling_the_task_stops_the_work_and_the_next_sentence_is_clean(doubles_for_the_child: Path) -> None:
    async def talk(voices: SpeechProcess) -> None:
        first_heard = asyncio.Event()

        async def listen() -> None:
            async for _ in voices.speak("for ever", "en", SpeakingStyle()):
                first_heard.set()

        task = asyncio.create_task(listen())
        await first_heard.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await heard_again(voices)
        wait_until_unchanged(doubles_for_the_child)

    assert conversation(talk, "Endless") == []


def test_an_interrupted_engine_that_hangs_does_not_hold_up_the_next_sentence() -> None:
    async def talk(voices: SpeechProcess) -> None:
        await interrupt(voices)
        assert hertz(await said(voices, "one")) == 440

    assert conversation(talk, "Hanging", timeout_s=10 * WAIT_S) == []


def test_an_engine_that_hangs_gives_way_although_nobody_waits_until_it_is_certain(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(process, "_COMES_BACK_S", HANGS_S / 3)

    async def talk(voices: SpeechProcess) -> None:
        await interrupt(voices)
        await interrupt(voices)
        assert len(await said(voices, "one two")) == 2 * 2400, "nothing of it comes from the one that hangs"
        assert hertz(await said(voices, "one")) == 880

    failures = conversation(talk, "Hanging", timeout_s=HANGS_S)
    assert ["nothing for" in failure.message for failure in failures] == [True, True]


def test_a_sentence_that_was_never_begun_costs_the_next_one_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_COMES_BACK_S", HANGS_S)  # that the child is slow is no reason to replace it here

    async def talk(voices: SpeechProcess) -> None:
        await said(voices, "one")
        pid = voices.pid
        for turns in range(12):
            task = asyncio.create_task(said(voices, "one two three"))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            assert len(await said(voices, "again")) == 2400
        assert voices.pid == pid

    assert conversation(talk, "Tone") == []


def test_two_speakers_at_once_take_turns() -> None:
    async def talk(voices: SpeechProcess) -> None:
        first, second = await asyncio.gather(said(voices, "one two three"), said(voices, "four five"))
        assert (len(first), len(second)) == (3 * 2400, 2 * 2400)

    assert conversation(talk, "Tone") == []


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

    asyncio.run(run())


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


def test_the_end_in_the_middle_of_a_sentence_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def talk(voices: SpeechProcess) -> None:
        first_heard = asyncio.Event()

        async def listen() -> None:
            async for _ in voices.speak("one two", "en", SpeakingStyle()):
                first_heard.set()

        listening = asyncio.create_task(listen())
        await first_heard.wait()
        turned = whether_the_loop_turns(monkeypatch)
        await voices.close()
        assert turned and all(turned)
        with pytest.raises(StageError, match="closed"):
            await listening
        assert not [task for task in asyncio.all_tasks() if "trial" in task.get_name()], "nothing has failed"

    assert conversation(talk, "Hanging") == []


def test_a_process_that_was_found_dead_is_let_go_of_and_not_the_one_that_has_replaced_it() -> None:
    """The next sentence may replace it just then, on another thread."""
    configuration = {"config": Config().model_dump(mode="json"), "models_root": None, "registry": REGISTRY}
    child = VoiceChild({"kind": "configure", "generation": 0, "beginnings": {}, **configuration}, WAIT_S)
    try:
        child.ask("warm", 1, "Tone", {"language": "en"})
        assert child.child is not None
        child.child.kill()
        dead = child.dead
        assert dead is child.child
        child.ask("warm", 2, "Tone", {"language": "en"})
        assert child.dead is None
        child.let_go(dead)
        assert child.reply()["kind"] == "done"
        living = child.child
        child.let_go(living)
        assert child.child is None
        living.kill()
    finally:
        child.end()


def test_a_closed_process_says_so() -> None:
    async def run() -> None:
        voices = SpeechProcess(Config(tts=TtsConfig(en="Tone", fallback="none")), registry=REGISTRY)
        await voices.close()
        with pytest.raises((StageError, RuntimeError)):
            await said(voices, "hello")

    asyncio.run(run())


def test_the_child_ends_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(
        "import asyncio, time\n"
        "from assistant.config import Config, TtsConfig\n"
        "from assistant.tts.process import SpeechProcess\n"
        "tone = {'Tone': 'tests.doubles.synthesizers:Tone'}\n"
        "voices = SpeechProcess(Config(tts=TtsConfig(en='Tone')), registry=tone)\n"
        "asyncio.run(voices.warm('en'))\n"
        "print(voices.pid, flush=True)\n"
        "time.sleep(3600)\n"
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        child = psutil.Process(int(parent.stdout.readline()))
        os.kill(child.pid, signal.SIGINT)  # Ctrl-C is not for the child
        time.sleep(0.3)
        assert child.status() != psutil.STATUS_ZOMBIE
        parent.kill()
    # An orphan's zombie belongs to init, which need not exist in a container.
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


def whether_the_loop_turns(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each process whose end is waited for from now on, whether the event loop turns meanwhile."""
    turned: list[bool] = []
    loop, wait = asyncio.get_running_loop(), subprocess.Popen.wait

    def waits(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if timeout is not None:
            turns = threading.Event()
            loop.call_soon_threadsafe(turns.set)
            turned.append(turns.wait(10.0))
        return wait(process, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", waits)
    return turned


def kill(voices: SpeechProcess) -> None:
    """Have its process ended, and return once it is."""
    assert voices.pid
    os.kill(voices.pid, signal.SIGKILL)
    wait_until(lambda: voices.pid is None)


async def interrupt(voices: SpeechProcess) -> None:
    """Ask for a sentence, and for no more of it once its first word is heard."""
    first_heard = asyncio.Event()

    async def listen() -> None:
        async for _ in voices.speak("one two", "en", SpeakingStyle()):
            first_heard.set()

    task = asyncio.create_task(listen())
    await first_heard.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def heard_again(voices: SpeechProcess) -> None:
    """The next sentence begins, so the one before no longer keeps the engine."""
    async with contextlib.aclosing(voices.speak("once more", "en", SpeakingStyle())) as blocks:
        samples, _ = await anext(blocks)
    assert hertz(samples) == 440


def lives(log: Path) -> bool:
    """Whether the program does whose number the log file holds. An orphan's zombie belongs to init, which need not
    exist in a container."""
    program = int(log.read_text())
    return psutil.pid_exists(program) and psutil.Process(program).status() != psutil.STATUS_ZOMBIE


def wait_until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline_s, "it did not happen in time"
        time.sleep(0.05)


def wait_until_unchanged(log: Path) -> None:
    """Return once the endless voice has written nothing for half a second."""
    sizes = [-1, -2]

    def unchanged() -> bool:
        time.sleep(0.45)
        sizes[:] = [sizes[1], log.stat().st_size]
        return sizes[0] == sizes[1]

    wait_until(unchanged)
