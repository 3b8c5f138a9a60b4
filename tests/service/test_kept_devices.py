"""Reloads of a service whose assistants are real: which devices stay open."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import anyio
import psutil
import pytest

from assistant.config import Config
from assistant.errors import DeviceError, MediaError, ModelMissingError
from assistant.models.store import ModelStore
from assistant.models.used import MODELS_OF
from assistant.muting import MuteMemory
from assistant.service import devices
from assistant.vision import live_camera
from assistant.vision.camera import open_camera
from tests.doubles.house import House, until_it_is
from tests.doubles.living import TIME, HangableLoop, Words, until
from tests.doubles.mjpeg import NetworkCamera
from tests.doubles.sound_devices import Card
from tests.doubles.video4linux import OTHER, RIGHT, WEBCAM, Kernel


async def answers(house: House) -> None:
    """It hears a question now, and answers it."""
    said, now_s = len(house.living.said), anyio.current_time()
    house.living.says(TIME)
    house.living.room.say(now_s + 0.2)
    await until(now_s + 6.0)
    assert len(house.living.said) == said + 1


def test_a_microphone_that_did_not_change_stays_open_and_the_speaker_plays_as_loud_as_it_should(house: House) -> None:
    house.with_doubles()

    async def script() -> None:
        await answers(house)
        house.configure("wake", follow_up_s=1.0)
        house.configure("telemetry", log_content=True)
        house.configure("audio", volume=0.2)
        loud = house.speaker.peak()
        house.speaker.played.clear()
        assert (await house.service.reload()).restarted
        assert house.living.sound.recording, "it was not closed either"
        assert house.controls.volume() == 0.2
        await answers(house)
        assert house.speaker.peak() < 0.3 * loud
        assert house.microphone.opened == 1

    house.live(script, HangableLoop)


def test_what_is_said_while_a_configuration_comes_into_force_is_heard(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.with_doubles()

    def load_slowly(config: Config, models: ModelStore) -> Words:
        HangableLoop.current.take(3.0, lambda: 1.0)
        return Words()

    async def script() -> None:
        monkeypatch.setattr(Words, "create", load_slowly)
        house.living.says(TIME)
        began_s = anyio.current_time()
        house.living.room.say(began_s + 0.5)
        house.configure("wake", follow_up_s=1.0)
        await house.service.reload()
        assert anyio.current_time() >= began_s + 2.9, "it was said before there was anybody to hear it"
        await until(anyio.current_time() + 6.0)
        assert len(house.living.said) == house.microphone.opened == 1

    house.live(script, HangableLoop)


def test_the_loudness_that_was_asked_for_stays_unless_another_is_configured(house: House) -> None:
    house.with_doubles()

    async def script() -> None:
        house.controls.set_volume(0.3)
        house.configure("wake", follow_up_s=1.0)
        assert (await house.service.reload()).restarted
        assert house.controls.volume() == 0.3
        house.configure("audio", volume=0.5)
        await house.service.reload()
        house.controls.set_volume(0.6)
        house.configure("asr", backend="whisper")  # its model is missing, so the old one comes back
        house.configure("audio", volume=0.7)
        with pytest.raises(ModelMissingError):
            await house.service.reload()
        assert house.controls.volume() == 0.6
        house.configure("asr", backend="words")
        house.configure("wake", follow_up_s=2.0)
        await house.service.reload()
        assert house.controls.volume() == 0.7

    house.configure("models", dir=Path("/nonexistent"))
    house.live(script, HangableLoop)


def test_a_reload_while_the_microphone_is_unplugged_waits_for_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)  # as at a terminal
    house.with_doubles()

    async def script() -> None:
        house.living.sound.pull(house.microphone)
        await until(anyio.current_time() + 10.0)
        house.configure("wake", follow_up_s=1.0)
        assert (await house.service.reload()).restarted
        health = house.service.health()
        assert (health.hears, health.waiting, house.service.state) == (False, True, "running")
        house.living.sound.plug(house.microphone)
        await until(anyio.current_time() + 5.0)
        await answers(house)

    house.live(script, HangableLoop)


def test_another_microphone_takes_the_place_of_the_first(house: House) -> None:
    house.with_doubles()
    other = house.living.sound.plug(Card("Headset: Audio (hw:3,0)", house.living.room))
    house.living.sound.begin()

    async def script() -> None:
        house.configure("audio", input="Headset")
        await house.service.reload()
        assert (house.microphone.opened, other.opened, house.speaker.opened) == (1, 1, 1)
        await answers(house)

    house.live(script, HangableLoop)


@pytest.mark.parametrize(
    ("section", "values", "error"),
    [
        ("asr", {"backend": "whisper"}, ModelMissingError),
        ("audio", {"input": "nobody's"}, DeviceError),
        ("vision", {"camera": "/nowhere.png"}, MediaError),
    ],
)
def test_a_configuration_that_fails_leaves_the_old_one_working(
    house: House, section: str, values: dict[str, Any], error: type[Exception], tmp_path: Path
) -> None:
    house.with_doubles()
    house.configure("models", dir=tmp_path / "models")

    async def script() -> None:
        before = {name: dict(values) for name, values in house.on_disk.items()}
        house.configure(section, **values)
        with pytest.raises(error):
            await house.service.reload()
        assert house.service.state == "running" and house.service.config_error
        await answers(house)
        house.on_disk = before
        assert not (await house.service.reload()).restarted
        assert house.microphone.opened == (2 if section == "audio" else 1)

    house.live(script, HangableLoop)


def test_muted_stays_muted_and_the_microphone_closed(house: House) -> None:
    house.with_doubles()

    async def script() -> None:
        await house.controls.mute()
        house.configure("wake", follow_up_s=1.0)
        await house.service.reload()
        await until(anyio.current_time() + 2.0)
        assert house.service.health().muted and not house.living.sound.recording
        await house.controls.unmute()
        await answers(house)

    house.live(script, HangableLoop)


def test_voices_whose_models_were_pulled_anew_are_loaded_anew(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.with_doubles()
    house.configure("models", dir=tmp_path / "models")
    monkeypatch.setitem(MODELS_OF, "Tone", ("tone",))

    def processes() -> set[int]:
        return {process.pid for process in psutil.Process().children()}

    async def script() -> None:
        others = processes()
        await answers(house)
        first = processes() - others
        house.configure("wake", follow_up_s=1.0)
        await house.service.reload()
        await answers(house)
        assert processes() - others == first != set()
        (tmp_path / "models" / "tone").mkdir(parents=True)
        house.configure("wake", follow_up_s=2.0)
        await house.service.reload()
        await answers(house)
        assert len(processes() - others - first) == 1

    house.live(script, HangableLoop)


@pytest.fixture
def watching(house: House) -> House:
    """Sees dogs."""
    house.with_doubles()
    house.configure("vision", detector="dogs", faces="nobody", tagger="none", rate_hz=5.0)
    return house


async def sees(house: House) -> None:
    """It has opened its camera."""
    await until_it_is(lambda: house.service.running().assistant.senses.scene() is not None)


def test_a_camera_comes_back_when_another_cannot_be_opened(watching: House) -> None:
    async def script() -> None:
        await sees(watching)
        watching.configure("vision", camera="/nowhere.png")
        with pytest.raises(MediaError):
            await watching.service.reload()
        await sees(watching)
        assert camera.connections == 2, "the first was let go"

    with NetworkCamera() as camera:
        watching.configure("vision", camera=camera.address)
        watching.live(script)


@pytest.mark.parametrize("reason", ["no network", "muted"])
def test_a_camera_that_nobody_looks_through_is_closed(watching: House, reason: str, tmp_path: Path) -> None:
    async def script() -> None:
        await sees(watching)
        assert camera.watchers == 1
        if reason == "muted":
            MuteMemory(tmp_path / "state").remember(True)  # just as it is reloaded
            watching.configure("wake", follow_up_s=1.0)
        else:
            watching.configure("models", dir=tmp_path / "empty")
            watching.configure("vision", detector="centernet")
        await watching.service.reload()
        await until_it_is(lambda: camera.watchers == 0)
        if reason == "muted":
            await watching.controls.unmute()
        else:
            assert "centernet" in watching.service.health().unavailable["camera"]
            watching.configure("vision", detector="dogs")
            await watching.service.reload()
        await sees(watching)

    with NetworkCamera() as camera:
        watching.configure("vision", camera=camera.address)
        watching.live(script)


async def why_it_does_not_see(house: House, words: str) -> DeviceError:
    """What it says to who asks, once it says these words."""
    watcher = house.service.running().assistant.senses.watcher
    assert watcher is not None
    with anyio.fail_after(60.0):
        while True:
            with pytest.raises(DeviceError) as failure:
                await watcher.look()
            if words in failure.value.message:
                return failure.value
            await anyio.sleep(0.05)


@pytest.mark.parametrize("changed", [False, True])
def test_a_reload_takes_another_camera_that_was_put_in_the_place_of_one_that_is_gone(
    watching: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: bool
) -> None:
    kernel = Kernel(tmp_path)
    kernel.plug(0)
    monkeypatch.setattr(live_camera, "open_capture", kernel.open_capture)
    monkeypatch.setattr(devices, "open_camera", partial(open_camera, sysfs=kernel.sysfs))

    def unavailable() -> str:
        return watching.service.health().unavailable.get("camera", "")

    async def script() -> None:
        await sees(watching)
        kernel.pull(0)
        await until_it_is(lambda: bool(unavailable()))
        await watching.service.reload()
        kernel.plug(0, OTHER, RIGHT)
        gone = await why_it_does_not_see(watching, f"no camera '{WEBCAM}' any more")
        assert "for another camera: assistant reload" in (gone.remedy or "")
        assert len(kernel.opened) == 1, "it is not taken for it by itself"
        if changed:
            watching.configure("wake", follow_up_s=1.0)
        assert (await watching.service.reload()).restarted is changed
        await until_it_is(lambda: len(kernel.opened) == 2 and not unavailable())
        await sees(watching)

    watching.configure("vision", camera="0")
    watching.live(script)


def test_a_reload_forgets_no_camera_that_may_come_back(
    watching: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = Kernel(tmp_path)
    kernel.plug(0)
    monkeypatch.setattr(live_camera, "open_capture", kernel.open_capture)
    monkeypatch.setattr(devices, "open_camera", partial(open_camera, sysfs=kernel.sysfs))

    async def script() -> None:
        await sees(watching)
        kernel.pull(0)
        await until_it_is(lambda: "camera" in watching.service.health().unavailable)
        kernel.plug(4, OTHER, RIGHT)
        await watching.service.reload()
        kernel.plug(2)
        await until_it_is(lambda: "camera" not in watching.service.health().unavailable)
        assert [number for number, _ in kernel.opened] == [0, 2]

    watching.configure("vision", camera="0")
    watching.live(script)
