"""Voices that behave in every way that a speech library can. The speech process of a test loads them by name."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from assistant.errors import ModelMissingError, StageError
from assistant.events import AudioArray
from assistant.han import HAN
from assistant.ports import SpeakingStyle
from tests.doubles.busy import keep_busy
from tests.doubles.speech_like import speech_like

RATE_HZ = 24_000
LOG_VARIABLE = "TEST_VOICE_LOG"
"""Environment variable with the file in which `Endless` counts its blocks."""


def tone(hertz: float, seconds: float = 0.1) -> AudioArray:
    """A sine at half of full scale."""
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE_HZ)) / RATE_HZ)).astype(np.float32)


class Tone:
    """Works: one block of 440 Hz a word."""

    sample_rate_hz = RATE_HZ
    languages = frozenset({"en", "zh"})
    hertz = 440.0

    @classmethod
    def create(cls, config: object, models: object) -> Tone:
        return cls()

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        for number, _ in enumerate(sentence.split()):
            self.before(number)
            yield tone(self.hertz)

    def before(self, number: int) -> None:
        """What happens before block `number`."""


class HighTone(Tone):
    """The fallback: 880 Hz."""

    hertz = 880.0


class Articulate(Tone):
    """Sounds like speech: a third of a second an English word, or a Chinese character."""

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        words = len(HAN.findall(sentence)) or len(sentence.split())
        yield speech_like(level=0.15, seconds=words / 3, sample_rate_hz=RATE_HZ)


class Hanging(Tone):
    """Hangs in the second block."""

    def before(self, number: int) -> None:
        if number:
            time.sleep(3600)


class Spinning(Tone):
    """Hangs in the second block, and keeps the processor busy."""

    def before(self, number: int) -> None:
        if number:
            keep_busy()


class Segfaulting(Tone):
    """Crashes in the second block."""

    def before(self, number: int) -> None:
        if number:
            os.kill(os.getpid(), signal.SIGSEGV)


class CrashingOnce(Tone):
    """Crashes in the first process, works in the next; the log file remembers."""

    def before(self, number: int) -> None:
        log = Path(os.environ[LOG_VARIABLE])
        if not log.exists():
            log.touch()
            os.kill(os.getpid(), signal.SIGKILL)


class Chatty(Tone):
    """Prints whatever it can to standard output, like a library and like a program that it starts."""

    def before(self, number: int) -> None:
        print("Loading model …", flush=True)
        os.write(1, b"\xff\xff\xff\xff garbage")
        subprocess.run(["echo", "more garbage"], check=True)


class Garbling(Tone):
    """Finds the pipe to the assistant and writes garbage into it."""

    def before(self, number: int) -> None:
        for descriptor in range(3, 20):
            try:
                os.write(descriptor, b"\xff" * 16)
            except OSError:
                continue


class Refusing(Tone):
    """Raises an error of ours."""

    def before(self, number: int) -> None:
        raise StageError("This voice has a cold.", remedy="Give it tea.")


class Buggy(Tone):
    """Raises an error of its own."""

    def before(self, number: int) -> None:
        raise KeyError("phoneme")


class Endless(Tone):
    """Never stops by itself; writes a byte to the log file a block."""

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        with Path(os.environ[LOG_VARIABLE]).open("ab", buffering=0) as log:
            while True:
                log.write(b".")
                yield tone(self.hertz)
                time.sleep(0.01)


class Indisposed(Tone):
    """Raises an error of ours while the file exists that the environment names."""

    def before(self, number: int) -> None:
        if Path(os.environ[LOG_VARIABLE]).exists():
            raise StageError("This voice is not well.")


class Dying(Tone):
    """Crashes while that file exists."""

    def before(self, number: int) -> None:
        if Path(os.environ[LOG_VARIABLE]).exists():
            os.kill(os.getpid(), signal.SIGSEGV)


class Unloadable(Tone):
    """Cannot be loaded while that file exists."""

    @classmethod
    def create(cls, config: object, models: object) -> Unloadable:
        if Path(os.environ[LOG_VARIABLE]).exists():
            raise ModelMissingError("This voice has no network.")
        return cls()


class Noted(Tone):
    """Notes in that file that it was loaded, a byte a time."""

    @classmethod
    def create(cls, config: object, models: object) -> Noted:
        with Path(os.environ[LOG_VARIABLE]).open("a") as log:
            log.write(".")
        return cls()


class Moody(Indisposed):
    """The same, unless it is tried."""

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        voice = Tone() if sentence == "One two three." else super()
        yield from voice.synthesize(sentence, language, style)


class Shy(Indisposed):
    """The same, but it hangs when it is tried, and then a file exists that is called as that one, but ".tried"."""

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        if sentence == "One two three.":
            Path(os.environ[LOG_VARIABLE]).with_suffix(".tried").touch()
            time.sleep(3600)
        yield from super().synthesize(sentence, language, style)


class Leaving(Tone):
    """Crashes while a program that it has started goes on, whose number the log file holds."""

    def before(self, number: int) -> None:
        program = subprocess.Popen(["sleep", "3600"])
        Path(os.environ[LOG_VARIABLE]).write_text(str(program.pid))
        os.kill(os.getpid(), signal.SIGSEGV)


class Stuck(Tone):
    """Hangs while that file exists, and for ever if it did once."""

    def before(self, number: int) -> None:
        if Path(os.environ[LOG_VARIABLE]).exists():
            time.sleep(3600)


class Ruined(Tone):
    """Fails for ever in a process in which it spoke while that file existed."""

    ruined = False

    def before(self, number: int) -> None:
        self.ruined |= Path(os.environ[LOG_VARIABLE]).exists()
        if self.ruined:
            raise KeyError("context")


class Slow(Tone):
    """So slow that beginnings are worth rehearsing: a tenth of a second of tone a character, with silence around it, a
    block a clause. The log file has what it was asked for, a clause a line."""

    model = "slow"
    takes = 0.0
    """Seconds, for a first block."""

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        for clause in re.findall("[^，。]+[，。]?", sentence):
            with Path(os.environ[LOG_VARIABLE]).open("a", encoding="utf-8") as log:
                log.write(f"{clause}\n")
            silence = np.zeros(RATE_HZ // 2, np.float32)
            yield np.concatenate([silence, tone(self.hertz, 0.1 * len(clause.rstrip("，。"))), silence])

    def fingerprint(self, text: str, language: str) -> str:
        return f"{self.model} {text}"

    def unfinished(self, text: str, language: str, rate: float) -> AudioArray:
        return next(self.synthesize(f"{text}，", language, SpeakingStyle(rate)))

    def takes_s(self, sentence: str, language: str) -> float:
        return self.takes


class Held(Slow):
    """Makes nothing while a file exists that is called as the log file, but ".held"."""

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        blocks = list(super().synthesize(sentence, language, style))
        while Path(os.environ[LOG_VARIABLE]).with_suffix(".held").exists():
            time.sleep(0.01)
        yield from blocks


class Unrehearsed(Slow):
    """Cannot make a beginning that is no clause."""

    def unfinished(self, text: str, language: str, rate: float) -> AudioArray:
        raise StageError("This voice does not stop there.")


VOICES: Sequence[type[Tone]] = (
    *(Tone, HighTone, Articulate, Hanging, Spinning, Segfaulting, CrashingOnce, Chatty, Garbling, Refusing, Buggy),
    *(Endless, Indisposed, Dying, Unloadable, Noted, Moody, Shy, Leaving, Stuck, Ruined, Slow),
    *(Held, Unrehearsed),
)
