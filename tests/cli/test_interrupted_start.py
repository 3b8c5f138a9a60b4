"""Ctrl-C while a command is still being loaded: the usual exit code, and no traceback."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.doubles.command import ROOT

_INTERRUPTED = """
import importlib, sys
command, wanted, *arguments = sys.argv[1:]
class Finger:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Finger())
sys.argv = [command, *arguments]
importlib.import_module(command + ".__main__").main()
print("nobody imported", wanted)
"""


@pytest.mark.parametrize(
    "module",
    ["assistant.cli", "typer", "assistant.commands.models", "pydantic", "anyio", "numpy", "assistant.service.life"],
)
def test_ctrl_c_during_an_import(module: str) -> None:
    interrupt("assistant", module, "run", "--config", "nowhere.toml")


@pytest.mark.parametrize("module", ["export.cli", "typer", "platformdirs", "export.train.commands", "export.commands"])
def test_ctrl_c_during_an_import_of_the_toolchain(module: str) -> None:
    interrupt("export", module, "list")


def interrupt(command: str, module: str, *arguments: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", _INTERRUPTED, command, module, *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert result.returncode == 130, result.stdout + result.stderr
    assert not result.stderr.strip()
