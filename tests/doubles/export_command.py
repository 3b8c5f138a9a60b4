"""The `assistant-export` command as a person runs it, and recipes for it."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import patch

import numpy as np

from export.cli import main
from tests.doubles.command import ROOT
from tests.doubles.tiny_networks import samples, write_network

Finished = subprocess.CompletedProcess[str]


def assistant_export(*arguments: str | Path, cache: Path) -> Finished:
    """Run a command to its end, from its entry point, in this process: a new one would import for most of its time."""
    words = ["assistant-export", *map(str, arguments)]
    output, noise = io.StringIO(), io.StringIO()
    with (
        patch.dict(os.environ, _settings(cache)),
        patch.object(sys, "argv", words),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(noise),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    assert isinstance(code, int), code
    return Finished(words, code, output.getvalue(), noise.getvalue())


def assistant_export_process(*arguments: str | Path, cache: Path, timeout_s: float = 120.0) -> Finished:
    """The same in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "export", *map(str, arguments)],
        env={**os.environ, **_settings(cache)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def build(folder: Path, *arguments: str | Path, cache: Path) -> Finished:
    """Build the recipe in that folder with the samples beside it, in this process."""
    samples = folder.parent / "samples"
    return assistant_export("build", folder, "--calibration", samples, *arguments, cache=cache)


def contents(bundle: Path) -> dict[str, bytes]:
    """What a bundle's manifest vouches for, and the manifest."""
    files = [path for path in bundle.rglob("*") if path.is_file()]
    return {
        path.relative_to(bundle).as_posix(): path.read_bytes()
        for path in files
        if path.name not in ("measurements.json", "report.html")
    }


def _settings(cache: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": os.devnull, "COLUMNS": "200", "NO_COLOR": "1", "EXPORT_CACHE": str(cache)}


RECIPE = '''"""A small network."""

from pathlib import Path

from export.recipe_folder import recipe_folder

RECIPE = recipe_folder(Path(__file__), outputs=["classes"], int8={int8}, classes_output="classes", min_agreement=0.5)
'''
MANIFEST = """version = "1"
task = "image-classification"
title = "A small network"
licence = "Apache-2.0"
licence_source = "made by the test"
licence_clear = true
labels = [{labels}]

[[source]]
uri = "file:model.onnx"

[[file]]
name = "model.onnx"
"""


def write_recipe(folder: Path, *, int8: tuple[float, float] = (0.8, 0.6), labels: int = 10) -> Path:
    """A recipe folder of a small network with ten classes, and `samples/` beside it; returns the folder."""
    folder.mkdir(parents=True)
    write_network(folder / "model.onnx")
    (folder / "recipe.py").write_text(RECIPE.format(int8=int8))
    names = ", ".join(f'"class {index}"' for index in range(labels))
    (folder / "model.toml").write_text(MANIFEST.format(labels=names))
    write_samples(folder.parent / "samples")
    return folder


def write_samples(folder: Path, count: int = 10) -> Path:
    """A calibration folder of `.npz` inputs."""
    folder.mkdir(exist_ok=True)
    for number, feeds in enumerate(samples(count)):
        np.savez(folder / f"{number:02}.npz", allow_pickle=False, **feeds)
    return folder
