"""What the echo guard is made of."""

from __future__ import annotations

import numpy as np
import pytest

from assistant.audio import FRAME_SAMPLES
from assistant.audio.echo_bands import BANDS, LOOK_AHEAD, Bands
from assistant.audio.echo_beginning import most_of
from assistant.audio.echo_delay import find_delay
from assistant.audio.echo_delays import Delays
from assistant.audio.echo_filter import BLOCK, LENGTH, EchoPath
from assistant.audio.echo_reference import MAX_SAMPLES, PlayedChunk, PlayedReference
from assistant.events import AudioArray
from tests.doubles.rooms import Room, convolved
from tests.doubles.speech_like import speech_like


def white(count: int, seed: int = 0) -> AudioArray:
    return np.random.default_rng(seed).normal(0.0, 0.1, count).astype(np.float32)


def chunk(first: int, count: int) -> PlayedChunk:
    return PlayedChunk(np.ones(count, np.float32), first, first, 0.0)


def test_a_delay_is_found_in_a_reverberant_room() -> None:
    played = white(24_000)
    heard = convolved(played, Room(rt60_s=0.5, direct_db=0.0).impulse_response())[4321:12_321] + white(8000, seed=1)
    raw, _ = find_delay(heard, played, np.zeros(LENGTH, np.float32))
    assert raw.offset == pytest.approx(4321, abs=1)
    assert raw.clarity > 9.0


def test_a_sound_that_is_not_there_is_not_found() -> None:
    raw, _ = find_delay(white(8000, seed=1), white(24_000), np.zeros(LENGTH, np.float32))
    assert raw.clarity < 7.0


@pytest.mark.parametrize("band_hz", ((250.0, 5000.0), (5500.0, 6500.0)))
@pytest.mark.parametrize("late", (3000.0, 3000.5, 3001.3))
def test_an_echo_is_explained_however_late_it_comes(late: float, band_hz: tuple[float, float]) -> None:
    """At 6 kHz a period has less than three samples: between two of them, the best whole place is a period off."""
    played, response = band_limited(20_000, band_hz), Room(rt60_s=0.15).impulse_response()[:LENGTH]
    response = np.pad(response, (0, LENGTH - len(response)))
    spectrum = np.fft.rfft(convolved(played, response), 2 * len(played))
    spectrum *= np.exp(-2j * np.pi * late * np.arange(len(spectrum)) / (2 * len(played)))
    heard = 2.0 * np.fft.irfft(spectrum)[9000:10_024].astype(np.float32)
    assert _left_db(heard, heard - most_of(heard, played, response)) < -15.0
    someone = band_limited(1024, band_hz, seed=1)
    assert _left_db(someone, someone - most_of(someone, played, response)) > -3.0


def band_limited(count: int, band_hz: tuple[float, float], seed: int = 0) -> AudioArray:
    spectrum, frequency_hz = np.fft.rfft(white(count, seed)), np.fft.rfftfreq(count, 1 / 16_000)
    spectrum[(frequency_hz < band_hz[0]) | (frequency_hz > band_hz[1])] = 0.0
    return np.fft.irfft(spectrum, count).astype(np.float32)


def test_the_learned_response_tells_where_it_fits() -> None:
    path, played = EchoPath(), white(32_000)
    heard = convolved(played, Room(rt60_s=0.15).impulse_response())
    _learn(path, played, heard)
    path.shift(100)
    _, fit = find_delay(heard[10_000:18_000], played, path.response())
    assert fit.offset == pytest.approx(10_000 + 100, abs=1)


def test_the_path_is_learned_and_survives_other_speech() -> None:
    path, played = EchoPath(), white(64_000)
    heard = convolved(played, Room(rt60_s=0.15, delay_s=0.0).impulse_response())
    assert _left_db(heard, _learn(path, played, heard)) < -15.0
    someone = white(16_000, seed=3)
    _learn(path, played[:16_000], heard[:16_000] + someone)
    assert _left_db(heard, _learn(path, played, heard)) < -15.0


@pytest.mark.parametrize("energy_db", (-30.0, -15.0, 0.0, 15.0))
def test_a_reverberant_path_of_any_loudness_is_learned_soon(energy_db: float) -> None:
    path, gain = EchoPath(), np.float32(10 ** (energy_db / 20))
    played = np.asarray(speech_like(seconds=1.0))
    heard = gain * convolved(played, Room(rt60_s=0.4, direct_db=0.0).impulse_response())
    heard += white(len(heard)) * np.float32(0.003)
    path.expect(float(np.dot(heard, heard) / np.dot(played, played)))
    assert _left_db(heard[:8000], _learn(path, played[:8000], heard[:8000])) < -3.0, "in the first half second"


@pytest.mark.parametrize("delay_frames", (0, 6, 13))
def test_an_echo_is_explained_at_any_delay_and_someone_else_at_none(delay_frames: int) -> None:
    delays, played, someone = Delays(), syllables(100, seed=1), syllables(100, seed=2)
    ahead = LOOK_AHEAD // FRAME_SAMPLES
    unexplained_db = []
    for number in range(100):
        delays.play(played[number])
        source = number - ahead - delay_frames
        heard = np.full(BANDS, 1e-8, np.float32)
        heard += 0.01 * played[source] if source >= 0 else 0.0
        heard += someone[number] if number >= 60 else 0.0
        unexplained_db.append(delays.unexplained_db(heard, np.full(BANDS, -70.0, np.float32)))
    assert max(unexplained_db[:60]) < 1.0
    assert max(unexplained_db[60:70]) > 3.0


def test_speech_over_the_very_beginning_is_not_taken_for_echo_for_long() -> None:
    delays, played, someone = Delays(), syllables(50, seed=1), syllables(50, seed=2)
    unexplained_db = []
    for number in range(50):
        delays.play(played[number])
        heard = np.full(BANDS, 1e-8, np.float32) + (0.0 if 25 <= number < 45 else someone[number])
        unexplained_db.append(delays.unexplained_db(heard, np.full(BANDS, -70.0, np.float32)))
    assert max(unexplained_db[45:50]) > 3.0


def test_the_reference_is_silent_where_nothing_plays() -> None:
    reference = PlayedReference()
    reference.add(chunk(100, 50))
    reference.add(chunk(200, 50))
    view = reference.view(50, 300)
    assert np.flatnonzero(view).tolist() == [*range(50, 100), *range(150, 200)]


def test_a_cut_and_age_shorten_the_reference() -> None:
    reference = PlayedReference()
    reference.add(chunk(0, 1000))
    reference.cut(400)
    assert reference.end == 400
    reference.forget(500)
    assert reference.end is None


def test_the_reference_is_bounded() -> None:
    reference = PlayedReference()
    reference.add(chunk(0, 2 * MAX_SAMPLES))
    assert np.count_nonzero(reference.view(0, 2 * MAX_SAMPLES)) == MAX_SAMPLES


def syllables(count: int, seed: int) -> Bands:
    """Powers of something like speech, (count, 18): each band has its own melody and its own pauses."""
    rng = np.random.default_rng(seed)
    level_db = np.repeat(rng.uniform(-20.0, 0.0, (count // 5 + 1, BANDS)), 5, axis=0)[:count]
    return (10.0 ** (level_db / 10.0)).astype(np.float32)


def _learn(path: EchoPath, played: AudioArray, heard: AudioArray) -> AudioArray:
    """What is left of the last second's worth of blocks."""
    left = []
    for first in range(0, len(played) - 2 * BLOCK + 1, BLOCK):
        error = heard[first + BLOCK : first + 2 * BLOCK] - path.predict(played[first : first + 2 * BLOCK])
        path.adapt(error)
        left.append(error)
    return np.concatenate(left[-20:])


def _left_db(heard: AudioArray, left: AudioArray) -> float:
    return float(10 * np.log10(np.mean(left**2) / np.mean(heard[-len(left) :] ** 2)))
