"""What a conversation leaves behind is noticed, and one that breaks leaves nothing."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import anyio
import pytest

from tests.doubles import leaks
from tests.doubles.conversation import Conversation, ThinkingModel
from tests.doubles.timed_speech import Piece


def test_a_task_that_outlives_a_conversation_fails_it() -> None:
    conversation, tasks = Conversation([], lasts_s=1.0), []

    async def leave_a_task() -> None:
        tasks.append(asyncio.create_task(anyio.sleep_forever()))

    conversation.meanwhile.append(leave_a_task)
    with pytest.raises(AssertionError, match="Tasks left behind"):
        conversation.hold()


def test_a_thread_that_outlives_a_test_fails_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "_GRACE_S", 0.0)
    end = threading.Event()
    left = threading.Thread(target=end.wait, name="that was left", daemon=True)
    with pytest.raises(AssertionError, match=r"Left behind: thread that was left$"), leaks.nothing_left(tmp_path):
        left.start()
    end.set()
    left.join()


def test_a_descriptor_that_outlives_a_test_fails_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leaks, "_GRACE_S", 0.0)
    left: list[int] = []
    with pytest.raises(AssertionError, match=r"Left open: \d+ /dev/zero$"), leaks.nothing_left(tmp_path):
        left.append(os.open("/dev/zero", os.O_RDONLY))
    os.close(*left)


def test_a_conversation_that_breaks_frees_its_recogniser() -> None:
    conversation = Conversation([Piece(1.0, 1.0, "hey jarvis what time is it")])

    async def break_it() -> None:
        await anyio.sleep(10.0)
        raise RuntimeError("the conversation broke")

    conversation.meanwhile.append(break_it)
    with pytest.raises(Exception, match="unhandled errors in a TaskGroup"):
        conversation.hold()


class Broken(Conversation):
    """One that is broken off, and must close then what it iterates."""

    at_s = 0.0

    async def _converse(self) -> None:
        with leaks.no_generator_left_open():
            with anyio.move_on_after(self.at_s):
                await super()._converse()


def test_a_conversation_that_is_broken_off_closes_what_it_iterates() -> None:
    said = [Piece(1.0 + 4.0 * number, 1.0, "hey jarvis what time is it") for number in range(4)]
    conversation = Broken(said, real_time_factor=10.0)  # so slow that what is heard has to wait
    conversation.at_s = 13.0
    conversation.hold()


def test_a_language_model_is_told_when_nobody_listens_any_more() -> None:
    model = ThinkingModel(0.5, ["Well, there once was a dog. ", "It had a cat. ", "And so on. "] * 10)
    conversation = Broken([Piece(1.0, 1.0, "hey jarvis tell me a story"), Piece(4.0, 0.5, "stop")], model=model)
    conversation.at_s = 60.0
    conversation.hold()
