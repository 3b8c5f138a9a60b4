"""What takes a machine of its own or the network runs only when it is asked for: `make test-system`.

One machine, one story: the modules named test_service… and test_uninstall, and what stands in them, run in order.
"""

from __future__ import annotations

import os
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from assistant.asr import RECOGNIZERS
from assistant.config import Config
from assistant.models.store import ModelStore
from assistant.registry import resolve
from tests.system.machine import Machine
from tests.system.service import INSTALL, RATE_HZ

WANTED = os.environ.get("SYSTEM_TESTS") == "1"
_LONGEST_S = 5400
"""For the first test, which makes the machine, waits its turn for it and installs on it."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        slow = item.get_closest_marker("system") or item.get_closest_marker("network")
        if slow is not None:
            item.add_marker(pytest.mark.timeout(_LONGEST_S))
        if slow is not None and not WANTED:
            item.add_marker(pytest.mark.skip(reason="run it with: make test-system"))


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    with Machine() as booted:
        yield booted


@pytest.fixture(scope="session")
def installed(machine: Machine) -> Machine:
    said = machine.run(INSTALL, timeout_s=900).stdout
    assert "hey jarvis" in said, said
    proof = "/opt/edge-assistant/current/systemd/proof.toml"
    question = f"assistant say 'Hey Jarvis, what time is it?' --language en --out /srv/question.wav --config {proof}"
    machine.run(f"XDG_CACHE_HOME=/srv/cache {question}")  # what is kept here is not what an owner's removal leaves
    return machine


@pytest.fixture(scope="session")
def understood(model_store: ModelStore) -> Iterator[Callable[[Path], str]]:
    """What a listener would have understood of a recording."""
    recognizer = resolve(RECOGNIZERS, "whisper", kind="recogniser").create(Config(), model_store)

    def recognize(path: Path) -> str:
        with wave.open(str(path)) as recording:
            samples = np.frombuffer(recording.readframes(recording.getnframes()), "<i2").astype(np.float32) / 32768
        loud = np.flatnonzero(np.abs(samples) > 0.02)
        assert loud.size, "nothing was heard from the speaker"
        stream = recognizer.open("en")
        stream.accept(samples[max(0, loud[0] - RATE_HZ // 4) : loud[-1] + RATE_HZ // 4])
        text: str = stream.result().text
        return text

    yield recognize
    recognizer.close()
