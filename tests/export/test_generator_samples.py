"""What networks that write text are calibrated and compared with."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import soundfile

from assistant.models.store import ModelStore
from export.generator.checkpoint import read_generator
from export.generator.recipes import Generator, generator_recipes
from export.generator.shapes import SoundInput
from export.generator.sounds import spectrogram
from export.recipe import Card, SampleTools
from export.reference import exact_network

GOLDEN = Path(__file__).parent / "golden" / "generators"


def write_sound(path: Path, seconds: float = 3.0) -> Path:
    times_s = np.arange(int(16_000 * seconds)) / 16_000
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 300 * (1 + times_s) * times_s), 16_000)
    return path


def test_a_spectrogram_is_that_of_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="the comparison needs it")
    path = write_sound(tmp_path / "sound.wav")
    found = spectrogram(path, SoundInput(mels=80, frames=3000), late=False)
    sound = soundfile.read(path, dtype="float32")[0]
    expected = transformers.WhisperFeatureExtractor()(sound, sampling_rate=16_000, return_tensors="np").input_features
    assert found.shape == expected.shape == (1, 80, 3000)
    np.testing.assert_allclose(found, expected, atol=2e-3)


def test_a_short_recording_is_filled_with_silence_and_its_second_half_is_for_validation(tmp_path: Path) -> None:
    path, shape = write_sound(tmp_path / "sound.wav", seconds=0.5), SoundInput(mels=80, frames=100)
    whole, half = spectrogram(path, shape, late=False), spectrogram(path, shape, late=True)
    assert whole.shape == half.shape == (1, 80, 100) and whole.dtype == np.float32
    assert np.ptp(whole[0, :, 60:]) < np.ptp(whole[0, :, :50])  # half a second is 50 frames
    assert not np.array_equal(whole, half)


def test_the_decoder_is_looked_at_while_it_writes(tmp_path: Path) -> None:
    checkpoint = read_generator(GOLDEN / "whisper")
    generator = Generator(
        name="tiny",
        file=Path(__file__),
        card=lambda _store: Card("tiny", "speech-recognition", "Apache-2.0", "this project", "random"),
        encoder=checkpoint.encoder,
        decoder=checkpoint.decoder,
        encoder_weights=checkpoint.encoder_weights,
        decoder_weights=checkpoint.decoder_weights,
        rules=checkpoint.rules,
    )
    encoder, decoder = generator_recipes(generator)
    assert decoder.card(ModelStore()).generation == checkpoint.rules.model_copy(update={"encoder": "tiny-encoder"})
    decoder.export([], tmp_path / "decoder.onnx")
    network = exact_network(tmp_path / "decoder.onnx")
    path = write_sound(tmp_path / "sound.wav", seconds=0.5)
    tools = SampleTools(ModelStore(), network)
    steps = list(decoder.samples(path, "calibration", tools))
    positions = [int(feeds["position"][0]) for feeds in steps]
    assert positions == sorted(set(positions)) and len(positions) == 4
    for feeds in steps:  # each remembers as much as was written before it, and no later step has changed it
        filled = np.abs(feeds["self_keys_0"]).sum(axis=(0, 2)) > 0
        assert filled.tolist() == [index < feeds["position"][0] for index in range(len(filled))]
        assert network(feeds)["logits"].shape == (1, checkpoint.decoder.vocabulary)
    (validation,) = itertools.islice(decoder.samples(path, "validation", tools), 2)
    assert not np.array_equal(validation["cross_keys_0"], steps[0]["cross_keys_0"])
    assert encoder.name == "tiny-encoder"
