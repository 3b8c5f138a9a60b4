"""TensorFlow Lite files, written by the test, and what must be refused."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from export import onnx_from_fastspeech2, onnx_from_melgan
from export.errors import ConversionError
from export.tflite_file import TfliteFile
from tests.doubles.tflite_network import dense_network

KERNEL = np.array([[1, -2, 3], [4, 5, -6]], np.int8)
BIAS = np.array([0.5, -1.5], np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "network.tflite"
    path.write_bytes(dense_network(KERNEL, BIAS, scale=0.25))
    return path


def test_weights_of_8_bits_are_read_with_their_scale(path: Path) -> None:
    kernel = TfliteFile(path).kernel("net/dense")
    assert kernel.values.dtype == np.int8 and kernel.scale == 0.25
    assert kernel.exact().dtype == np.float32
    assert kernel.exact().tolist() == (KERNEL * 0.25).tolist()


def test_weights_of_32_bits_are_read_as_they_are(path: Path) -> None:
    path.write_bytes(dense_network(KERNEL.astype(np.float32), BIAS))
    kernel = TfliteFile(path).kernel("net/dense")
    assert kernel.scale is None and kernel.exact().tolist() == KERNEL.tolist()


def test_a_bias_is_found_by_its_place_whatever_its_name(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"net/dense/BiasAdd", b"net/other/BiasAdd"))
    assert TfliteFile(path).bias("net/dense").tolist() == BIAS.tolist()


@pytest.mark.parametrize("convert", [onnx_from_fastspeech2.convert_file, onnx_from_melgan.convert_file])
def test_another_network_is_refused_by_name(path: Path, convert: Callable[[Path, Path], None]) -> None:
    target = path.with_suffix(".onnx")
    with pytest.raises(ConversionError, match=r"network\.tflite has no .* another network") as caught:
        convert(path, target)
    assert caught.value.remedy and not target.exists()


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\0" * 64, b"PK\3\4" + b"x" * 100], ids=str)
def test_what_is_no_such_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(ConversionError, match="cannot be read as a TensorFlow Lite file"):
        TfliteFile(path)


def test_damage_is_refused_or_read_but_never_crashes(path: Path) -> None:
    whole = path.read_bytes()
    dice = random.Random(4)
    refused = 0
    for _ in range(300):
        damaged = bytearray(whole[: dice.randrange(8, len(whole))] if dice.random() < 0.3 else whole)
        for _ in range(4):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        path.write_bytes(damaged)
        try:
            TfliteFile(path).bias("net/dense")
        except ConversionError as error:
            refused += 1
            assert "network.tflite" in error.message and error.remedy
    assert 100 < refused < 300
