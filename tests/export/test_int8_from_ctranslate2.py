"""Weights quantized ahead of time are to the last bit what CTranslate2 makes of the originals at every start."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import pytest

from assistant.errors import ModelError
from export.int8_from_ctranslate2 import convert_file


class Small(ctranslate2.specs.ModelSpec):  # type: ignore[misc]
    """A matrix, an embedding that shares its weights, one row of zeros, a convolution and a vector."""

    def __init__(self) -> None:
        super().__init__()
        rng = np.random.default_rng(0)
        self.linear, self.tied = (ctranslate2.specs.common_spec.LinearSpec() for _ in range(2))
        self.conv = ctranslate2.specs.common_spec.Conv1DSpec()
        weights = rng.normal(size=(9000, 8)).astype(np.float16).astype(np.float32)
        weights[3] = 0
        self.linear.weight, self.tied.weight = weights, weights
        self.linear.bias = rng.normal(size=9000).astype(np.float16).astype(np.float32)
        self.tied.bias = self.linear.bias
        self.conv.weight = rng.normal(size=(4, 8, 3)).astype(np.float16).astype(np.float32)
        self.conv.bias = rng.normal(size=4).astype(np.float16).astype(np.float32)

    @property
    def name(self) -> str:
        return "Small"


def saved(folder: Path, quantization: str) -> Path:
    """`model.bin` as CTranslate2 itself writes it."""
    folder.mkdir()
    spec: Any = Small()
    spec.validate()
    spec.optimize(quantization=quantization)
    spec.save(str(folder))
    return folder / "model.bin"


def variables(path: Path) -> dict[bytes, tuple[tuple[int, ...], int, bytes]]:
    """Name → shape, type and content."""
    content, at = path.read_bytes(), 0

    def take(layout: str) -> tuple[Any, ...]:
        nonlocal at
        values = struct.unpack_from(f"<{layout}", content, at)
        at += struct.calcsize(f"<{layout}")
        return values

    def text() -> bytes:
        (length,) = take("H")
        return bytes(take(f"{length}s")[0])

    take("I")
    text()
    _, count = take("II")
    found = {}
    for _ in range(count):
        name, (rank,) = text(), take("B")
        shape, (kind, size) = take(f"{rank}I"), take("BI")
        found[name] = (shape, kind, bytes(take(f"{size}s")[0]))
    return found | {b"aliases": ((), 0, content[at:])}


def test_matrices_become_what_ctranslate2_makes_of_them_and_the_rest_stays(tmp_path: Path) -> None:
    original, theirs = saved(tmp_path / "float16", "float16"), saved(tmp_path / "int8", "int8_float16")
    convert_file(original, tmp_path / "model.bin")
    before, quantized, ours = variables(original), variables(theirs), variables(tmp_path / "model.bin")
    assert quantized[b"linear/weight\0"] != before[b"linear/weight\0"]
    for name in (b"linear/weight\0", b"linear/weight_scale\0"):
        assert ours.pop(name) == quantized[name]
    # It quantizes convolutions too when it writes a file, and computes them in floats all the same.
    assert ours == {name: variable for name, variable in before.items() if name != b"linear/weight\0"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"nonsense that is no model", "version 1936617326 instead of 6"),
        (struct.pack("<IH6sII", 6, 6, b"Small\0", 1, 1), "cannot be quantized"),
    ],
)
def test_what_is_no_model_of_ctranslate2_is_refused(content: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(content)
    with pytest.raises(ModelError, match=words):
        convert_file(tmp_path / "source", tmp_path / "model.bin")
