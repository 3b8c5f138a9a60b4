"""Topics for `assistant doctor` that behave as drivers do at their worst."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

from assistant.doctor.check import Check, Patient

FINE = Check("pulse", True, "72 a minute")


def healthy(patient: Patient) -> Iterator[Check]:
    yield FINE


def chatty(patient: Patient) -> Iterator[Check]:
    os.write(1, b"ALSA lib pcm.c: Unknown PCM\n")
    print("Expression 'ret' failed")
    yield FINE


def hanging(patient: Patient) -> Iterator[Check]:
    yield FINE
    time.sleep(600)


def crashing(patient: Patient) -> Iterator[Check]:
    yield FINE
    os.kill(os.getpid(), signal.SIGSEGV)


def raising(patient: Patient) -> Iterator[Check]:
    yield FINE
    raise RuntimeError("a driver of last century")


def told(patient: Patient) -> Iterator[Check]:
    """What it was given."""
    yield Check("config", True, f"{patient.config.audio.input} {patient.config_path} {patient.root}")


def surroundings(patient: Patient) -> Iterator[Check]:
    """Where what is remembered, what is cached and the sound devices are looked for."""
    names = ("STATE_DIRECTORY", "XDG_CACHE_HOME", "ALSA_CONFIG_PATH")
    yield Check("surroundings", True, " ".join(os.environ.get(name, "-") for name in names))
