"""`assistant dump`: what the running assistant heard and saw lately, for who wants to hear and replay it."""

from __future__ import annotations

import os
import shlex
import shutil
import tempfile
from pathlib import Path

import typer

from assistant.control.client import ask
from assistant.control.protocol import Dump, DumpResult
from assistant.errors import ConfigError, ControlError
from assistant.telemetry.recorder import FOLDER, SCRIPT

_DUMP_S = 60.0
"""As long as a slow card takes for a hundred megabytes."""


def dump(folder: Path, config: Path | None) -> None:
    """Have it written, and move it to a new `folder`: the service may write to no place of ours. Raises `ConfigError`
    when that is not possible; then what was written stays where the service has put it."""
    folder = folder.absolute()
    _check_new(folder)
    result = ask(Dump(), DumpResult, config, timeout_s=_DUMP_S)
    written = Path(result.folder)
    if written.name != FOLDER:  # with sudo, whatever an assistant names could be removed
        raise ControlError(f"The running assistant has written to {written}, which is none of its folders.")
    using = ["--config", result.config_file] if result.config_file is not None else []
    replay = shlex.join(["assistant", "replay", "--script", f"{folder / SCRIPT}", "--out", f"{folder}/replay", *using])
    try:
        files = list(written.iterdir())
    except OSError as error:
        source, target = shlex.quote(str(written)), shlex.quote(str(folder))
        raise ConfigError(  # what comes by another dump may not be what it is about any more
            f"It was written to {written}, which you cannot read: {error.strerror}.",
            remedy=f"Type: sudo mv -T {source} {target} && sudo chown -R $USER {target} && {replay}",
        ) from error
    try:
        _copy(files, folder)
        shutil.rmtree(written)
    except OSError as error:
        raise ConfigError(
            f"The recording cannot be moved to {folder}: {error.strerror}; it stays in {written} until the next dump.",
            remedy="Name a folder that you may write to, on a disk with room.",
        ) from error
    typer.echo(f"{folder} has {result.sound_s:g} s of sound and {result.pictures} pictures. To replay them:")
    typer.echo(replay)


def _check_new(folder: Path) -> None:
    try:
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            return
        problem = "is there already"
    except OSError as error:
        problem = f"cannot be written: {error.strerror}"
    raise ConfigError(f"{folder} {problem}.", remedy="Name a new folder.")


def _copy(files: list[Path], folder: Path) -> None:
    """Copy the files; `folder` appears whole or not at all, and is its owner's alone. Raises `OSError`."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=".part"))
    try:
        for path in files:
            shutil.copy(path, temporary, follow_symlinks=False)
        _give_to_caller(temporary)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def _give_to_caller(folder: Path) -> None:
    """What was made with sudo belongs to whoever typed it."""
    user, group = os.environ.get("SUDO_UID", ""), os.environ.get("SUDO_GID", "")
    if os.geteuid() == 0 and user.isdecimal() and group.isdecimal():
        for path in (folder, *folder.iterdir()):
            os.chown(path, int(user), int(group), follow_symlinks=False)
