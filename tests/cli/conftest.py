"""What the tests of the command share: recordings, and a watch over what is left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assistant.models.store import ModelStore
from assistant.tts.render import render_speech
from tests.doubles.leaks import nothing_left_behind


@pytest.fixture(autouse=True)
def clean(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No process, thread or temporary file survives a test."""
    with nothing_left_behind(tmp_path_factory.mktemp("temporary")):
        yield


@pytest.fixture(scope="session")
def spoken(pytestconfig: pytest.Config, model_store: ModelStore) -> Callable[..., Path]:
    """A recording of a sentence in a voice that is not the assistant's; kept between runs."""
    folder = pytestconfig.cache.mkdir("speech")
    voices = {"en": "jm_kumo", "zh": "jf_tebukuro"}
    return lambda text, language="en": render_speech([(text, language, voices[language])], folder, model_store)[0]
