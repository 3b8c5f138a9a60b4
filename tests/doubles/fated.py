"""Recognisers and a writer for processes of their own, whose fate the test decides: they die, hang, or work."""

from __future__ import annotations

import os
import signal
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from assistant.caption.grounded import GroundedCaptioner
from assistant.caption.neural import NeuralCaptioner
from assistant.caption.process import WriterProcess
from assistant.config import Config
from assistant.errors import ModelError
from assistant.events import AudioArray, ImageArray
from assistant.kept import KEPT
from assistant.models.store import ModelStore
from assistant.ports import Recognition
from tests.doubles.busy import keep_busy

VARIABLE = "TEST_FATES"
"""Environment variable with the folder of the fates."""
HEARD = "Hey Jarvis, what time is it?"


class Fates:
    """What becomes of the next loadings, recognitions and pictures, process after process: the name of a signal that
    ends it, "hang", "spin" (it hangs and keeps the processor busy), "raise", or "works"; beyond the last, all works.
    While they are `broken`, every recognition raises, of silence too."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        folder.mkdir()
        patch.setenv(VARIABLE, str(folder))
        self._folder = folder

    def loading(self, *fates: str) -> None:
        (self._folder / "load").write_text("\n".join(fates))

    def hearing(self, *fates: str) -> None:
        (self._folder / "hear").write_text("\n".join(fates))

    def broken(self, now: bool) -> None:
        if now:
            (self._folder / "broken").touch()
        else:
            (self._folder / "broken").unlink()

    def writing(self, *fates: str) -> None:
        (self._folder / "write").write_text("\n".join(fates))

    def count(self, what: str) -> int:
        """How often it was begun to "load", to load a "network", to "hear", or to "write"."""
        log = self._folder / f"{what}.log"
        return log.stat().st_size if log.exists() else 0


def _meet(what: str) -> None:
    folder = Path(os.environ[VARIABLE])
    with (folder / f"{what}.log").open("a") as log:
        log.write(".")
    file = folder / what
    fates = file.read_text().split() if file.exists() else []
    if not fates:
        return
    file.write_text("\n".join(fates[1:]))
    if fates[0] == "hang":
        time.sleep(3600)
    elif fates[0] == "spin":
        keep_busy()
    elif fates[0] == "missing":
        raise ModelError("The model is gone.", remedy="Pull it.")
    elif fates[0] == "raise":
        raise RuntimeError("the network broke")
    elif fates[0] != "works":
        os.kill(os.getpid(), signal.Signals[fates[0]])


class Fated:
    """Hears the same in every utterance, if it lives."""

    languages = frozenset({"en"})
    streams_partials = False

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> Fated:
        _meet("load")
        KEPT.get("recogniser", config.asr.model, lambda: _meet("network"))
        return cls()

    def open(self, language: str | None) -> FatedStream:
        return FatedStream()

    def close(self) -> None:
        """Nothing to free."""


class FatedStream:
    """Hears nothing in silence, which is no part of its fate."""

    silence = False

    def accept(self, samples: AudioArray) -> str | None:
        self.silence = not samples.any()
        return None

    def result(self, *, over_reply: bool = False) -> Recognition:
        if (Path(os.environ[VARIABLE]) / "broken").exists():
            raise RuntimeError("the network broke")
        if self.silence:
            return Recognition("", "en", 0.0)
        _meet("hear")
        return Recognition(HEARD, "en", 0.9)


class Counting(Fated):
    """Hears how many samples it was given, in how many parts."""

    def open(self, language: str | None) -> CountingStream:
        return CountingStream()


class CountingStream(FatedStream):
    def __init__(self) -> None:
        self.parts: list[int] = []

    def accept(self, samples: AudioArray) -> str | None:
        self.parts.append(samples.size)
        return str(sum(self.parts))

    def result(self, *, over_reply: bool = False) -> Recognition:
        _meet("hear")
        return Recognition(f"{sum(self.parts)} in {len(self.parts)}", "en", 0.9)


class Streaming(Counting):
    """The same while the person still speaks."""

    streams_partials = True


class Crowded(Fated):
    """Hears how many utterances its process has not let go of."""

    def open(self, language: str | None) -> CrowdedStream:
        return CrowdedStream()


class CrowdedStream(FatedStream):
    kept: ClassVar[weakref.WeakSet[CrowdedStream]] = weakref.WeakSet()

    def __init__(self) -> None:
        self.kept.add(self)

    def result(self, *, over_reply: bool = False) -> Recognition:
        return Recognition(f"{len(self.kept)} utterances", "en", 0.9)


class FatedWriter:
    """Writes the same about every picture, and how large it is."""

    @classmethod
    def create(cls, config: Config) -> FatedWriter:
        _meet("load")
        return cls()

    def write(self, pixels: ImageArray) -> str:
        _meet("write")
        height, width, _ = pixels.shape
        return f"a dog in the snow {width} by {height}"


class FatedCaptioner:
    """A neural captioner with that writer in a process of its own."""

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> NeuralCaptioner:
        writer = WriterProcess(config, writer=f"{__name__}:FatedWriter")
        grounded = GroundedCaptioner.create(config, models)
        return NeuralCaptioner(writer, grounded, min_confidence=0.1, max_age_s=10.0)


__all__: Sequence[str] = ("HEARD", "Counting", "Crowded", "Fated", "FatedCaptioner", "Fates", "Streaming")
