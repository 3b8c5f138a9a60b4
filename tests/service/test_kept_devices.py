"""Reloads of a service whose assistants are real, on doubles of sound cards, a camera and external libraries."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import ctranslate2
import onnxruntime
import pytest

from assistant.clock import LoopClock
from assistant.config import Config
from assistant.errors import ConfigError, DeviceError, ModelMissingError
from assistant.kept import KEPT
from assistant.models.store import ModelStore
from assistant.senses import LiveControls
from assistant.service.life import Lives
from assistant.service.service import Service
from assistant.settings import Settings
from tests.doubles.living import TIME, HangableLoop, Living, until
from tests.doubles.mjpeg import NetworkCamera
from tests.doubles.sound_devices import Card

ROOT = Path(__file__).parents[2]


class House:
    """A service, and the configuration that is on its disk."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        patch.setenv("PYTHONPATH", str(ROOT))  # the voices' process loads its doubles by name
        self.living = Living(folder, patch)
        self.microphone, self.speaker = self.living.microphone, self.living.speaker
        self.on_disk: dict[str, dict[str, Any]] = {
            "state": {"dir": folder / "state"},
            "governor": {"enabled": False},
            "vision": {"camera": "none"},
        }
        self.service: Service

    def configure(self, section: str, **values: Any) -> None:
        self.on_disk.setdefault(section, {}).update(values)

    def with_doubles(self) -> None:
        """No network is real."""
        for section, values in (
            ("audio", {"echo_guard": False}),
            ("vad", {"backend": "loudness"}),
            ("asr", {"backend": "words"}),
            ("emotion", {"channels": []}),
            ("tts", {"en": "Tone", "zh": "Tone", "fallback": "HighTone", "preload": []}),
        ):
            self.configure(section, **values)

    @property
    def controls(self) -> LiveControls:
        controls = self.service.running().assistant.controls
        assert controls is not None
        return controls

    def settings(self) -> Settings:
        return Settings(Config.model_validate(self.on_disk), None, {})

    def live(self, script: Callable[[], Awaitable[object]], loop: type | None = None) -> None:
        """Until the script is done; it begins when the assistant has started."""

        async def main() -> None:
            self.living.sound.loop = asyncio.get_running_loop()
            lives = Lives(LoopClock(), [self.living.log])
            self.service = service = Service(self.settings(), self.settings, lives.live)
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(service.run)
                    await until_it_is(lambda: service.state == "running")
                    await script()
                    service.stop()
            finally:
                await lives.close()

        with KEPT.keeping(), self.living.sound_library():
            anyio.run(main, backend_options={"loop_factory": loop} if loop else {})


async def until_it_is(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(60.0):
        while not condition():  # noqa: ASYNC110 (nothing tells of it)
            await anyio.sleep(0.05)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    return House(tmp_path, monkeypatch)


async def answers(house: House) -> None:
    """It hears a question now, and answers it."""
    said, now_s = len(house.living.said), anyio.current_time()
    house.living.says(TIME)
    house.living.room.say(now_s + 0.2)
    await until(now_s + 6.0)
    assert len(house.living.said) == said + 1


def test_a_microphone_and_a_speaker_that_did_not_change_stay_open(house: House) -> None:
    house.with_doubles()

    async def script() -> None:
        await answers(house)
        opened = house.microphone.opened, house.speaker.opened
        assert opened == (1, 1)
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
        assert (house.microphone.opened, house.speaker.opened) == opened

    house.live(script, HangableLoop)


def test_what_is_said_while_a_configuration_comes_into_force_is_heard(house: House) -> None:
    house.with_doubles()

    async def script() -> None:
        house.living.says(TIME)
        house.living.room.say(anyio.current_time() + 0.05)
        house.configure("wake", follow_up_s=1.0)
        await house.service.reload()
        await until(anyio.current_time() + 6.0)
        assert len(house.living.said) == 1

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
        ("vision", {"camera": "/nowhere.png"}, Exception),
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


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """How often the libraries load a network."""
    count: Counter[str] = Counter()

    def counting(name: str, load: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            count[name] += 1
            return load(*args, **kwargs)

        return counted

    monkeypatch.setattr(ctranslate2.models, "Whisper", counting("whisper", ctranslate2.models.Whisper))
    monkeypatch.setattr(onnxruntime, "InferenceSession", counting("onnx", onnxruntime.InferenceSession))
    yield count


@pytest.mark.models
def test_no_network_is_loaded_twice_and_no_camera_opened_twice(
    house: House, loaded: Counter[str], model_store: ModelStore
) -> None:
    model_store.path("whisper-tiny.en")
    house.configure("tts", en="Tone", zh="Tone", fallback="HighTone", preload=[])

    async def script() -> None:
        async def reload(**sections: dict[str, Any]) -> None:
            for section, values in sections.items():
                house.configure(section, **values)
            await house.service.reload()
            senses = house.service.running().assistant.senses
            await until_it_is(lambda: house.service.health().ok and senses.scene() is not None)

        await reload()
        first = dict(loaded)
        assert first["whisper"] == 1 and first["onnx"] >= 5, "voice activity, objects, faces, mesh, tags, emotion"
        watched = camera.connections
        await reload(
            wake={"follow_up_s": 3.0, "phrases": ["computer"]},
            vision={"rate_hz": 0.5},
            emotion={"half_life_s": 4.0},
            telemetry={"log_content": True},
            asr={"beam_size": 2},
        )
        assert loaded == first and camera.connections == watched

        await reload(asr={"model": "whisper-tiny.en"})
        assert loaded == {**first, "whisper": 2} and camera.connections == watched

        house.configure("asr", model="vosk-ko")
        with pytest.raises(ConfigError):
            await house.service.reload()
        await reload(asr={"model": "whisper-tiny.en"})
        assert loaded == {**first, "whisper": 2}, "the old one had to load nothing"

        await reload(vision={"threads": 2})
        assert loaded["onnx"] > first["onnx"] and loaded["whisper"] == 2
        assert camera.connections == watched

        house.configure("vision", camera="none")
        await house.service.reload()
        again = dict(loaded)
        await reload(vision={"camera": camera.address})
        assert loaded["onnx"] > again["onnx"] and camera.connections > watched, "what nobody used was let go"

    with NetworkCamera() as camera:
        house.configure("vision", camera=camera.address)
        house.live(script)
