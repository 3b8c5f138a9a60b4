"""The speech process survives its engines: death, hang, garbage. Another voice says what they could not."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
import psutil
import pytest

from assistant.config import Config
from assistant.errors import StageError
from assistant.events import AudioArray
from assistant.ports import SpeakingStyle
from assistant.tts.process import SpeechProcess
from assistant.tts.voice_child import VoiceChild
from tests.doubles.command import wait_until
from tests.doubles.speech_process import HANGS_S, REGISTRY, WAIT_S, conversation, hertz, kill, said

pytestmark = pytest.mark.usefixtures("doubles_for_the_child")


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


def test_an_engine_that_crashed_once_speaks_again() -> None:
    async def talk(voices: SpeechProcess) -> None:
        assert hertz(await said(voices, "one")) == 880
        assert hertz(await said(voices, "one")) == 440

    failures = conversation(talk, "CrashingOnce")
    assert ["SIGKILL" in failure.message for failure in failures] == [True]


def test_what_a_crashed_engine_had_started_is_ended_with_it(doubles_for_the_child: Path) -> None:
    async def talk(voices: SpeechProcess) -> None:
        assert hertz(await said(voices, "one")) == 880
        wait_until(lambda: not lives(doubles_for_the_child), "It has ended")

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


def lives(log: Path) -> bool:
    """Whether the program does whose number the log file holds. An orphan's zombie belongs to init, which need not
    exist in a container."""
    program = int(log.read_text())
    return psutil.pid_exists(program) and psutil.Process(program).status() != psutil.STATUS_ZOMBIE
