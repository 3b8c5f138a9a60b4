"""What all voices share: no words, no sound; no silence before the first word; pitch, loudness, one sample rate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from assistant.audio.files import resample
from assistant.errors import StageError
from assistant.events import AudioArray
from assistant.ports import SpeakingStyle, Synthesizer
from assistant.tts import SAMPLE_RATE_HZ

_LEAD_S = 0.02
"""Silence left before the first sound: enough for the onset of an h or f, too short to be heard as waiting."""
_TAIL_S = 0.2
"""Silence left after the last sound: the pause before a next sentence."""
_PAUSE_S = 0.15
"""What is silent so long in the middle of speech is a pause; the closure of a plosive is shorter."""
_FADE_S = 0.005
_WINDOW_S = 0.005
_FLOOR = 10 ** (-42 / 20)
"""What is weaker than the loudest window by this factor is silence."""


def speech(voice: Synthesizer, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
    """A sentence as finished blocks: float32 (n,) mono in [-1, 1] at `SAMPLE_RATE_HZ`; none if it holds no word.

    Raises `StageError` when the voice does not speak the language, and whatever the voice raises. A higher
    pitch is a slower voice played faster, so that every voice can do it and the length stays.
    """
    if not has_words(sentence):
        return
    if language not in voice.languages:
        spoken = ", ".join(sorted(voice.languages))
        raise StageError(
            f"This voice does not speak '{language}', only: {spoken}.",
            remedy=f"Choose another voice for tts.{language}.",
        )
    plain = SpeakingStyle(rate=min(max(style.rate / style.pitch, 0.4), 2.5))
    for block in voice.synthesize(sentence, language, plain):
        finished = resample(np.nan_to_num(trimmed(block, voice.sample_rate_hz)), *_rates(voice, style))
        if len(finished):
            yield np.clip(_faded(finished) * np.float32(style.volume), -1.0, 1.0)


def has_words(text: str) -> bool:
    """Whether there is anything to say: a letter, a Chinese character or a digit."""
    return any(character.isalnum() for character in text)


def trimmed(samples: AudioArray, sample_rate_hz: int) -> AudioArray:
    """`samples` (n,) with at most 20 ms of silence before and 200 ms after; empty if all of it is silence."""
    window = _window(sample_rate_hz)
    loud = _loud(samples, window)
    if not len(loud):
        return samples[:0]
    start = int(loud[0]) * window - round(_LEAD_S * sample_rate_hz) + window
    end = (int(loud[-1]) + 1) * window + round(_TAIL_S * sample_rate_hz)
    return samples[max(0, start) : end]


def sounding_s(samples: AudioArray, sample_rate_hz: int) -> float:
    """Seconds of `samples` (n,) up to the end of the last sound in it; 0 if all of it is silence."""
    window = _window(sample_rate_hz)
    loud = _loud(samples, window)
    return (int(loud[-1]) + 1) * window / sample_rate_hz if len(loud) else 0.0


def until_pause(samples: AudioArray, sample_rate_hz: int, share: float) -> AudioArray | None:
    """`samples` (n,) up to the pause that is nearest to that share of them; None if there is no pause in them."""
    window = _window(sample_rate_hz)
    loud = _loud(samples, window)
    pauses = np.flatnonzero(np.diff(loud) * window >= _PAUSE_S * sample_rate_hz)
    if not len(pauses):
        return None
    nearest = pauses[np.argmin(np.abs(loud[pauses] + loud[pauses + 1] - 2 * share * len(samples) / window))]
    return samples[: (int(loud[nearest]) + 1) * window]


def _window(sample_rate_hz: int) -> int:
    return max(1, round(_WINDOW_S * sample_rate_hz))


def _loud(samples: AudioArray, window: int) -> npt.NDArray[np.intp]:
    """The numbers of the windows of so many samples that are no silence; the rest of a window does not count."""
    count = len(samples) // window
    if not count:
        return np.zeros(0, np.intp)
    level = np.sqrt(np.mean(np.square(samples[: count * window].reshape(count, window)), axis=1))
    return np.flatnonzero(level > max(float(level.max()) * _FLOOR, 1e-4))


def _rates(voice: Synthesizer, style: SpeakingStyle) -> tuple[int, int]:
    return round(voice.sample_rate_hz * style.pitch), SAMPLE_RATE_HZ


def _faded(samples: AudioArray) -> AudioArray:
    """A copy that begins and ends at zero, so that blocks join without a click."""
    faded = np.array(samples, dtype=np.float32)
    ramp = np.linspace(0.0, 1.0, min(len(faded) // 2, round(_FADE_S * SAMPLE_RATE_HZ)), dtype=np.float32)
    faded[: len(ramp)] *= ramp
    faded[len(faded) - len(ramp) :] *= ramp[::-1]
    return faded
