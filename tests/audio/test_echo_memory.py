"""What is kept of the echo guard's learning from one run to the next, and of which devices."""

from __future__ import annotations

import io
import shutil
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import anyio.to_thread
import numpy as np
import pytest

from assistant.audio import FRAME_SAMPLES, SAMPLE_RATE_HZ, sound_server
from assistant.audio.echo_memory import EchoMemory
from assistant.audio.sound_devices import without_address
from assistant.events import AudioFrame
from assistant.virtual_time import run_in_virtual_time
from tests.doubles.rooms import Loudspeaker, Playback, Room
from tests.doubles.speech_like import speech_like

FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ
WEBCAM, SPEAKER = "Webcam (hw:1,0)", "Speaker (hw:0,0)"


class Life:
    """One run of the assistant, as far as its echo goes."""

    def __init__(self, folder: Path, microphone: str, speaker: str) -> None:
        self.microphone, self.speaker = SimpleNamespace(name=microphone), SimpleNamespace(name=speaker)
        devices: Any = (self.microphone, self.speaker)
        self.memory = EchoMemory(folder, *devices)
        self.guard = self.memory.guard

    def listens(self, replies: int = 3) -> None:
        """To its own voice in a room."""
        playback = Playback.of([speech_like(seconds=5.0, sample_rate_hz=24_000)] * replies, seed=0)
        speaker = Loudspeaker(Room(seed=1), playback)
        sound = speaker.sound()
        for number in range(len(sound) // FRAME_SAMPLES):
            for chunk in speaker.begun((number + 1) * FRAME_S):
                self.guard.reference(chunk.stated_s, chunk.samples, 24_000)
            samples = sound[number * FRAME_SAMPLES :][:FRAME_SAMPLES]
            self.guard.clean(AudioFrame((number + 1) * FRAME_S, samples, SAMPLE_RATE_HZ))

    async def opens(self, microphone: str) -> None:
        self.microphone.name = microphone
        self.memory.opened()
        await anyio.sleep(1.0)


Script = Callable[[Life], Awaitable[object]]


def lead(folder: Path, script: Script | None, microphone: str, speaker: str) -> Life:
    """A life from its start to its end."""
    life = Life(folder, microphone, speaker)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(life.memory.run)
            await anyio.sleep(1.0)
            if script is not None:
                await script(life)
            group.cancel_scope.cancel()
        life.memory.keep()

    run_in_virtual_time(main)
    return life


@pytest.fixture
def live(tmp_path: Path) -> Callable[..., Life]:
    def live(script: Script | None = None, microphone: str = WEBCAM, speaker: str = SPEAKER) -> Life:
        return lead(tmp_path, script, microphone, speaker)

    return live


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a life that has listened: what is learned takes the longest, and is the same each time."""

    async def script(life: Life) -> None:
        life.listens()

    folder = tmp_path_factory.mktemp("learned")
    assert lead(folder, script, WEBCAM, SPEAKER).guard.experienced_frames > 0
    return folder / "echo.npz"


@pytest.fixture
def kept(tmp_path: Path, learned: Path) -> Path:
    return Path(shutil.copy(learned, tmp_path))


@pytest.mark.usefixtures("kept")
def test_the_same_devices_are_known_again_wherever_they_are_plugged_in(live: Callable[..., Life]) -> None:
    guard = live(microphone="Webcam (hw:2,0)").guard
    assert guard.experienced_frames > 0
    assert np.abs(guard.learned()["weights"]).max() > 0


@pytest.mark.usefixtures("kept")
def test_other_devices_are_learned_anew(live: Callable[..., Life]) -> None:
    assert live(speaker="Headset").guard.experienced_frames == 0


@pytest.mark.usefixtures("kept")
def test_a_microphone_that_is_found_later_is_known_then(live: Callable[..., Life]) -> None:
    async def script(life: Life) -> None:
        assert life.guard.experienced_frames == 0
        await life.opens(WEBCAM)
        assert life.guard.experienced_frames > 0

    live(script, microphone="default")


@pytest.mark.usefixtures("kept")
def test_another_microphone_after_a_mute_is_learned_anew_and_the_first_one_is_still_known(
    live: Callable[..., Life],
) -> None:
    async def script(life: Life) -> None:
        life.guard.pause()
        await life.opens(WEBCAM)
        assert life.guard.experienced_frames > 0
        life.guard.pause()
        await life.opens("Headset")
        assert life.guard.experienced_frames == 0
        await life.opens(WEBCAM)
        assert life.guard.experienced_frames > 0

    live(script)


@pytest.mark.usefixtures("kept")
def test_a_microphone_that_was_lost_and_is_back_is_known_again(live: Callable[..., Life]) -> None:
    async def script(life: Life) -> None:
        life.guard.forget()
        await life.opens(WEBCAM)
        assert life.guard.experienced_frames > 0

    live(script)


def test_behind_a_sound_server_its_own_devices_count(
    live: Callable[..., Life], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(life: Life) -> None:
        life.listens()

    monkeypatch.setattr(sound_server, "_pactl", lambda *_: "Default Source: webcam\nDefault Sink: headset\n")
    live(script, "default", "default")
    assert live(None, "default", "default").guard.experienced_frames > 0
    monkeypatch.setattr(sound_server, "_pactl", lambda *_: "Default Source: webcam\nDefault Sink: speaker\n")
    assert live(None, "default", "default").guard.experienced_frames == 0


def test_what_a_sound_server_changes_is_looked_at_when_the_microphone_tells_of_it(
    kept: Path, live: Callable[..., Life], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.write_bytes(broken(devices=lambda _: np.array("default, default, webcam and speaker"))(kept.read_bytes()))

    async def chooses(life: Life, sink: str) -> None:
        monkeypatch.setattr(sound_server, "_pactl", lambda *_: f"Default Source: webcam\nDefault Sink: {sink}\n")
        assert life.microphone.devices_changed is not None
        life.microphone.devices_changed()
        await anyio.sleep(1.0)

    async def script(life: Life) -> None:
        for sink, known in (("speaker", True), ("headset", False), ("speaker", True)):
            await chooses(life, sink)
            assert (life.guard.experienced_frames > 0) is known

    monkeypatch.setattr(sound_server, "_pactl", lambda *_: "")
    live(script, "default", "default")


def test_a_sound_server_that_does_not_answer_changes_nothing_and_is_not_asked_in_the_end(
    live: Callable[..., Life], monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = ["Default Source: webcam\nDefault Sink: headset\n", ""]

    async def script(life: Life) -> None:
        life.listens()
        await life.opens("default")
        assert not answers, "it was asked"
        assert life.guard.experienced_frames > 0 and life.guard.forgotten == 0

    monkeypatch.setattr(sound_server, "_pactl", lambda *_: answers.pop(0))
    live(script, "default", "default")
    monkeypatch.setattr(sound_server, "_pactl", lambda *_: "Default Source: webcam\nDefault Sink: headset\n")
    assert live(None, "default", "default").guard.experienced_frames > 0, "it was kept"


@pytest.mark.usefixtures("kept")
def test_a_speaker_that_is_found_later_is_known_then_and_its_first_sound_forgets_nothing(
    live: Callable[..., Life],
) -> None:
    async def script(life: Life) -> None:
        assert life.guard.experienced_frames == 0
        life.speaker.name = SPEAKER
        await anyio.sleep(61.0)
        life.guard.play_through(without_address(SPEAKER))
        assert life.guard.experienced_frames > 0
        life.guard.play_through("Headset")
        assert life.guard.experienced_frames == 0

    live(script, speaker="default")


def test_what_was_kept_is_not_given_up_for_a_first_reply_before_the_speaker_was_known(
    live: Callable[..., Life],
) -> None:
    live_long = live(_listens_long)

    async def script(life: Life) -> None:
        life.speaker.name = SPEAKER
        life.listens(1)
        few = life.guard.experienced_frames
        await anyio.sleep(61.0)
        assert life.guard.experienced_frames > 2 * few

    live(script, speaker="default")
    assert live().guard.experienced_frames >= 0.9 * live_long.guard.experienced_frames


async def _listens_long(life: Life) -> None:
    life.listens(6)


def test_a_sound_server_that_does_not_answer_at_the_start_costs_nothing_that_is_kept(
    live: Callable[..., Life], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def script(life: Life) -> None:
        life.listens()

    monkeypatch.setattr(sound_server, "_pactl", lambda *_: "Default Source: webcam\nDefault Sink: headset\n")
    live(script, "default", "default")
    monkeypatch.setattr(sound_server, "_pactl", lambda *_: "")
    assert live(None, "default", "default").guard.experienced_frames > 0
    monkeypatch.setattr(sound_server, "_pactl", lambda *_: "Default Source: webcam\nDefault Sink: another\n")
    assert live(None, "default", "default").guard.experienced_frames == 0


def test_a_microphone_that_is_opened_while_the_devices_are_looked_at_is_looked_at_too(
    kept: Path, live: Callable[..., Life], monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.write_bytes(broken(devices=lambda _: np.array("Webcam, default, a speaker"))(kept.read_bytes()))
    asked, answers = threading.Event(), threading.Event()
    answers.set()

    def chosen() -> str:
        asked.set()
        assert answers.wait(60.0)
        return "a speaker"

    async def script(life: Life) -> None:
        assert life.guard.experienced_frames > 0
        asked.clear()
        answers.clear()
        life.memory.opened()
        assert await anyio.to_thread.run_sync(asked.wait, 60.0)
        life.microphone.name = "Headset"
        life.memory.opened()
        answers.set()
        await anyio.sleep(1.0)
        assert life.guard.experienced_frames == 0

    monkeypatch.setattr(sound_server, "chosen", chosen)
    live(script, speaker="default")


def test_what_was_learned_of_one_speaker_is_not_kept_as_another_s(kept: Path, live: Callable[..., Life]) -> None:
    before = kept.read_bytes()

    async def script(life: Life) -> None:
        life.speaker.name = "Headset"  # it was opened, and nothing has been said since

    live(script)
    assert kept.read_bytes() == before


@pytest.mark.usefixtures("kept")
def test_what_was_learned_of_a_new_speaker_is_kept(live: Callable[..., Life]) -> None:
    async def script(life: Life) -> None:
        life.speaker.name = "Headset"
        life.guard.play_through("Headset")
        life.listens(2)
        await anyio.sleep(61.0)

    live(script)
    assert live(speaker="Headset").guard.experienced_frames > 0


def broken(**changes: Any) -> Callable[[bytes], bytes]:
    def spoil(content: bytes) -> bytes:
        arrays = dict(np.load(io.BytesIO(content)))
        for name, change in changes.items():
            arrays[name] = change(arrays.pop(name))
        file = io.BytesIO()
        np.savez(file, **{name: values for name, values in arrays.items() if values is not None})
        return file.getvalue()

    return spoil


def encrypted(content: bytes) -> bytes:
    entries = content.split(b"PK\x01\x02")
    return b"PK\x01\x02".join([entries[0], *(entry[:4] + b"\x01" + entry[5:] for entry in entries[1:])])


def single(content: bytes) -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


@pytest.mark.parametrize(
    "spoil",
    (
        broken(weights=lambda _: None),
        broken(devices=lambda _: None),
        broken(left_db=lambda _: np.zeros(3, np.float32)),
        broken(loudest_db=lambda values: values * np.nan),
        broken(frames=lambda _: np.array("many")),
        lambda content: b"",
        lambda content: b"text",
        lambda content: content[:1000],
        encrypted,
        single,
    ),
    ids=(
        "a part is missing", "no devices", "another shape", "no numbers", "text for numbers", "empty", "no archive",
        "cut off", "encrypted", "one array",
    ),
)  # fmt: skip
def test_a_damaged_file_is_begun_anew(
    kept: Path, live: Callable[..., Life], spoil: Callable[[bytes], bytes], caplog: pytest.LogCaptureFixture
) -> None:
    content = kept.read_bytes()
    kept.write_bytes(spoil(content))
    assert kept.read_bytes() != content
    guard = live().guard
    assert guard.experienced_frames == 0
    assert not np.abs(guard.learned()["weights"]).any()
    assert "begun anew" in caplog.text


def test_it_is_kept_while_the_assistant_runs_whenever_twice_as_much_is_known(
    tmp_path: Path, live: Callable[..., Life]
) -> None:
    written: list[int] = []

    async def script(life: Life) -> None:
        for replies in (0, 3, 0, 6):
            if replies:
                life.listens(replies)
            await anyio.sleep(61.0)
            path = tmp_path / "echo.npz"
            written.append(path.stat().st_ino if path.exists() else 0)

    live(script)
    assert written[0] == 0 and written[1] != 0 and written[1] == written[2] != written[3]


def test_a_full_disk_is_told_and_tried_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, live: Callable[..., Life]
) -> None:
    path = tmp_path / "echo.npz"
    path.mkdir()

    async def script(life: Life) -> None:
        life.listens()
        await anyio.sleep(61.0)
        assert "cannot be kept" in caplog.text
        path.rmdir()
        await anyio.sleep(61.0)
        assert path.is_file()

    live(script)
