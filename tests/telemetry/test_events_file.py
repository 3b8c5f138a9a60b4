"""The events file: what is written when, and what a full disk does."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from assistant import events as e
from assistant.errors import ConfigError
from assistant.telemetry.events_file import EventsFile
from assistant.telemetry.examples import EXAMPLES


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_all_events_but_microphone_frames_are_written_in_order(tmp_path: Path) -> None:
    path = tmp_path / "new" / "events.jsonl"
    observer = EventsFile(path, log_content=True)
    for event in EXAMPLES:
        observer.on_event(event)
    observer.close()
    observer.close()
    observer.on_event(EXAMPLES[0])
    names = [type(event).__name__ for event in EXAMPLES if not isinstance(event, e.AudioFrame)]
    assert [line["event"] for line in lines_of(path)] == names
    assert "what do you see?" in path.read_text(encoding="utf-8")


def test_content_stays_out_by_default(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    observer = EventsFile(path)
    observer.on_event(e.Transcript(1.0, 1, "打开灯", "zh", 0.9, True))
    observer.close()
    assert lines_of(path)[0]["text"] == {"characters": 3}


def test_lines_are_on_disk_at_the_end_of_a_turn(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    observer = EventsFile(path)
    observer.on_event(e.SpeechStarted(1.0))
    assert path.read_bytes() == b""
    observer.on_event(e.TurnFinished(2.0, 1))
    assert [line["event"] for line in lines_of(path)] == ["SpeechStarted", "TurnFinished"]
    observer.close()


def test_append_keeps_what_is_there(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    for append in (False, True, True):
        observer = EventsFile(path, append=append)
        observer.on_event(e.SpeechStarted(1.0))
        observer.close()
    assert len(lines_of(path)) == 3


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_reported_once_and_never_raises(caplog: pytest.LogCaptureFixture) -> None:
    observer = EventsFile(Path("/dev/full"))
    with caplog.at_level(logging.ERROR):
        for turn_id in range(3):
            observer.on_event(e.TurnFinished(1.0, turn_id))
        observer.close()
    assert observer.lost == 3
    (record,) = caplog.records
    assert "/dev/full" in record.getMessage()
    assert "No space left" in record.getMessage()


@contextmanager
def room_for(path: Path, left_bytes: int) -> Iterator[None]:
    """The file, and so any that is longer, can grow by no more than this."""
    resource = pytest.importorskip("resource")
    signal = pytest.importorskip("signal")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + left_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


@pytest.mark.parametrize("next_run", [False, True])
def test_after_a_full_disk_later_lines_are_readable(tmp_path: Path, next_run: bool) -> None:
    path = tmp_path / "events.jsonl"
    observer = EventsFile(path)
    observer.on_event(e.TurnFinished(1.0, 1))
    with room_for(path, 10):
        observer.on_event(e.TurnFinished(2.0, 2))
        assert observer.lost == 1
        if next_run:
            observer.close()
    if next_run:
        observer = EventsFile(path, append=True)
    observer.on_event(e.TurnFinished(3.0, 3))
    observer.close()
    first, torn, last = path.read_text().splitlines()
    assert (json.loads(first)["turn_id"], json.loads(last)["turn_id"]) == (1, 3)
    assert len(torn) == 10


def test_each_time_that_a_disk_gets_full_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "events.jsonl"
    observer = EventsFile(path)
    for _ in range(2):
        observer.on_event(e.TurnFinished(1.0, 1))
        with room_for(path, 10):
            for turn_id in (2, 3):
                observer.on_event(e.TurnFinished(2.0, turn_id))
    observer.close()
    assert observer.lost == 4
    assert [record.getMessage().startswith("Events are being lost") for record in caplog.records] == [True, True]


def test_a_file_that_cannot_be_opened_is_a_configuration_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"telemetry\.events"):
        EventsFile(tmp_path / "file" / "events.jsonl")
