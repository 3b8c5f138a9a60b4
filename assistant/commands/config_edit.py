"""`assistant config edit`: change the configuration on a copy, which takes its place only once it is right."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

import typer

from assistant.atomic import write_text
from assistant.config_schema import tables, toml_value
from assistant.control.client import ask
from assistant.control.protocol import Reload, ReloadResult, Status, StatusResult
from assistant.errors import AssistantError, ConfigError, DependencyMissingError, NotRunningError
from assistant.settings import SYSTEM_FILE, load_settings, search_paths

_EDITORS = ("sensible-editor", "nano", "vim", "vi")
_RELOAD_S = 120.0


def edit_configuration(path: Path | None) -> None:
    """Open an editor on a copy of the file, check the result, and put it in place.

    A wrong result can be edited again; given up, the file stays as it was. A running assistant that reads this file
    is told. Raises `ConfigError` for a wrong result and for a file that may not be written,
    `DependencyMissingError` without an editor.
    """
    file = path or next((place for place in search_paths() if place.is_file()), search_paths()[0])
    _require_rights(file)
    before = file.read_text(encoding="utf-8") if file.is_file() else _beginning()
    folder = Path(tempfile.mkdtemp(prefix="assistant-config-"))
    kept = False
    try:
        copy = folder / file.name
        copy.write_text(before, encoding="utf-8")
        _edit_until_right(copy, file)
        text = copy.read_text(encoding="utf-8")
        if text == before:
            typer.echo(f"{file} stays as it was.")
            return
        kept = True  # unless the next line succeeds
        _put_in_place(text, file, copy)
        kept = False
    finally:
        if not kept:
            shutil.rmtree(folder)
    typer.echo(f"{file} is written.")
    _tell(file)


def _require_rights(file: Path) -> None:
    """Raises `ConfigError` for whoever may not read the file or put another in its place: before it is edited."""
    if _may_be_replaced(file):
        return
    named = "" if file == SYSTEM_FILE else f" --config {shlex.quote(str(file))}"
    raise ConfigError(f"You may not write {file}.", remedy=f"Run: sudo assistant config edit{named}")


def _may_be_replaced(file: Path) -> bool:
    try:
        folder = next(parent for parent in file.absolute().parents if parent.is_dir())
        readable = not file.exists() or os.access(file, os.R_OK, effective_ids=True)
    except PermissionError:  # a folder on the way is closed
        return False
    return readable and os.access(folder, os.W_OK | os.X_OK, effective_ids=True)


def _put_in_place(text: str, file: Path, copy: Path) -> None:
    """Raises `ConfigError` when that fails; it names the copy, which is all that is left of somebody's work."""
    try:
        write_text(file, text)
    except OSError as error:
        raise ConfigError(
            f"{file} cannot be written: {error.strerror}. What you wrote is kept in {copy}.",
            remedy=f"When the reason is gone: cp {shlex.quote(str(copy))} {shlex.quote(str(file))}",
        ) from error


def _edit_until_right(copy: Path, file: Path) -> None:
    while True:
        code = subprocess.run([*_editor(), str(copy)], check=False).returncode
        if code != 0:
            raise ConfigError(f"The editor ended with status {code}; {file} stays as it was.")
        try:
            load_settings(copy)
            return
        except ConfigError as error:
            # The lines are those of the file that is meant, not of its copy.
            wrong = ConfigError(error.message.replace(str(copy), str(file)), remedy=f"{file} stays as it was.")
            typer.echo(wrong.message, err=True)
            if not (os.isatty(0) and typer.confirm("Edit again?", default=True)):
                raise wrong from None


def _editor() -> list[str]:
    """The program and its arguments. Raises `DependencyMissingError`."""
    chosen = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if chosen:
        return shlex.split(chosen)
    program = next((found for name in _EDITORS if (found := shutil.which(name))), None)
    if program is None:
        raise DependencyMissingError("No text editor was found.", remedy="Name one: EDITOR=… assistant config edit")
    return [program]


def _beginning() -> str:
    """A file that says nothing yet: every key as a comment with its default."""
    blocks = ["# Keys that are left out have their defaults; docs/configuration.md explains them all."]
    for table in tables():
        lines = [
            f"# {key.path.rpartition('.')[2]} = {toml_value('' if key.default is None else key.default)}"
            for key in table.keys
        ]
        blocks.append("\n".join([f"[{table.path}]", *lines]))
    return "\n\n".join(blocks) + "\n"


def _tell(file: Path) -> None:
    """Have the running assistant take over what was written, if it reads this file."""
    try:
        status = ask(Status(), StatusResult, file)
    except NotRunningError:
        return
    if status.config_file is None or Path(status.config_file).resolve() != file.resolve():
        typer.echo("The running assistant reads another file.")
        return
    try:
        result = ask(Reload(), ReloadResult, file, timeout_s=_RELOAD_S)
    except AssistantError as error:
        raise ConfigError(
            f"The running assistant keeps its old configuration. {error.message}", remedy=error.remedy
        ) from error
    typer.echo(f"The running assistant has taken it over: {', '.join(result.changed) or 'nothing changed'}.")
    if result.after_restart:
        typer.echo(f"Only after a restart: {', '.join(result.after_restart)}.")
