"""Speech of people who are not the assistant."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile

from assistant.errors import ConfigError, ModelMissingError
from assistant.models.store import ModelStore
from assistant.tts.render import render_speech
from tests.doubles.synthesizers import Tone


@pytest.mark.models
def test_each_line_becomes_a_file_once(tmp_path: Path) -> None:
    models = ModelStore()
    if not models.installed("kokoro-zh"):
        pytest.skip("NOT tested: the model 'kokoro-zh' is not installed. Run: assistant models pull kokoro-zh")
    lines = [("How do I look?", "en", "jm_kumo"), ("你好。", "zh", "jf_tebukuro"), ("How do I look?", "en", "jm_kumo")]
    paths = render_speech(lines, tmp_path, models)
    assert paths[0] == paths[2] != paths[1]
    assert all(0.3 < soundfile.info(path).duration < 3 for path in paths)
    written_ns = [path.stat().st_mtime_ns for path in paths]
    assert render_speech(lines, tmp_path, models) == paths
    assert [path.stat().st_mtime_ns for path in paths] == written_ns
    with pytest.raises(ConfigError, match="jm_kumo"):
        render_speech([("Hello.", "en", "nobody")], tmp_path, models)


def test_a_voice_that_is_loaded_already_is_not_loaded_again(tmp_path: Path) -> None:
    [path] = render_speech(
        [("one two", "en", "tone")], tmp_path, ModelStore(tmp_path / "store"), voices={"tone": Tone()}
    )
    assert soundfile.info(path).duration > 0.0


def test_without_the_model_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(ModelMissingError, match="models pull kokoro-zh"):
        render_speech([("Hello.", "en", "jm_kumo")], tmp_path / "out", ModelStore(tmp_path / "store"))
    assert not (tmp_path / "out").exists()
