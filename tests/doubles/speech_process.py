"""The voices' process as its tests use it: with doubles for engines, on real time, and what it has said."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import threading
from collections.abc import Awaitable, Callable

import numpy as np
import psutil
import pytest

from assistant.config import Config, TtsConfig
from assistant.errors import StageError
from assistant.events import AudioArray
from assistant.ports import SpeakingStyle
from assistant.tts.process import SpeechProcess
from tests.doubles.command import wait_until
from tests.doubles.synthesizers import VOICES

REGISTRY = {voice.__name__: f"{voice.__module__}:{voice.__name__}" for voice in VOICES}
WAIT_S = 60.0
HANGS_S = 8.0
"""What a child that works takes for its first word on the slowest machine, and less than anybody waits for a test."""


def conversation(
    talk: Callable[[SpeechProcess], Awaitable[None]],
    engine: str,
    *,
    fallback: str = "HighTone",
    timeout_s: float = WAIT_S,
) -> list[StageError]:
    """Run `talk` with voices; returns the failures that were reported."""
    failures: list[StageError] = []
    before = psutil.Process().children()
    config = Config(tts=TtsConfig(en=engine, zh=engine, fallback=fallback, timeout_s=timeout_s))

    async def run() -> None:
        voices = SpeechProcess(config, registry=REGISTRY, on_failure=failures.append)
        await voices.start()
        try:
            await talk(voices)
        finally:
            await voices.close()
            await voices.close()
        assert psutil.Process().children() == before, "a child or its zombie is still there"

    asyncio.run(asyncio.wait_for(run(), 2 * WAIT_S))
    return failures


async def said(voices: SpeechProcess, text: str) -> AudioArray:
    blocks = [samples async for samples, rate_hz in voices.speak(text, "en", SpeakingStyle()) if rate_hz == 24_000]
    return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)


def hertz(samples: AudioArray) -> int:
    """Strongest frequency, to the next 10 Hz."""
    spectrum = np.abs(np.fft.rfft(samples))
    return int(round(int(spectrum.argmax()) * 24_000 / len(samples), -1))


def kill(voices: SpeechProcess) -> None:
    """Have its process ended, and return once it is."""
    assert voices.pid
    os.kill(voices.pid, signal.SIGKILL)
    wait_until(lambda: voices.pid is None, "The process has ended")


def whether_the_loop_turns(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each process whose end is waited for from now on, whether the event loop turns meanwhile."""
    turned: list[bool] = []
    loop, wait = asyncio.get_running_loop(), subprocess.Popen.wait

    def waits(process: subprocess.Popen[bytes], timeout: float | None = None) -> int:
        if timeout is not None:
            turns = threading.Event()
            loop.call_soon_threadsafe(turns.set)
            turned.append(turns.wait(10.0))
        return wait(process, timeout)

    monkeypatch.setattr(subprocess.Popen, "wait", waits)
    return turned
