"""`assistant demo`: a conversation that really happens, on a machine without microphone, speaker or camera."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import platformdirs
from rich.console import Console

from assistant.commands.replay import replay_script
from assistant.config import Config, ModelsConfig, TtsConfig
from assistant.errors import ConfigError
from assistant.models.rich_progress import RichProgress
from assistant.models.store import ModelStore
from assistant.replay import Speed
from assistant.script import Script, Step
from assistant.settings import load_config
from assistant.tts.render import render_speech


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    language: str = "en"
    picture: str | None = None
    """A file of the model `sample-pictures` that the camera sees from now on."""
    after_s: float = 0.0


_LINES = (
    _Line("Hey Jarvis, what do you see?", picture="astronaut.png"),
    _Line("How many people are there?"),
    _Line("How do I look?"),
    _Line("Set a timer for fifteen seconds."),
    _Line("Is there a cup?", picture="coffee.png"),
    _Line("你看到了什么？", "zh", after_s=6.0),
    _Line("What time is it?"),
    _Line("I am so happy today!"),
    _Line("What do you see now?", picture="chelsea.png"),
    _Line("Can you play the violin?"),
    _Line("Thank you, goodbye."),
)
_VOICES = {"en": "jm_kumo", "zh": "jf_tebukuro"}
"""Kokoro voices for the person, so that the assistant does not talk to itself."""


def run_demo(out: Path, speed: Speed) -> None:
    """Hold the conversation and write its report to `out`; the first time it pulls the sample pictures and the person's
    voice, and renders what the person says."""
    # With the defaults: it is called and understood as it is written. It goes back and forth between the languages, so
    # both voices are ready from the start.
    config = Config(models=ModelsConfig(dir=_models_folder()), tts=TtsConfig(preload=("en", "zh")))
    models = ModelStore(config.models.dir)
    for name in ("sample-pictures", "kokoro-zh"):
        if not models.installed(name):
            with RichProgress(Console()) as progress:
                models.pull(name, progress)
    speech = _person_speech(models)
    pictures = models.path("sample-pictures")
    script = Script(
        title="Edge Assistant: a conversation",
        step=tuple(
            Step(
                audio=recording,
                picture=pictures / line.picture if line.picture else None,
                text=line.text,
                voice=f"Kokoro {_VOICES[line.language]} (synthesised)",
                after_s=line.after_s,
            )
            for line, recording in zip(_LINES, speech, strict=True)
        ),
    )
    replay_script(config, script, None, out, speed)


def _models_folder() -> Path | None:
    """The user's; the default one where the configuration cannot be used."""
    try:
        return load_config().models.dir
    except ConfigError:
        return None


def _person_speech(models: ModelStore) -> list[Path]:
    """Recordings of the person's lines; rendered once, kept in the user's cache."""
    lines = [(line.text, line.language, _VOICES[line.language]) for line in _LINES]
    folder = platformdirs.user_cache_path("edge-assistant") / "speech"
    if not folder.is_dir():
        Console().print("Synthesising what the person says, with another voice than the assistant's …", style="dim")
    return render_speech(lines, folder, models)
