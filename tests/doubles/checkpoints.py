"""Checkpoint folders as others publish them, and imports that must fail."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import AssistantError
from export.importing import import_source
from export.onnx_from_vit import VitShape, random_weights

SMALL = VitShape(image_px=32, patch_px=16, width=24, layers=2, heads=3, hidden=48, classes=3)


def write_safetensors(path: Path, tensors: dict[str, np.ndarray]) -> None:
    header, blocks, offset = {}, [], 0
    for name, array in tensors.items():
        content = array.astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [offset, offset + len(content)]}
        offset += len(content)
        blocks.append(content)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blocks))


def write_checkpoint(folder: Path, kind: str = "vit") -> Path:
    folder.mkdir()
    config = {
        "model_type": kind,
        "architectures": ["ViTForImageClassification"],
        "image_size": 32,
        "patch_size": 16,
        "hidden_size": 24,
        "num_hidden_layers": 2,
        "num_attention_heads": 3,
        "intermediate_size": 48,
        "id2label": {"0": "cat", "1": "dog", "2": 'a "quoted" 猫'},
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"image_mean": [0.5, 0.4, 0.3], "image_std": [0.2] * 3})
    )
    write_safetensors(folder / "model.safetensors", random_weights(SMALL, 7))
    return folder


def refused(source: Path, tmp_path: Path) -> AssistantError:
    """The error of an import, which must name its file and a remedy, and leave nothing."""
    with pytest.raises(AssistantError) as caught:
        import_source(source, "mine", tmp_path / "recipes")
    assert not (tmp_path / "recipes").exists() or not list((tmp_path / "recipes").iterdir())
    return caught.value
