"""Speech of engines that are programs: text in, a WAV out."""

from __future__ import annotations

import io
import subprocess
import wave

import numpy as np

from assistant.errors import DependencyMissingError, StageError
from assistant.events import AudioArray


def output_of(command: list[str], text: str, *, timeout_s: float, package: str) -> bytes:
    """Run a speech program with `text` on its standard input and return what it printed.

    Raises `DependencyMissingError` naming `package` if the program is not there, `StageError` if it fails or hangs.
    """
    program = command[0]
    try:
        done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=timeout_s, check=True)
    except FileNotFoundError as error:
        raise DependencyMissingError(
            f"The program '{program}' is not installed.", remedy=f"Install it with: {package}"
        ) from error
    except subprocess.TimeoutExpired as error:
        raise StageError(f"'{program}' did not finish within {timeout_s:g} s and was stopped.") from error
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip() or "nothing"
        raise StageError(f"'{program}' failed with status {error.returncode} and said: {said}") from error
    return done.stdout


def samples_from_wav(data: bytes) -> tuple[AudioArray, int]:
    """Float32 samples (n,) and sample rate of a 16-bit mono WAV. Raises `StageError` if it is something else.

    The length in the header may be wrong: a program that writes to a pipe cannot know it in advance.
    """
    try:
        with wave.open(io.BytesIO(data)) as file:
            sample_rate_hz, width, channels = file.getframerate(), file.getsampwidth(), file.getnchannels()
            frames = file.readframes(len(data))
    except (wave.Error, EOFError) as error:
        raise StageError(f"The speech program's output is no WAV ({len(data)} bytes): {error}") from error
    if (width, channels) != (2, 1):
        raise StageError(
            f"The speech program's WAV should be 16-bit mono, it is {8 * width}-bit with {channels} channels."
        )
    return samples_from_pcm16(frames), sample_rate_hz


def samples_from_pcm16(data: bytes) -> AudioArray:
    """Float32 samples (n,) of raw 16-bit little-endian mono sound."""
    steps = np.frombuffer(data, "<i2", count=len(data) // 2)
    samples: AudioArray = np.divide(steps, np.float32(32768), dtype=np.float32)
    return samples
