import numpy as np
import pytest
import soundfile

from assistant.audio.files import read_audio, write_wav
from assistant.errors import MediaError


def test_any_rate_width_and_channels_become_16_khz_mono(tmp_path):
    seconds = np.arange(8000) / 8000
    tone = 0.5 * np.sin(2 * np.pi * 440 * seconds)
    path = tmp_path / "stereo.wav"
    soundfile.write(path, np.stack([tone, tone], axis=1), 8000, subtype="PCM_24")
    samples = read_audio(path)
    assert samples.dtype == np.float32
    assert samples.shape == (16000,)
    spectrum = np.abs(np.fft.rfft(samples))
    assert spectrum.argmax() == 440


@pytest.mark.parametrize(
    ("content", "reason"),
    [(b"this is no sound", "is not a recording"), (b"", "is not a recording")],
)
def test_a_file_that_is_no_recording_is_named(tmp_path, content, reason):
    path = tmp_path / "noise.wav"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=rf"noise\.wav {reason}"):
        read_audio(path)


def test_a_missing_and_an_empty_recording_are_told_apart(tmp_path):
    with pytest.raises(MediaError, match="There is no recording"):
        read_audio(tmp_path / "nowhere.wav")
    write_wav(tmp_path / "empty.wav", np.zeros(0, np.float32), 16000)
    with pytest.raises(MediaError, match="holds no sound"):
        read_audio(tmp_path / "empty.wav")


def test_what_is_written_is_read_back(tmp_path):
    samples = np.linspace(-1, 1, 1600, dtype=np.float32)
    write_wav(tmp_path / "ramp.wav", samples, 16000)
    np.testing.assert_allclose(read_audio(tmp_path / "ramp.wav"), samples, atol=1 / 32000)
