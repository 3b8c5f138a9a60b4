"""TorchScript archives → ONNX, by torch itself (extra `export-torch`).

TorchScript is a language of its own: reading an archive runs no Python of it, and no Python pickle is read. A
`torch.export` archive (.pt2) is not taken: `torch.export.load` (2.13) unpickles parts of it and evaluates expressions
in it as Python.
"""

from __future__ import annotations

import importlib.util
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import onnx

from export.errors import ConversionError
from export.onnx_file import read_onnx

_OPSET = 17


def is_torchscript(path: Path) -> bool:
    """Whether a file is a TorchScript archive, by its members' names."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    return any(name.endswith("/constants.pkl") for name in names) and any("/code/" in name for name in names)


def onnx_from_torchscript(path: Path, shapes: Sequence[Sequence[int]]) -> onnx.ModelProto:
    """Run it once on zeros of these shapes, and write down what it does.

    Raises `ConversionError` when torch is not installed, no shape is given, or torch cannot convert it.
    """
    if not shapes:
        raise ConversionError(
            f"{path} is TorchScript, which does not say what it takes.",
            remedy="Give the shape of each input in order: --input 1x3x224x224",
        )
    if importlib.util.find_spec("torch") is None:
        raise ConversionError(
            f"{path} is TorchScript, and torch is not installed.",
            remedy="pip install 'edge-assistant[export-torch]', or export the network to ONNX in its own project.",
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
        return read_onnx(target, static=False)
