"""What the speech process says, what interrupts it, and the assistant's own end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from assistant.config import Config, TtsConfig
from assistant.errors import StageError
from assistant.ports import SpeakingStyle
from assistant.tts import process
from assistant.tts.process import SpeechProcess
from tests.doubles.command import wait_until
from tests.doubles.speech_process import (
    HANGS_S,
    REGISTRY,
    WAIT_S,
    conversation,
    hertz,
    said,
    whether_the_loop_turns,
)

pytestmark = pytest.mark.usefixtures("doubles_for_the_child")


def test_a_sentence_arrives_whole_and_in_order() -> None:
    async def talk(voices: SpeechProcess) -> None:
        speech = await said(voices, "one two three")
        assert hertz(speech) == 440
        assert len(speech) == 3 * 2400
        assert len(await said(voices, "…")) == 0
        assert len(await said(voices, "again")) == 2400

    assert conversation(talk, "Tone") == []


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


def test_what_libraries_print_does_not_corrupt_the_speech(capfd: pytest.CaptureFixture[str]) -> None:
    async def talk(voices: SpeechProcess) -> None:
        assert hertz(await said(voices, "one two three")) == 440
        assert hertz(await said(voices, "four")) == 440

    assert conversation(talk, "Chatty") == []
    assert "more garbage" in capfd.readouterr().err


def test_two_speakers_at_once_take_turns() -> None:
    async def talk(voices: SpeechProcess) -> None:
        first, second = await asyncio.gather(said(voices, "one two three"), said(voices, "four five"))
        assert (len(first), len(second)) == (3 * 2400, 2 * 2400)

    assert conversation(talk, "Tone") == []


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
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, "The child has ended")


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


def wait_until_unchanged(log: Path) -> None:
    """Return once the endless voice has written nothing for half a second."""
    sizes = [-1, -2]

    def unchanged() -> bool:
        time.sleep(0.45)
        sizes[:] = [sizes[1], log.stat().st_size]
        return sizes[0] == sizes[1]

    wait_until(unchanged, "It writes nothing more")
