"""`assistant doctor` about the configuration that it is given, and commands on a terminal that knows ASCII only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assistant.config import AsrConfig, Config
from assistant.emotion import CHANNELS
from assistant.errors import AssistantError, ModelMissingError
from assistant.models.store import ModelStore
from assistant.models.used import MODELS_OF, used_models
from assistant.registry import resolve
from assistant.tts import SYNTHESIZERS
from assistant.vad import DETECTORS as VADS
from assistant.vision import DETECTORS, FACE_DETECTORS, TAGGERS
from assistant.wake import FIRST_STAGES
from tests.doubles.command import assistant

ASCII = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}


def examined(tmp_path: Path, configuration: str) -> dict[str, dict[str, Any]]:
    """The checks by name, on a machine without any model."""
    file = tmp_path / "assistant.toml"
    file.write_text(f'models.dir = "{tmp_path / "store"}"\n{configuration}', encoding="utf-8")
    result = assistant("doctor", "--json", "--config", file)
    assert result.stderr == ""
    return {check["name"]: check for check in json.loads(result.stdout)}


def test_the_models_of_the_configuration_are_needed_and_the_rest_is_a_hint(tmp_path: Path) -> None:
    checks = examined(
        tmp_path,
        'asr.backend = "vosk"\nasr.model = "vosk-en"\nasr.language = "en"\nvision.camera = "none"\ntts.en = "piper"',
    )
    needed = {name for name, check in checks.items() if name.startswith("model ") and check["needed"]}
    assert needed == {"model vosk-en", "model piper-joe", "model silero-vad"}
    assert not checks["model vosk-en"]["ok"]
    assert checks["model vosk-en"]["remedy"] == "Run: assistant models pull vosk-en"
    assert not checks["model whisper-base"]["needed"]
    assert "does not use" in checks["model whisper-base"]["found"]


def test_a_model_that_does_not_exist_is_named(tmp_path: Path) -> None:
    check = examined(tmp_path, 'asr.model = "whisper-huge"')["model whisper-huge"]
    assert (check["ok"], check["needed"]) == (False, True)
    assert "whisper-huge" in check["found"]


def test_no_remedy_is_one_that_run_refuses(tmp_path: Path) -> None:
    assert 'audio.input = "none"' not in examined(tmp_path, "")["microphone"]["remedy"]
    silent = examined(tmp_path, 'audio.input = "none"')["microphone"]
    assert not silent["ok"]
    assert 'audio.input = "default"' in silent["remedy"]


@pytest.mark.parametrize(
    ("registry", "name"),
    [
        (registry, name)
        for registry in (VADS, FIRST_STAGES, DETECTORS, FACE_DETECTORS, TAGGERS, CHANNELS, SYNTHESIZERS)
        for name in registry
    ],
)
def test_every_backend_asks_for_the_models_that_it_is_said_to(
    registry: dict[str, str], name: str, tmp_path: Path
) -> None:
    try:
        resolve(registry, name, kind="backend").create(Config(), ModelStore(tmp_path))
    except ModelMissingError as error:
        assert any(model in error.message for model in MODELS_OF[name])
    except AssistantError:
        pass  # a program that this machine lacks
    else:
        assert all(ModelStore(tmp_path).installed(model) for model in MODELS_OF.get(name, ()))


def test_the_recognisers_model_is_the_configured_one() -> None:
    assert used_models(Config(asr=AsrConfig(model="whisper-tiny.en")))[0] == "whisper-tiny.en"


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["doctor"], ["models", "list"], ["devices"]])
def test_a_terminal_without_chinese_or_a_tick_is_survived(arguments: list[str]) -> None:
    result = assistant(*arguments, env=ASCII)
    assert "Traceback" not in result.stderr
    assert result.stdout.isascii() and result.stdout
    if arguments == ["doctor"]:
        assert "ok Python" in result.stdout
