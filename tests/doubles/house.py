"""A service whose assistants are real, on doubles of sound cards, a camera and external libraries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio
import pytest

from assistant.clock import LoopClock
from assistant.config import Config
from assistant.controls import LiveControls
from assistant.kept import KEPT
from assistant.ports import TurnObserver
from assistant.service.answers import Answers
from assistant.service.life import Lives
from assistant.service.service import Service
from assistant.settings import Settings
from assistant.telemetry.latency import LatencyStatistics
from tests.doubles.living import Living

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
        self.latency_file: Path | None = None
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
            latency = LatencyStatistics(self.latency_file)
            observers: list[TurnObserver] = [self.living.log, latency]
            self.lives = lives = Lives(LoopClock(), observers, latency)
            self.service = service = Service(self.settings(), self.settings, lives.live)
            self.answers = Answers(service, latency)
            observers.append(self.answers)
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(service.run)
                    await until_it_is(lambda: service.state == "running")
                    await script()
                    service.stop()
            finally:
                latency.save()
                await lives.close()

        with KEPT.keeping(), self.living.sound_library():
            anyio.run(main, backend_options={"loop_factory": loop} if loop else {})


async def until_it_is(condition: Callable[[], bool]) -> None:
    with anyio.fail_after(60.0):
        while not condition():  # noqa: ASYNC110 (nothing tells of it)
            await anyio.sleep(0.05)
