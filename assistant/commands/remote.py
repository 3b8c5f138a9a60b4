"""What the running assistant is told by `assistant say`, `mute`, `unmute`, `listen-now`, `volume` and `reload`."""

from __future__ import annotations

from pathlib import Path

import typer

from assistant.commands.language import check_language
from assistant.control.client import ask
from assistant.control.protocol import (
    MAX_TEXT,
    Done,
    Listen,
    Mute,
    Reload,
    ReloadResult,
    Say,
    Status,
    StatusResult,
    Unmute,
    Volume,
)
from assistant.errors import ControlError, NotRunningError

_SAY_S = 300.0
"""As long as a long text takes, and whatever is being said before it."""
_RELOAD_S = 120.0
"""Networks may be loaded anew, twice if the first try fails."""


def say(text: str, language: str | None, config: Path | None) -> bool:
    """Have a text said; False if no assistant runs that could, or the text is too long to be said in between."""
    check_language(language)
    if not 0 < len(text) <= MAX_TEXT:
        return False
    try:
        ask(Say.model_validate({"text": text, "language": language}), Done, config, timeout_s=_SAY_S)
    except NotRunningError:
        return False
    return True


def mute(config: Path | None) -> None:
    """Close microphone and camera."""
    ask(Mute(), Done, config)
    typer.echo("Muted: microphone and camera are closed.")


def unmute(config: Path | None) -> None:
    """Open them again."""
    ask(Unmute(), Done, config)
    typer.echo("Microphone and camera are open again.")


def listen_now(config: Path | None) -> None:
    """Have it listen without a wake phrase."""
    ask(Listen(), Done, config)
    typer.echo("It listens: speak now.")


def show_volume(config: Path | None) -> None:
    """Show the loudness of the replies. Raises `ControlError` before it has started."""
    volume = ask(Status(), StatusResult, config).volume
    if volume is None:
        raise ControlError("The assistant is still starting.", remedy="Try again in a few seconds.")
    typer.echo(f"The volume is {volume:.0%}.")


def set_volume(percent: int, config: Path | None) -> None:
    """Set the loudness of the replies."""
    ask(Volume(volume=percent / 100), Done, config)
    typer.echo(f"The volume is {percent}%.")


def reload(config: Path | None) -> None:
    """Bring the configuration into force as it is now."""
    result = ask(Reload(), ReloadResult, config, timeout_s=_RELOAD_S)
    if not result.changed:
        typer.echo("The configuration is as it was.")
        return
    typer.echo(f"In force: {', '.join(result.changed)}.")
    if result.after_restart:
        typer.echo(f"Only after a restart of the assistant: {', '.join(result.after_restart)}.")
