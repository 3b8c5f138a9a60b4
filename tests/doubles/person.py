"""A person who speaks English and Chinese in voices that are not the assistant's."""

from __future__ import annotations

from pathlib import Path

import pytest
from filelock import FileLock

from assistant.models.store import ModelStore
from assistant.ports import Synthesizer
from assistant.tts.render import render_speech

_VOICES = {"en": "jm_kumo", "zh": "jf_tebukuro"}
_LOADED: dict[str, Synthesizer] = {}
"""Voices that a recording was made with, which takes less long than loading one."""


class Person:
    """Called with a sentence, gives a recording of it; recordings are kept between test runs where pytest keeps a
    cache."""

    def __init__(self, request: pytest.FixtureRequest) -> None:
        cache = getattr(request.config, "cache", None)
        factory: pytest.TempPathFactory = request.getfixturevalue("tmp_path_factory")
        self._folder: Path = cache.mkdir("speech") if cache else factory.mktemp("speech")
        self._models: ModelStore = request.getfixturevalue("model_store")

    def __call__(self, text: str, language: str = "en", voice: str = "") -> Path:
        with FileLock(self._folder / ".lock"):  # another worker of the suite may want the same sentence
            line = (text, language, voice or _VOICES[language])
            return render_speech([line], self._folder, self._models, voices=_LOADED)[0]
