"""The weights of a checkpoint folder: safetensors, or PyTorch's own files by a reader that runs nothing of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from export.errors import ConversionError
from export.recipe import Array
from export.safetensors_file import read_safetensors, read_safetensors_shapes
from export.torch_checkpoint import read_state_dict


def weight_files(folder: Path) -> list[Path]:
    """The files that hold the weights. Raises `ConversionError` when there are none that can be read."""
    files = sorted(folder.glob("*.safetensors")) or sorted(folder.glob("pytorch_model*.bin"))
    if not files:
        others = ", ".join(path.name for path in sorted(folder.iterdir()) if path.suffix != ".json") or "none"
        raise ConversionError(
            f"{folder} has no *.safetensors and no pytorch_model*.bin; other files: {others}.",
            remedy="Save it with model.save_pretrained(folder, safe_serialization=True).",
        )
    return files


def read_weights(folder: Path, wanted: Callable[[str], bool] = lambda _: True) -> dict[str, Array]:
    """The wanted tensors by name. Raises `ConversionError` naming the file and tensor for a damaged file."""
    found: dict[str, Array] = {}
    for path in weight_files(folder):
        if path.suffix == ".safetensors":
            found |= read_safetensors(path, [name for name in read_safetensors_shapes(path) if wanted(name)])
        else:
            found |= {name: values for name, values in read_state_dict(path).items() if wanted(name)}
    return found
