"""The captioner's network in a process of its own: pictures go there, sentences and errors come back."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assistant.caption.process import WriterProcess
from assistant.config import Config
from assistant.errors import ModelError, StageError
from assistant.events import ImageArray
from tests.doubles.fated import Fates

ROOT = Path(__file__).parents[2]
PICTURE: ImageArray = np.zeros((48, 64, 3), np.uint8)
WRITTEN = "a dog in the snow 64 by 48"


@pytest.fixture
def fates(leaves_nothing: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fates:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return Fates(tmp_path / "fates", monkeypatch)


@pytest.fixture
def writer(fates: Fates) -> Iterator[WriterProcess]:
    writer = WriterProcess(Config(), writer="tests.doubles.fated:FatedWriter")
    yield writer
    writer.close()
    writer.close()
    assert writer.pid is None


def test_it_is_started_for_the_first_picture_and_loads_once(writer: WriterProcess, fates: Fates) -> None:
    assert writer.pid is None and not writer.lost
    assert writer.write(PICTURE) == WRITTEN
    assert writer.write(np.zeros((1, 3, 3), np.uint8)) == "a dog in the snow 3 by 1"
    assert writer.write(PICTURE[::2, ::2]) == "a dog in the snow 32 by 24"
    assert fates.count("load") == 1


def test_what_the_writer_raises_comes_back_as_it_is_and_the_process_goes_on(
    writer: WriterProcess, fates: Fates
) -> None:
    fates.loading("missing")
    with pytest.raises(ModelError, match="gone") as raised:
        writer.write(PICTURE)
    assert raised.value.remedy == "Pull it."
    pid = writer.pid
    assert writer.write(PICTURE) == WRITTEN and writer.pid == pid


def test_what_a_library_raises_is_an_error_and_no_description(writer: WriterProcess, fates: Fates) -> None:
    assert writer.write(PICTURE) == WRITTEN
    fates.writing("raise")
    with pytest.raises(StageError, match="the network broke"):
        writer.write(PICTURE)
    assert writer.write(PICTURE) == WRITTEN


def test_one_that_died_unasked_is_told_of_once_and_then_replaced(writer: WriterProcess) -> None:
    writer.write(PICTURE)
    assert writer.pid is not None
    os.kill(writer.pid, signal.SIGSEGV)
    wait_until_lost(writer)
    with pytest.raises(StageError, match="SIGSEGV"):
        writer.write(PICTURE)
    assert not writer.lost
    assert writer.write(PICTURE) == WRITTEN


def test_one_that_dies_again_and_again_is_started_ever_more_seldom(writer: WriterProcess, fates: Fates) -> None:
    fates.loading(*["SIGKILL"] * 9)
    for _ in range(9):
        with pytest.raises(StageError, match="SIGKILL"):
            writer.write(PICTURE)
    assert fates.count("load") == 3, "the next one is for later"


def test_it_can_be_closed_while_it_hangs(writer: WriterProcess, fates: Fates) -> None:
    fates.writing("hang")
    raised: list[StageError] = []

    def write() -> None:
        try:
            writer.write(PICTURE)
        except StageError as error:
            raised.append(error)

    writing = threading.Thread(target=write)
    writing.start()
    while not fates.count("write"):
        time.sleep(0.02)
    writer.close()
    writing.join()
    assert ["SIGKILL" in error.message for error in raised] == [True]
    with pytest.raises(StageError, match="closed"):
        writer.write(PICTURE)


def wait_until_lost(writer: WriterProcess) -> None:
    deadline_s = time.monotonic() + 30.0
    while not writer.lost:
        assert time.monotonic() < deadline_s, "its death was not noticed"
        time.sleep(0.02)
