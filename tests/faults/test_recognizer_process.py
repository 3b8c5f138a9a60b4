"""The recogniser's process dies, hangs, raises, or does not start: what was said is answered, and nothing is lost."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from assistant.app import Assistant
from assistant.errors import ModelMissingError, StageError
from assistant.events import Event, StageFailed
from assistant.ports import TurnObserver
from tests.doubles.fated import Fates
from tests.doubles.living import Living, until

STAGE = "recognizer process"
RECOVERS_S = 5.0
SORRY = "Sorry, I can't understand speech right now."
AGAIN = "I can understand you again."


@pytest.fixture
def fates(living: Living, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fates:
    living.configure("asr", backend="fated")
    return Fates(tmp_path / "fates", monkeypatch)


class WhatIsSaidOfIt(TurnObserver):
    """What the assistant says of its health at the moment that it tells of the process's death."""

    def __init__(self) -> None:
        self.assistant: Assistant | None = None
        self.unavailable: list[Mapping[str, str]] = []

    def on_event(self, event: Event) -> None:
        if isinstance(event, StageFailed) and event.stage == STAGE and self.assistant is not None:
            self.unavailable.append(dict(self.assistant.health().unavailable))


@pytest.mark.parametrize(
    ("fate", "told"),
    [("SIGKILL", "SIGKILL"), ("SIGSEGV", "SIGSEGV"), ("hang", "did nothing"), ("spin", "delivered nothing")],
)
def test_what_was_said_to_a_process_that_died_or_hung_is_answered_once(
    living: Living, fates: Fates, fate: str, told: str
) -> None:
    fates.hearing(fate)
    if fate == "spin":
        living.configure("asr", timeout_s=3.0)
    said_of_it = WhatIsSaidOfIt()
    living.observers.append(said_of_it)

    async def script(assistant: Assistant) -> None:
        said_of_it.assistant = assistant
        living.room.say(2.0)
        await until(12.0)
        assert assistant.health().ok and STAGE not in assistant.health().unavailable
        living.room.say(14.0)
        await until(22.0)

    said = living.live(script)
    assert len(said) == 2 and all(text.startswith("It's") for text in said), said
    assert len(living.heard) == 2
    assert [told in failure.error for failure in living.failures(STAGE)] == [True]
    assert told in said_of_it.unavailable[0][STAGE]
    assert 0.0 <= living.recoveries(STAGE)[0] - living.failures(STAGE)[0].at_s < RECOVERS_S
    assert not living.failures("recognizer")


@pytest.mark.parametrize("signal_", [signal.SIGKILL, signal.SIGSEGV])
@pytest.mark.parametrize("speaks_for_s", [0.0, 3.0])
def test_one_that_is_killed_at_rest_or_while_somebody_speaks_is_replaced_before_it_is_needed(
    living: Living, fates: Fates, signal_: signal.Signals, speaks_for_s: float
) -> None:
    async def script(assistant: Assistant) -> None:
        if speaks_for_s:
            living.room.say(2.0, speaks_for_s)
        await until(3.0)
        kill(assistant, signal_)
        await until(3.0 + RECOVERS_S)
        assert living.recoveries(STAGE) and STAGE not in assistant.health().unavailable
        if not speaks_for_s:
            living.room.say(9.0)
        await until(16.0)

    said = living.live(script)
    assert [text.startswith("It's") for text in said] == [True], said
    assert [signal_.name in failure.error for failure in living.failures(STAGE)] == [True]
    assert fates.count("hear") <= 2, "asked in the pause, and at the end if there was more"


@pytest.mark.parametrize(
    ("fates_", "told"), [(("SIGSEGV", "SIGSEGV"), "SIGSEGV"), (("raise", "raise"), "the network broke")]
)
def test_an_utterance_that_two_processes_fail_on_is_given_up_and_the_next_is_understood(
    living: Living, fates: Fates, fates_: tuple[str, str], told: str
) -> None:
    fates.hearing(*fates_)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(10.0)
        assert not {STAGE, "recognizer"} & set(assistant.health().unavailable), "nobody need speak for that"
        assert assistant.turns.lost == 1
        living.room.say(12.0)
        await until(20.0)
        assert assistant.turns.lost == 1

    said = living.live(script)
    assert said[:2] == [SORRY, AGAIN] and any(text.startswith("It's") for text in said), said
    assert told in living.failures("recognizer")[0].error
    assert len(living.heard) == 1 and fates.count("hear") == 3


def test_what_was_said_waits_for_a_process_that_does_not_start_at_once(living: Living, fates: Fates) -> None:
    fates.loading("works", *["SIGSEGV"] * 3)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(2.5)
        kill(assistant, signal.SIGKILL)
        await until(5.0)
        assert STAGE in assistant.health().unavailable and not living.heard
        await until(12.0)
        assert assistant.turns.lost == 0 and not assistant.health().unavailable.keys() & {STAGE, "recognizer"}

    said = living.live(script)
    assert [text.startswith("It's") for text in said] == [True], said
    assert not living.failures("recognizer")
    assert 5.0 < living.recoveries(STAGE)[-1] < 2.5 + 2 * RECOVERS_S


def test_what_was_said_before_the_talk_button_was_pressed_is_not_missed(living: Living, fates: Fates) -> None:
    fates.loading("works", *["SIGSEGV"] * 30)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(2.5)
        kill(assistant, signal.SIGKILL)
        await until(5.0)
        assert assistant.controls is not None
        await assistant.controls.listen_now()
        await until(10.0)
        assert STAGE in assistant.health().unavailable and assistant.turns.lost == 0

    living.live(script)
    assert not living.failures("recognizer")


def test_one_that_raises_for_a_while_loses_nothing(living: Living, fates: Fates) -> None:
    async def script(assistant: Assistant) -> None:
        fates.broken(True)
        living.room.say(2.0)
        await until(5.0)
        assert "the network broke" in assistant.health().unavailable[STAGE]
        fates.broken(False)
        await until(5.0 + RECOVERS_S)
        assert not assistant.health().unavailable.keys() & {STAGE, "recognizer"}

    said = living.live(script)
    assert [text.startswith("It's") for text in said] == [True], said
    assert len(living.heard) == 1 and not living.failures("recognizer")


def test_one_that_raised_for_long_is_known_to_work_again_though_nobody_speaks(living: Living, fates: Fates) -> None:
    async def script(assistant: Assistant) -> None:
        fates.broken(True)
        for at_s in (2.0, 5.0, 8.0):
            living.room.say(at_s)
        await until(30.0)
        assert {STAGE, "recognizer"} <= set(assistant.health().unavailable)
        assert assistant.turns.lost == 3
        fates.broken(False)
        await until(30.0 + RECOVERS_S)
        assert not assistant.health().unavailable.keys() & {STAGE, "recognizer"}
        await until(40.0)

    assert living.live(script) == [SORRY, AGAIN]
    assert len(living.failures("recognizer")) == 3, "each is in the log"


def test_one_that_does_not_start_again_is_tried_until_it_does(
    living: Living, fates: Fates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fates.loading("works", *["SIGSEGV", "missing"] * 50)
    broken, tries = tmp_path / "python", tmp_path / "tries"
    broken.write_text(f"#!/bin/sh\necho >> {tries}\nexit 3\n")
    broken.chmod(0o755)

    async def script(assistant: Assistant) -> None:
        await until(3.0)
        kill(assistant, signal.SIGKILL)
        await until(15.0)
        assert STAGE in assistant.health().unavailable
        assert 4 <= fates.count("load") <= 10, "not all the time"
        with monkeypatch.context() as patch:
            patch.setattr(sys, "executable", str(broken))  # which takes no time
            await until(50.0)
            before = tries.stat().st_size
            living.room.say(70.0)
            await until(80.0)
        assert 30.0 / RECOVERS_S < tries.stat().st_size - before <= 15, "as often at last"
        assert assistant.health().ok and assistant.health().hears
        assert {STAGE, "recognizer"} <= set(assistant.health().unavailable)
        fates.loading()
        await until(80.0 + RECOVERS_S)
        assert not {STAGE, "recognizer"} & set(assistant.health().unavailable)
        living.room.say(86.0)
        await until(95.0)

    said = living.live(script)
    assert said[0] == SORRY and any(text.startswith("It's") for text in said), said
    assert AGAIN in said


@pytest.mark.parametrize(("fate", "told"), [("SIGSEGV", "SIGSEGV"), ("hang", "did nothing")])
def test_one_that_never_starts_says_why(living: Living, fates: Fates, fate: str, told: str) -> None:
    fates.loading(fate, fate)
    with pytest.raises(StageError, match=told):
        living.live(nothing)
    assert fates.count("load") == 2, "once more, and no more"


def test_a_model_that_is_missing_is_what_its_recogniser_says_it_is(living: Living) -> None:
    living.configure("asr", backend="whisper")
    with pytest.raises(ModelMissingError, match="whisper-base"):
        living.live(nothing)


async def nothing(assistant: Assistant) -> None:
    """Never begun."""


def kill(assistant: Assistant, signal_: signal.Signals) -> None:
    """Have the recogniser's process ended, and return once it is."""
    assert assistant._recognizer is not None and assistant._recognizer.pid is not None
    pid = assistant._recognizer.pid
    os.kill(pid, signal_)
    with contextlib.suppress(ChildProcessError):  # who waits for its reply has seen it
        # A zombie it may be while threads of it still end, and its parent cannot know.
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
