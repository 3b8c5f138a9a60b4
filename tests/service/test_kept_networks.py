"""Reloads of a service on real networks: what is loaded again, and what is not."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import ctranslate2
import onnxruntime
import psutil
import pytest

from assistant import asr
from assistant.errors import ConfigError, ModelError
from assistant.kept import KEPT
from assistant.models.store import ModelStore
from tests.doubles.fated import Fates
from tests.doubles.house import House, until_it_is
from tests.doubles.living import HangableLoop, Loudness
from tests.doubles.mjpeg import NetworkCamera


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


def test_the_recognisers_process_is_kept_and_so_is_what_it_has_loaded(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fates = Fates(tmp_path / "fates", monkeypatch)
    house.with_doubles()
    house.configure("asr", backend="fated")

    async def script() -> None:
        def pid() -> int | None:
            recognizer = house.service.running().assistant._recognizer
            return recognizer.pid if recognizer is not None else None

        first = pid()
        house.configure("wake", phrases=["computer"])
        await house.service.reload()
        assert pid() == first is not None
        assert (fates.count("load"), fates.count("network")) == (2, 1)

        house.configure("asr", model="whisper-tiny.en")
        await house.service.reload()
        assert pid() == first and fates.count("network") == 2

        fates.loading("missing")
        house.configure("asr", model="whisper-base")
        with pytest.raises(ModelError, match="gone"):
            await house.service.reload()
        assert pid() == first and fates.count("network") == 2, "the old one is in force, and had to load nothing"

        house.configure("asr", backend="words", model="whisper-tiny.en")
        await house.service.reload()
        assert first is not None and pid() is None and not psutil.pid_exists(first)

    house.live(script)


def test_a_recognisers_process_that_hangs_costs_no_network_that_is_loaded_here(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fates = Fates(tmp_path / "fates", monkeypatch)
    fates.hearing("spin")
    house.with_doubles()
    house.configure("asr", backend="fated", timeout_s=300.0)
    loaded: list[Loudness] = []

    def load() -> Loudness:
        loaded.append(Loudness())
        return loaded[-1]

    monkeypatch.setattr(Loudness, "create", lambda config, models: KEPT.get("voice activity", "here", load))

    async def script() -> None:
        HangableLoop.current.hang("recogniser")
        house.living.room.say(anyio.current_time() + 1.0)
        await anyio.sleep(5.0)
        wait_until_asked(fates)
        house.configure("wake", phrases=["computer"])
        await house.service.reload()
        assert fates.count("load") == 2, "it is killed, and another is there"
        assert len(loaded) == 1

    house.live(script, HangableLoop)


def wait_until_asked(fates: Fates) -> None:
    """In the time of its process, not in that of the loop."""
    while not fates.count("hear"):
        time.sleep(0.01)


@pytest.mark.models
def test_no_network_is_loaded_twice_and_no_camera_opened_twice(
    house: House, loaded: Counter[str], model_store: ModelStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_store.path("whisper-tiny.en")
    monkeypatch.setattr(asr, "IN_THIS_PROCESS", {"whisper"})  # where it can be counted
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
