"""People who speak of other things, by language: a wake phrase that is heard there was never said."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from assistant.audio.files import read_audio, resample
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from bench.speech_sets import SAMPLE_RATE_HZ

_ENTRY = struct.Struct(">12sxII")
"""Of the game's table of contents: file name, bundle, offset and size in bytes."""


@dataclass(frozen=True, slots=True)
class People:
    """Recordings that a model of the store holds."""

    model: str
    language: str
    """BCP 47 primary tag."""
    recordings: Callable[[Path], Iterator[AudioArray]]
    """Of the model's folder: float32 (n,) at 16 kHz, one recording each."""


def prompts(folder: Path) -> Iterator[AudioArray]:
    """The prompts, digits and letters of a telephone exchange, without its recordings of silence and an empty one."""
    for path in sorted(folder.rglob("*.wav")):
        if path.parent.name != "silence" and soundfile.info(path).frames:
            yield read_audio(path)


def call(folder: Path) -> Iterator[AudioArray]:
    """A telephone call of two."""
    yield read_audio(folder / "sample.wav")


def syllables(folder: Path) -> Iterator[AudioArray]:
    """Each for itself."""
    for path in sorted(folder.rglob("*.ogg")):
        yield read_audio(path)


def dialogues(folder: Path) -> Iterator[AudioArray]:
    """The lines of a game, in the order of its archive.

    Its format is that of ScummVM: https://github.com/scummvm/scummvm/blob/master/engines/queen/resource.cpp
    """
    with (folder / "queen.1c").open("rb") as file:
        file.seek(13)  # its name, version and compression
        [count] = struct.unpack(">H", file.read(2))
        entries = list(_ENTRY.iter_unpack(file.read(count * _ENTRY.size)))
        for name, offset, size in entries:
            if name.rstrip(b"\0").endswith(b".SB"):
                file.seek(offset)
                yield _decoded(file.read(size))


def _decoded(content: bytes) -> AudioArray:
    samples, rate_hz = soundfile.read(io.BytesIO(content), dtype="float32")
    return np.clip(resample(samples, rate_hz, SAMPLE_RATE_HZ), -1.0, 1.0)


PEOPLE = (
    People("sample-telephone-en", "en", prompts),
    People("sample-speech-en", "en", call),
    People("sample-game-en", "en", dialogues),
    People("sample-syllables-zh", "zh", syllables),
    People("sample-telephone-es", "es", prompts),
    People("sample-telephone-fr", "fr", prompts),
    People("sample-telephone-it", "it", prompts),
    People("sample-telephone-ru", "ru", prompts),
)


def present(models: ModelStore) -> tuple[list[People], list[str]]:
    """Those whose recordings are installed, and the models of the others."""
    installed = [people for people in PEOPLE if models.installed(people.model)]
    return installed, [people.model for people in PEOPLE if people not in installed]
