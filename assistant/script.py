"""A scripted conversation: what is said and shown, step by step. `docs/scripts.md` has an example."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pydantic import Field, ValidationError

from assistant.config import Seconds, Section
from assistant.errors import ConfigError
from assistant.tomlfile import read_toml

HUMAN = "human"
"""The voice of a recording that nobody synthesised."""


class Step(Section):
    """One thing that happens. The next step waits until the assistant has answered."""

    picture: Path | None = None
    """Picture that the camera sees from now on."""
    audio: Path | None = None
    """Recording that is played into the microphone."""
    text: str = ""
    """What the recording says, for the report."""
    voice: str = ""
    """Whose voice it is, for the report: "human", or the synthesiser's name."""
    before_s: Seconds = 1.0
    """Silence before the recording."""
    after_s: Seconds = 0.0
    """Silence after the assistant has answered."""


class TimedPicture(Section):
    """What the camera sees from a moment on."""

    at_s: Seconds
    """Seconds since the camera was opened, which is at the beginning."""
    file: Path
    """The picture."""


class Script(Section):
    """A conversation."""

    title: str = "Replay"
    starts_at: datetime = datetime(2026, 1, 1, 9, 0)
    """The date and time that the assistant believes it is, at the speed "max"; in realtime it is the machine's."""
    steps: tuple[Step, ...] = Field(alias="step", min_length=1)
    pictures: tuple[TimedPicture, ...] = Field(alias="picture", default=())
    """Until the first picture of a step."""


def script_of(recordings: list[Path]) -> Script:
    """One step a recording, in their order."""
    return Script(step=tuple(Step(audio=path) for path in recordings))


def load_script(path: Path) -> Script:
    """Read a script; paths in it are relative to it. Raises `ConfigError` naming the file and the key."""
    try:
        script = Script.model_validate(read_toml(path))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path}: '{key}': {first['msg']}.", remedy="docs/scripts.md shows every key.") from error
    pictures = tuple(picture.model_copy(update={"file": path.parent / picture.file}) for picture in script.pictures)
    steps = tuple(_relative_to(path.parent, step) for step in script.steps)
    return script.model_copy(update={"steps": steps, "pictures": pictures})


def _relative_to(folder: Path, step: Step) -> Step:
    named = {"picture": step.picture, "audio": step.audio}
    return step.model_copy(update={key: folder / value for key, value in named.items() if value is not None})
