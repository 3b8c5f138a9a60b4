"""A trained network as a recipe folder, so that `assistant-export build` makes a bundle of it like of any other."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from assistant.config_schema import toml_value
from assistant.emotion.fusion_network import CHANNELS, FEATURES, tokens
from assistant.events import EMOTION_LABELS
from assistant.ports import EmotionEvidence
from export.recipe import Array
from export.train.generator import Moments

_SAMPLES = 40
_FUSION = "emotion-fusion"

_RECIPE = '''"""Trained by `assistant-export train {what}`."""

from pathlib import Path

from export.recipe_folder import recipe_folder

RECIPE = recipe_folder(
    Path(__file__),
    outputs=["probabilities"],
    name="{name}",
    sizes={{"n": 1}},
    classes_output="probabilities",
    fp16=(0.9999, 0.02),
    int8=(0.98, 0.2),
)
'''


def write_recipe(folder: Path, network: Path, name: str, data: str, moments: Moments) -> None:
    """`model.onnx`, `model.toml`, `recipe.py` and `samples/`, in place of what was there."""
    samples = _empty(folder / "samples")
    shutil.copyfile(network, folder / "model.onnx")
    (folder / "recipe.py").write_text(_RECIPE.format(what="fusion", name=_FUSION), encoding="utf-8")
    (folder / "model.toml").write_text(_fusion_manifest(name, data), encoding="utf-8")
    evidence = moments.evidence
    for row in range(min(_SAMPLES, len(moments.truth))):
        one = slice(row, row + 1)
        features, mask = tokens(
            EmotionEvidence(
                evidence.probabilities[one], evidence.confidence[one], evidence.half_lives[one], evidence.present[one]
            )
        )
        np.savez(samples / f"{row:04}.npz", tokens=features, mask=mask)


def write_classifier_recipe(
    folder: Path,
    network: Path,
    channel: str,
    labels: Sequence[str],
    data: str,
    features: Array,
    *,
    task: str = "emotion",
) -> None:
    """The same for a classifier of one channel."""
    samples = _empty(folder / "samples")
    shutil.copyfile(network, folder / "model.onnx")
    (folder / "recipe.py").write_text(_RECIPE.format(what="classifier", name=f"{task}-{channel}"), encoding="utf-8")
    tensors = [_tensor("input", "features", ["n", features.shape[1]], f"features of the frozen {channel} encoder")]
    title = f"{task.capitalize()} from {channel}"
    (folder / "model.toml").write_text(_manifest(f"{task}-{channel}", title, data, labels, tensors), encoding="utf-8")
    for row in range(min(_SAMPLES, len(features))):
        np.savez(samples / f"{row:04}.npz", features=features[row : row + 1])


def _empty(folder: Path) -> Path:
    """Without the samples of an earlier training."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _fusion_manifest(name: str, data: str) -> str:
    meaning = f"centred log-probabilities, confidence, freshness, present; a row each for {', '.join(CHANNELS)}"
    tensors = [
        _tensor("input", "tokens", ["n", len(CHANNELS), FEATURES], meaning),
        _tensor("input", "mask", ["n", len(CHANNELS)], "1 for channels that are present, else 0"),
    ]
    return _manifest(_FUSION, f"Emotion fusion, {name}", data, EMOTION_LABELS, tensors)


def _tensor(kind: str, name: str, shape: Sequence[str | int], meaning: str) -> str:
    return f"""
[[{kind}]]
name = {toml_value(name)}
dtype = "float32"
shape = {toml_value(list(shape))}
meaning = {toml_value(meaning)}
"""


def _manifest(task: str, title: str, data: str, labels: Sequence[str], tensors: Sequence[str]) -> str:
    output = _tensor("output", "probabilities", ["n", len(labels)], "probabilities")
    return f"""version = "1"
task = {toml_value(task)}
title = {toml_value(title)}
licence = "Apache-2.0"
licence_source = "trained by assistant-export train; the licence of your data may say more"
licence_clear = true
notes = [{toml_value(f"Trained on: {data}")}]
labels = {toml_value(list(labels))}

[[source]]
uri = "file:model.onnx"

[[file]]
name = "model.onnx"
{"".join(tensors)}{output}"""
