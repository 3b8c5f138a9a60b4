"""A sound server of the tests' own, and what is spoken into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assistant.models.store import ModelStore
from assistant.tts.render import render_speech
from bench.virtual_sound import VirtualSound
from tests.doubles.leaks import nothing_left_behind


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of ours survives the module."""
    with nothing_left_behind(tmp_path_factory.mktemp("temporary")):
        yield


@pytest.fixture(scope="module")
def sound(clean: None) -> Iterator[VirtualSound]:
    """PulseAudio with a virtual microphone and speaker."""
    if missing := VirtualSound.missing():
        pytest.skip(f"Not installed: {', '.join(missing)}. Run: apt-get install pulseaudio pulseaudio-utils")
    with VirtualSound() as server:
        yield server


@pytest.fixture(scope="session")
def spoken(pytestconfig: pytest.Config, model_store: ModelStore) -> Callable[[str], Path]:
    """A recording of an English sentence in a voice that is not the assistant's; kept between runs."""
    folder = pytestconfig.cache.mkdir("speech")
    return lambda text: render_speech([(text, "en", "jm_kumo")], folder, model_store)[0]
