"""TorchScript archives → ONNX, by torch itself (extra `export-torch`).

TorchScript is a language of its own: reading an archive runs no Python of it, and no Python pickle is read. A
`torch.export` archive (.pt2) is not taken: `torch.export.load` (2.13) unpickles parts of it and evaluates expressions
in it as Python.
"""

from __future__ import annotations

import importlib.util
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx

from assistant.registry import install_extra
from export.errors import ConversionError
from export.onnx_file import read_onnx, write_onnx
from export.recipe import Array, Feeds
from export.reference import exact_network

_TORCH = install_extra("export-torch", service_too=False)
_OPSET = 17
_MOST_ERROR = 1e-3
"""As a share of an output's largest value."""
_LEAST = 1e-6
"""What is smaller counts as this large: nothing but rounding is left of it."""


def is_torchscript(path: Path) -> bool:
    """Whether a file is a TorchScript archive, by its members' names."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    return any(name.endswith("/constants.pkl") for name in names) and any("/code/" in name for name in names)


def onnx_from_torchscript(path: Path, shapes: Sequence[Sequence[int]]) -> onnx.ModelProto:
    """Run it once on zeros of these shapes, write down what it does, and see that both make the same of random numbers.

    Raises `ConversionError` when torch is not installed, no shape is given, torch cannot convert it, it does not take
    numbers from 0 to 1, or what torch wrote computes something else.
    """
    if not shapes:
        raise ConversionError(
            f"{path} is TorchScript, which does not say what it takes.",
            remedy="Give the shape of each input in order: --input 1x3x224x224",
        )
    if importlib.util.find_spec("torch") is None:
        raise ConversionError(
            f"{path} is TorchScript, and torch is not installed.",
            remedy=f"{_TORCH}. Or export the network to ONNX in its own project.",
        )
    import torch

    with TemporaryDirectory() as scratch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter's own notes on its age
        target = Path(scratch) / "model.onnx"
        try:
            module = torch.jit.load(str(path), map_location="cpu").eval()
            inputs = tuple(torch.zeros(tuple(shape)) for shape in shapes)
            names = [f"input_{number}" for number in range(len(inputs))]
            torch.onnx.export(module, inputs, str(target), dynamo=False, opset_version=_OPSET, input_names=names)
        except Exception as error:  # torch raises a dozen types of its own, without a common base
            raise ConversionError(
                f"torch cannot convert {path} with inputs of {[list(shape) for shape in shapes]}: "
                f"{str(error).strip().partition(chr(10))[0]}",
                remedy="Check the shapes; else export the network to ONNX in its own project.",
            ) from error
        model = _without_optionals(read_onnx(target, static=False))
        write_onnx(model, target)
        # From 0 to 1: what indices, roots and logarithms are made of takes them too.
        rng = np.random.default_rng(0)
        feeds = {name: rng.random(shape, np.float32) for name, shape in zip(names, shapes, strict=True)}
        _refuse_another(path, _answer(path, module, feeds), list(exact_network(target)(feeds).values()))
        return model


def _without_optionals(model: onnx.ModelProto) -> onnx.ModelProto:
    """Without the outputs that are None, which no device could give."""
    optional = [output for output in model.graph.output if output.type.HasField("optional_type")]
    nothing = {output.name for output in optional}
    for output in optional:
        model.graph.output.remove(output)
    for node in [node for node in model.graph.node if nothing.issuperset(node.output)]:
        model.graph.node.remove(node)
    return model


def _answer(path: Path, module: Any, feeds: Feeds) -> list[Array]:
    """What torch makes of an input. Raises `ConversionError` if it makes nothing of it."""
    import torch

    try:
        with torch.no_grad():
            # Copies: what changes its input in place must not change the other's.
            return _arrays(module(*(torch.tensor(array) for array in feeds.values())))
    except Exception as error:  # torch raises a dozen types of its own, without a common base
        raise ConversionError(
            f"{path} cannot be compared with what torch made of it, for it does not run on random numbers from 0 to 1: "
            f"{_last_line(error)}",
            remedy="Export it to ONNX in its own project, and compare it there.",
        ) from error


def _arrays(answer: Any) -> list[Array]:
    """The tensors and numbers of an answer in order, whatever tuples, lists and tables they are in."""
    if answer is None:
        return []
    if isinstance(answer, Mapping):
        answer = list(answer.values())
    if isinstance(answer, (tuple, list)):
        return [array for item in answer for array in _arrays(item)]
    return [np.asarray(answer)]


def _last_line(error: Exception) -> str:
    """Of a traceback in TorchScript, what it ends in."""
    return str(error).strip().rpartition("\n")[2]


def _refuse_another(path: Path, expected: Sequence[Array], got: Sequence[Array]) -> None:
    if len(expected) != len(got):
        problem = f"it has {len(expected)} outputs, the ONNX network {len(got)}"
    elif wrong := [number for number, pair in enumerate(zip(expected, got, strict=True)) if not _equal(*pair)]:
        problem = f"on one random input output {wrong[0]} differs"
    else:
        return
    raise ConversionError(
        f"What torch made of {path} computes something else: {problem}.",
        remedy="What it does may be random, or depend on its input: export it to ONNX in its own project.",
    )


def _equal(expected: Array, got: Array) -> bool:
    largest = float(np.abs(expected[np.isfinite(expected)].astype(np.float64)).max(initial=_LEAST))
    if expected.shape != got.shape:
        return False
    return bool(np.allclose(got, expected, rtol=0, atol=_MOST_ERROR * largest, equal_nan=True))
