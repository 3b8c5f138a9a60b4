"""Hugging Face checkpoint folders (config.json, safetensors): recognised, and made ONNX where there is a converter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import onnx

from export.errors import ConversionError
from export.generator.checkpoint import generator_kinds
from export.json_file import read_json
from export.onnx_from_vit import VitShape, vit, weight_shapes
from export.preprocessor_file import read_preprocessing
from export.recipe import Array
from export.weight_files import read_weights, weight_files


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder that was read and converted."""

    model: onnx.ModelProto
    architecture: str
    labels: tuple[str, ...] = ()
    preprocessing: Mapping[str, Any] = field(default_factory=dict)


def is_checkpoint(folder: Path) -> bool:
    """Whether a folder looks like one."""
    return (folder / "config.json").is_file()


def convert_checkpoint(folder: Path) -> Checkpoint:
    """The network of a folder. Raises `ConversionError` that names what it is when there is no converter for it."""
    config = read_json(folder / "config.json")
    kind = str(config.get("model_type", "unknown"))
    architecture = ", ".join(config.get("architectures") or ["no architecture named"])
    weight_files(folder)  # or it says that there are none
    if kind not in _CONVERTERS:
        raise ConversionError(
            f"{folder} is a checkpoint of the kind '{kind}' ({architecture}), for which there is no converter; there "
            f"is one for: {', '.join((*_CONVERTERS, *generator_kinds()))}.",
            remedy="Export it with `optimum-cli export onnx` or torch.onnx.export, then import the ONNX file.",
        )
    weights = read_weights(folder)
    return _CONVERTERS[kind](folder, config, weights, architecture)


def _convert_vit(
    folder: Path, config: Mapping[str, Any], weights: Mapping[str, Array], architecture: str
) -> Checkpoint:
    labels = tuple(label for _, label in sorted((int(key), str(label)) for key, label in _labels(config).items()))
    if config.get("hidden_act", "gelu") != "gelu":
        raise ConversionError(f"{folder}/config.json: hidden_act is '{config['hidden_act']}', expected 'gelu'.")
    shape = VitShape(
        image_px=int(config.get("image_size", 224)),
        patch_px=int(config.get("patch_size", 16)),
        width=int(config.get("hidden_size", 768)),
        layers=int(config.get("num_hidden_layers", 12)),
        heads=int(config.get("num_attention_heads", 12)),
        hidden=int(config.get("intermediate_size", 3072)),
        classes=len(labels),
        epsilon=float(config.get("layer_norm_eps", 1e-12)),
    )
    for name, expected in weight_shapes(shape).items():
        got = weights[name].shape if name in weights else None
        if got != expected:
            raise ConversionError(
                f"{folder}: the tensor '{name}': expected {list(expected)}, got "
                f"{'nothing' if got is None else list(got)}.",
                remedy="config.json and the weights must be of the same ViTForImageClassification.",
            )
    floats = {name: weights[name].astype("float32") for name in weight_shapes(shape)}
    return Checkpoint(vit(floats, shape), architecture, labels, read_preprocessing(folder))


def _labels(config: Mapping[str, Any]) -> Mapping[str, str]:
    found = config.get("id2label") or {
        str(index): f"LABEL_{index}" for index in range(int(config.get("num_labels", 2)))
    }
    return dict(found)


_CONVERTERS: Mapping[str, Callable[[Path, Mapping[str, Any], Mapping[str, Array], str], Checkpoint]] = {
    "vit": _convert_vit,
}
