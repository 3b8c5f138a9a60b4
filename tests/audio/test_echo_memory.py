"""What is kept of the echo guard's learning from one run to the next."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import numpy as np
import pytest

from assistant.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ
from assistant.audio.echo import EchoGuard
from assistant.audio.echo_memory import EchoMemory
from assistant.clock import LoopClock
from assistant.events import AudioFrame
from assistant.virtual_time import run_in_virtual_time
from tests.doubles.rooms import Loudspeaker, Playback, Room
from tests.doubles.speech_like import speech_like

FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ
NUMBERS = b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }".ljust(127) + b"\n\0\0\0\0"


def memory(folder: Path, microphone: str = "Webcam (hw:1,0)", speaker: str = "Speaker (hw:0,0)") -> EchoMemory:
    devices: Any = [SimpleNamespace(name=name) for name in (microphone, speaker)]
    return EchoMemory(folder, *devices)


def listen(guard: EchoGuard, replies: int = 3) -> None:
    """To the assistant's own voice in a room."""
    playback = Playback.of([speech_like(seconds=5.0, sample_rate_hz=24_000)] * replies, seed=0)
    speaker = Loudspeaker(Room(seed=1), playback)
    for chunk in playback.chunks:
        guard.reference(chunk.stated_s, chunk.samples, 24_000)
    sound = speaker.sound()
    for number in range(len(sound) // FRAME_SAMPLES):
        samples = sound[number * FRAME_SAMPLES :][:FRAME_SAMPLES]
        guard.clean(AudioFrame((number + 1) * FRAME_S, samples, SAMPLE_RATE_HZ))


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    before = memory(tmp_path)
    listen(before.guard())
    before.keep()
    return tmp_path


def test_the_same_devices_are_known_again_wherever_they_are_plugged_in(kept: Path) -> None:
    guard = memory(kept, "Webcam (hw:2,0)").guard()
    assert guard.experienced_frames > 0
    assert np.abs(guard.learned()["weights"]).max() > 0


def test_other_devices_are_learned_anew(kept: Path) -> None:
    assert memory(kept, speaker="Headset").guard().experienced_frames == 0


@pytest.mark.parametrize(
    "spoil",
    (
        lambda arrays: arrays.pop("weights"),
        lambda arrays: arrays.pop("devices"),
        lambda arrays: arrays.update(left_db=np.zeros(3, np.float32)),
        lambda arrays: arrays.update(loudest_db=np.full_like(arrays["loudest_db"], np.nan)),
        lambda arrays: arrays.update(frames=np.array(["many"])),
    ),
    ids=("a part is missing", "no devices", "another shape", "no numbers", "text"),
)
def test_what_is_no_such_file_changes_nothing(kept: Path, spoil: Any, caplog: pytest.LogCaptureFixture) -> None:
    with np.load(kept / "echo.npz") as file:
        arrays = dict(file)
    spoil(arrays)
    np.savez(kept / "echo.npz", **arrays)
    guard = memory(kept).guard()
    assert guard.experienced_frames == 0
    assert not np.abs(guard.learned()["weights"]).any()
    assert "begun anew" in caplog.text


@pytest.mark.parametrize("content", (b"", b"PK\x03\x04", b"text", NUMBERS))
def test_a_damaged_file_is_begun_anew(tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "echo.npz").write_bytes(content)
    assert memory(tmp_path).guard().experienced_frames == 0
    assert "begun anew" in caplog.text


def test_it_is_kept_while_the_assistant_runs_whenever_twice_as_much_is_known(tmp_path: Path) -> None:
    written: list[int] = []

    async def main() -> None:
        echoes = memory(tmp_path)
        guard = echoes.guard()
        async with anyio.create_task_group() as group:
            group.start_soon(echoes.keep_on, LoopClock())
            for replies in (0, 3, 0, 6):
                listen(guard, replies) if replies else None
                await anyio.sleep(61.0)
                path = tmp_path / "echo.npz"
                written.append(path.stat().st_ino if path.exists() else 0)
            group.cancel_scope.cancel()

    run_in_virtual_time(main)
    assert written[0] == 0 and written[1] != 0 and written[1] == written[2] != written[3]


def test_a_full_disk_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text("not a folder")
    echoes = memory(tmp_path / "state")
    listen(echoes.guard())
    echoes.keep()
    assert "cannot be kept" in caplog.text
