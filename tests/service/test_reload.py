"""Bringing a configuration into force, with assistants that start or do not, in virtual time."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from assistant.config import AudioConfig, Config, ControlConfig, WakeConfig
from assistant.config_schema import all_keys
from assistant.errors import AssistantError, ConfigError, ControlError, DeviceError, ModelMissingError
from assistant.health import Health
from assistant.service.changes import LIVE, after_restart, changed_keys
from assistant.service.service import Running, Service
from assistant.settings import Settings
from assistant.virtual_time import run_in_virtual_time

OLD = Config()
OTHER = Config(wake=WakeConfig(phrases=("computer",)))
LOAD_S = 3.0


class Assistant:
    """Stands in for one that has started."""

    def __init__(self) -> None:
        self.controls = self.turns = self
        self.loudness = OLD.audio.volume
        self.talking_s = 0.0

    def set_volume(self, volume: float) -> None:
        self.loudness = volume

    def volume(self) -> float:
        return self.loudness

    async def idle(self) -> None:
        await anyio.sleep(self.talking_s)

    def health(self) -> Health:
        return Health(hears=True)


class House:
    """A service whose assistants are doubles, and the configuration that is on disk."""

    def __init__(self) -> None:
        self.on_disk: Config | AssistantError = OLD
        self.broken: dict[tuple[str, ...], AssistantError] = {}
        """Why an assistant of these wake phrases does not start."""
        self.lived: list[tuple[str, ...]] = []
        self.assistant = Assistant()
        self.service = Service(Settings(OLD, None, {}), self._load, self._live)

    def _load(self) -> Settings:
        if isinstance(self.on_disk, AssistantError):
            raise self.on_disk
        return Settings(self.on_disk, None, {})

    async def _live(self, config: Config, started: Callable[[Running], None], must_hear: bool) -> None:
        await anyio.sleep(LOAD_S)
        if must_hear and config.audio.input == "gone":
            raise DeviceError("There is no such microphone.")
        if config.wake.phrases in self.broken:
            raise self.broken[config.wake.phrases]
        self.lived.append(config.wake.phrases)
        started(Running(self.assistant, dict))  # type: ignore[arg-type]
        await anyio.sleep_forever()


def in_house(scene: Callable[[House], Awaitable[Any]]) -> House:
    """Play a scene in a house whose assistant has started."""

    async def main() -> House:
        house = House()
        async with anyio.create_task_group() as group:
            group.start_soon(house.service.run)
            await anyio.sleep(LOAD_S + 1)
            assert house.service.state == "running"
            await scene(house)
            house.service.stop()
        return house

    return run_in_virtual_time(main)


def test_nothing_changed_nothing_happens() -> None:
    async def scene(house: House) -> None:
        assert (await house.service.reload()).changed == []

    assert in_house(scene).lived == [OLD.wake.phrases]


def test_a_wrong_configuration_is_not_even_tried() -> None:
    async def scene(house: House) -> None:
        house.on_disk = ConfigError("audio.volumee is no key.", remedy="Write audio.volume.")
        with pytest.raises(ConfigError):
            await house.service.reload()
        assert house.service.config_error == "audio.volumee is no key. Write audio.volume."
        assert house.service.state == "running"
        house.on_disk = OLD
        await house.service.reload()
        assert house.service.config_error == ""

    assert in_house(scene).lived == [OLD.wake.phrases]


def test_the_volume_is_set_while_the_conversation_goes_on() -> None:
    async def scene(house: House) -> None:
        house.on_disk = Config(audio=AudioConfig(volume=0.1))
        reloaded = await house.service.reload()
        assert (reloaded.changed, reloaded.restarted) == (["audio.volume"], False)
        assert house.assistant.loudness == 0.1

    assert in_house(scene).lived == [OLD.wake.phrases]


def test_what_the_process_was_started_with_waits_for_its_next_start() -> None:
    async def scene(house: House) -> None:
        house.on_disk = Config(control=ControlConfig(socket=Path("/run/other.sock")))
        reloaded = await house.service.reload()
        assert (reloaded.after_restart, reloaded.restarted) == (["control.socket"], False)

    assert in_house(scene).lived == [OLD.wake.phrases]


def test_anything_else_starts_the_assistant_anew_once_nobody_speaks() -> None:
    async def scene(house: House) -> None:
        house.on_disk, house.assistant.talking_s = OTHER, 5.0
        began_s = anyio.current_time()
        assert (await house.service.reload()).restarted
        assert anyio.current_time() - began_s == pytest.approx(5.0 + LOAD_S, abs=0.1)
        assert house.service.settings.config == OTHER

    assert in_house(scene).lived == [OLD.wake.phrases, OTHER.wake.phrases]


def test_one_that_talks_for_ever_is_not_waited_for() -> None:
    async def scene(house: House) -> None:
        house.on_disk, house.assistant.talking_s = OTHER, 1e6
        began_s = anyio.current_time()
        await house.service.reload()
        assert anyio.current_time() - began_s < 20

    in_house(scene)


def test_one_that_does_not_start_gives_way_to_the_old_one() -> None:
    async def scene(house: House) -> None:
        house.on_disk = OTHER
        house.broken[OTHER.wake.phrases] = ModelMissingError("It was not pulled.")
        with pytest.raises(ModelMissingError):
            await house.service.reload()
        assert house.service.state == "running"
        assert house.service.settings.config == OLD
        assert "not pulled" in house.service.config_error
        house.broken.clear()
        assert (await house.service.reload()).restarted

    assert in_house(scene).lived == [OLD.wake.phrases, OLD.wake.phrases, OTHER.wake.phrases]


def test_a_microphone_that_is_chosen_must_be_there_but_one_that_was_unplugged_may_come_back() -> None:
    async def scene(house: House) -> None:
        house.on_disk = Config(audio=AudioConfig(input="gone"))
        with pytest.raises(DeviceError):
            await house.service.reload()
        house.service.settings = Settings(house.on_disk, None, {})
        house.on_disk = Config(audio=AudioConfig(input="gone"), wake=OTHER.wake)
        assert (await house.service.reload()).restarted

    in_house(scene)


def test_meanwhile_it_is_deaf_and_says_why() -> None:
    async def scene(house: House) -> None:
        house.on_disk = OTHER
        async with anyio.create_task_group() as group:
            group.start_soon(house.service.reload)
            await anyio.sleep(1)
            health = house.service.health()
            assert (house.service.state, health.ok) == ("reloading", False)
            assert "configuration" in health.reason
            with pytest.raises(ControlError):
                house.service.running()

    in_house(scene)


def test_two_reloads_at_once_follow_each_other() -> None:
    async def scene(house: House) -> None:
        house.on_disk = OTHER
        async with anyio.create_task_group() as group:
            group.start_soon(house.service.reload)
            group.start_soon(house.service.reload)

    assert in_house(scene).lived == [OLD.wake.phrases, OTHER.wake.phrases]


def test_when_the_old_one_does_not_start_either_the_service_ends_with_its_error() -> None:
    async def main() -> None:
        house = House()

        async def break_all() -> None:
            await anyio.sleep(LOAD_S + 1)
            house.on_disk = OTHER
            house.broken[OTHER.wake.phrases] = ModelMissingError("It was not pulled.")
            house.broken[OLD.wake.phrases] = DeviceError("The microphone is gone.")
            await house.service.reload()

        async with anyio.create_task_group() as group:
            group.start_soon(break_all)
            with pytest.raises(DeviceError, match="microphone is gone"):
                await house.service.run()
            group.cancel_scope.cancel()

    run_in_virtual_time(main)


def test_it_ends_also_while_it_starts() -> None:
    async def main() -> None:
        house = House()
        async with anyio.create_task_group() as group:
            group.start_soon(house.service.run)
            await anyio.sleep(1)
            assert house.service.state == "starting"
            assert not house.service.health().ok
            house.service.stop()
        assert anyio.current_time() < LOAD_S

    run_in_virtual_time(main)


def test_nothing_of_the_last_assistant_is_kept() -> None:
    """Its networks would fill the memory, reload by reload."""
    gone: list[weakref.ref[Assistant]] = []

    async def scene(house: House) -> None:
        house.assistant.turns = house.assistant  # a circle, as tasks and tracebacks make them
        gone.append(weakref.ref(house.assistant))
        house.assistant, house.on_disk = Assistant(), OTHER
        await house.service.reload()
        assert gone[0]() is None

    gc.disable()
    try:
        in_house(scene)
    finally:
        gc.enable()


def test_every_key_has_its_way_into_force() -> None:
    assert set(all_keys()) >= LIVE
    assert after_restart(["audio.volume", "state.dir"]) == ["state.dir"]
    assert changed_keys(OLD, OTHER) == ["wake.phrases"]
