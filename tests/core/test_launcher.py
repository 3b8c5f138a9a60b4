"""A module that is run in a process of its own finds the libraries that its parent does, wherever it is run."""

from __future__ import annotations

import json
import queue
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

import assistant
from assistant import child
from assistant.child.launcher import python_command

TELLS = """
import json, os, sys
import assistant, queue
print(json.dumps([__name__, sys.argv[1:], os.getcwd(), sys.path, queue.__file__, assistant.__file__]))
"""


@pytest.mark.parametrize("variables", [{}, {"PYTHONSAFEPATH": "1"}])
def test_it_gets_the_current_folder_and_takes_nothing_in_it_for_a_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]
) -> None:
    modules, here = tmp_path / "modules", tmp_path / "here"
    for folder in (modules, here):
        folder.mkdir()
    (modules / "tells.py").write_text(TELLS)
    for name in ("queue", "json", "runpy", "assistant", "tells"):
        (here / f"{name}.py").write_text("raise SystemExit('This is not the library.')")
    monkeypatch.chdir(here)
    monkeypatch.setenv("PYTHONPATH", str(modules))
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    told = subprocess.run(python_command("tells", "a b", "c"), stdout=subprocess.PIPE, check=True).stdout
    *asked, folders, library, package = json.loads(told)
    assert asked == ["__main__", ["a b", "c"], str(here)]
    assert not {str(here), str(Path(child.__file__).parent)} & set(folders)
    assert library == queue.__file__
    assert package == assistant.__file__, "that of the parent"
