"""`assistant config edit` with editors that are shell scripts."""

from __future__ import annotations

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from assistant.errors import ConfigError, DependencyMissingError
from tests.doubles.command import assistant, typed
from tests.doubles.nobody import as_nobody, open_folder

OLD = "[audio]\nvolume = 0.5\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "assistant.toml"
    path.write_text(OLD)
    path.chmod(0o640)
    return path


def edit(file: Path, script: str, code: int = 0, **env: str) -> str:
    """Edit with a script whose `$1` is what it edits."""
    editor = file.with_name("editor")
    editor.write_text(f"#!/bin/sh\n{script}\n")
    editor.chmod(0o755)
    runtime = file.parent / "run"
    runtime.mkdir(exist_ok=True)
    settings = {"EDITOR": str(editor), "VISUAL": "", "XDG_RUNTIME_DIR": str(runtime), **env}
    result: subprocess.CompletedProcess[str] = assistant("config", "edit", "--config", file, env=settings)
    assert result.returncode == code, result.stdout + result.stderr
    assert "Traceback" not in result.stderr
    return result.stdout + result.stderr


def test_a_right_change_takes_the_file_s_place_and_keeps_its_rights(file: Path) -> None:
    assert "is written" in edit(file, 'sed -i s/0.5/0.75/ "$1"')
    assert file.read_text() == "[audio]\nvolume = 0.75\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_wrong_change_names_the_key_and_leaves_the_file(file: Path) -> None:
    said = edit(file, 'sed -i s/volume/volumee/ "$1"', ConfigError.exit_code)
    assert f"{file}:2" in said and "audio.volumee" in said and "stays as it was" in said
    assert file.read_text() == OLD


def test_no_change_writes_nothing(file: Path) -> None:
    before = file.stat().st_ino
    assert "stays as it was" in edit(file, "true")
    assert file.stat().st_ino == before


def test_an_editor_that_fails_leaves_the_file(file: Path) -> None:
    assert "status 3" in edit(file, 'echo "[nonsense" > "$1"; exit 3', ConfigError.exit_code)
    assert file.read_text() == OLD


def test_who_may_not_write_the_file_is_told_before_the_editor_opens(capsys: pytest.CaptureFixture[str]) -> None:
    with open_folder() as folder:
        file = folder / "assistant.toml"
        file.write_text(OLD)
        file.chmod(0o644)
        command = ("config", "edit", "--config", file)
        # Whoever may is let in; and what a command imports may be closed to others.
        assert typed(*command, env={"VISUAL": "", "EDITOR": "true"}, capture=capsys)[0] == 0
        with as_nobody():
            code, said = typed(*command, env={"VISUAL": "", "EDITOR": "false"}, capture=capsys)
    assert code == ConfigError.exit_code, said
    assert f"may not write {file}" in said and f"Run: sudo assistant config edit --config {file}" in said


def test_what_cannot_be_put_in_place_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "assistant.toml"
    file.parent.mkdir()
    said = edit(file, f'echo "# of mine" >> "$1"; rm -r {file.parent}; touch {file.parent}', ConfigError.exit_code)
    [copy] = re.findall(r"is kept in (/\S+)\.\n", said)
    assert Path(copy).read_text().endswith("# of mine\n")
    shutil.rmtree(Path(copy).parent)


def test_an_editor_with_arguments_is_understood(file: Path) -> None:
    editor = "sed -i -e s/0.5/0.25/"
    edit(file, "true", EDITOR=editor)
    assert "0.25" in file.read_text()


def test_without_a_file_every_key_is_offered(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "assistant.toml"
    file.parent.mkdir()
    edit(file, 'grep -q "# volume = 0.8" "$1" && echo >> "$1"')
    assert "[audio]" in file.read_text()
    assert assistant("config", "check", str(file)).returncode == 0


def test_without_an_editor_it_says_how_to_name_one(file: Path, tmp_path: Path) -> None:
    said = edit(file, "true", DependencyMissingError.exit_code, EDITOR="", PATH=str(tmp_path / "nowhere"))
    assert "EDITOR=" in said
