"""The disk becomes full while the assistant lives, and has room again: it converses, and then keeps everything."""

from __future__ import annotations

import json
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from assistant.app import Assistant
from assistant.events import PlaybackFinished
from assistant.muting import MuteMemory
from assistant.stages import MOUTH_TO_EAR
from assistant.telemetry.events_file import EventsFile
from assistant.telemetry.latency import LatencyStatistics
from tests.doubles.conversation import SteppedClock
from tests.doubles.living import Living, until
from tests.doubles.open_speaker import HELP, open_the_speaker

_KEPT_S = 65.0
"""Echo and latency are written once a minute."""


class Disk:
    """A small one, of memory."""

    error = "No space left"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filling = folder / "somebody else's"

    @contextmanager
    def full(self) -> Iterator[None]:
        with suppress(OSError), self._filling.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        yield
        self._filling.unlink()


class Limit:
    """A folder in which no file may grow while it is full, nor may any other of this process: who needs no root."""

    error = "File too large"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def full(self) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))  # its signal is one that Python ignores
        try:
            yield
        finally:  # at once: what tells of a failure is written to files
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk | Limit]:
    """A disk where one can be mounted, else a limit."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "none", str(folder)]
    try:
        subprocess.run(command, capture_output=True, timeout=30, check=True)
    except (OSError, subprocess.CalledProcessError):
        yield Limit(folder)
        return
    yield Disk(folder)
    subprocess.run(["umount", str(folder)], check=True, timeout=30)


class Kept:
    """What there is in the folder of the assistant's state."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def timers(self) -> int:
        return len(json.loads((self._folder / "timers.json").read_text())["timers"])

    @property
    def answers(self) -> int:
        return len(json.loads((self._folder / "latency.json").read_text())["durations_s"][MOUTH_TO_EAR])

    @property
    def echo_frames(self) -> float:
        with np.load(self._folder / "echo.npz") as kept:
            return float(kept["frames"])


def test_on_a_full_disk_it_converses_and_once_there_is_room_all_is_kept_again(
    living: Living, disk: Disk | Limit, caplog: pytest.LogCaptureFixture
) -> None:
    state = living.state = disk.folder / "state"
    kept, mute_memory = Kept(state), MuteMemory(state)
    living.clock = SteppedClock()
    statistics, events = LatencyStatistics(state / "latency.json"), EventsFile(disk.folder / "events.jsonl")
    living.observers = [statistics, events]
    open_the_speaker(living)
    living.says(HELP, "Hey Jarvis, set a timer for one hour.", HELP, HELP, "Hey Jarvis, set a timer for two hours.")

    async def script(assistant: Assistant) -> None:
        living.room.say(1.0)
        await until(_KEPT_S)
        assert kept.answers == 1
        known = kept.echo_frames
        with disk.full():
            await converse_on_full_disk(assistant)
            assert (kept.answers, kept.echo_frames) == (1, known), "what was kept before is whole"
            lost = events.lost
            assert lost and not (state / "timers.json").exists()
        await converse_again(assistant)
        assert kept.timers == 2
        assert kept.answers == 5 and kept.echo_frames > 2 * known
        await assistant.controls.mute()
        assert mute_memory.recall()
        events.flush()
        assert events.lost == lost

    async def converse_on_full_disk(assistant: Assistant) -> None:
        for at_s in (70.0, 85.0, 105.0):
            living.room.say(at_s)
        await until(125.0)
        assert disk.error in assistant.health().unavailable["state"], "the timer"
        assert assistant.health().ok and assistant.health().hears
        await assistant.controls.mute()
        assert mute_memory.recall(), "an empty file needs no room"
        await assistant.controls.unmute()
        assert not mute_memory.recall()
        await until(125.0 + _KEPT_S)
        assert "echo cannot be kept" in caplog.text and "latency statistics cannot be kept" in caplog.text

    async def converse_again(assistant: Assistant) -> None:
        await until(195.0)
        assert kept.timers == 1, "that of the full disk, though nobody has spoken since"
        assert "state" not in assistant.health().unavailable
        living.room.say(200.0)
        await until(200.0 + _KEPT_S)

    try:
        said = living.live(script, lambda _: statistics.keep())
    finally:
        events.close()
    assert all(event.completed for event in living.log.of(PlaybackFinished))
    told = ["I can't save anything right now, so a restart may lose what you have set.", "I can save again."]
    assert [text for text in said if "save" in text] == told
    assert [text.split(",")[0] for text in said if text.startswith("Okay")] == ["Okay", "Okay"]
    *_, newest = (disk.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(newest)["event"] == "Notice", "that it is muted"
