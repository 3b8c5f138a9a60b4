"""Train fusions, compare them with each other, the best single channel and Bayes, and write what can be used.

`<out>/pooling.json`, `<out>/attention.onnx` and `<out>/concatenation.onnx` are what `emotion.fusion_model` takes;
`<out>/recipe` makes a bundle of the better network with `assistant-export build`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from assistant.atomic import write_text
from assistant.config import Config, EmotionConfig
from assistant.emotion import FUSIONS
from assistant.emotion.fixed_weights import FixedWeights
from assistant.emotion.fusion_network import CHANNELS
from assistant.emotion.pooling import LogLinearPooling
from assistant.events import EMOTION_LABELS
from assistant.models.store import ModelStore
from assistant.ports import EmotionFusionHead
from assistant.registry import resolve
from export.onnx_file import write_onnx
from export.train.calibrate import best_temperature
from export.train.evaluate import Standing, answers_of, standings
from export.train.fit import Batch, Fitted, Settings, fit, seed_all
from export.train.generator import FloatArray, Moments
from export.train.head_onnx import head_onnx
from export.train.heads import HEADS
from export.train.metrics import accuracy, summary
from export.train.recipe_out import write_recipe
from export.train.report import training_report


@dataclass(frozen=True, slots=True)
class FusionData:
    """What fusions are trained and tested on."""

    train: Moments
    validation: Moments
    test: Moments
    description: str
    bayes: FloatArray | None = None
    """The exact posterior of the test moments, where the truth's law is known."""
    groups: Any = None
    """Speaker of each test moment, where there are any."""


@dataclass(frozen=True, slots=True)
class FusionOptions:
    """What to train and how."""

    out: Path
    heads: Sequence[str] = tuple(HEADS)
    settings: Settings = field(default_factory=Settings)
    modality_dropout: float = 0.15
    provenance: Mapping[str, Any] = field(default_factory=dict)


def train_fusions(
    data: FusionData, options: FusionOptions, tell: Callable[[str], None]
) -> tuple[dict[str, Any], list[Standing]]:
    """Train, test, write everything under `options.out`; returns the report's content and the standings."""
    options.out.mkdir(parents=True, exist_ok=True)
    fitted: dict[str, Fitted] = {}
    for name in options.heads:
        tell(f"{name}: training")
        module, fitted[name] = train_head(name, data, options, tell)
        _write_head(name, module, data, options)
    heads = {name: written_head(name, options) for name in options.heads}
    answers = {"fixed": answers_of(FixedWeights(CHANNELS), data.test)}
    answers |= {name: answers_of(head, data.test) for name, head in heads.items()}
    found = [] if data.bayes is None else standings(data.test, data.bayes, answers, CHANNELS)
    content = _content(data, options, answers, fitted, found)
    networks = [name for name in options.heads if name != "pooling"]
    if networks:
        # By the validation moments, which calibrate it too: the test moments stay unseen.
        best = max(networks, key=lambda name: accuracy(answers_of(heads[name], data.validation), data.validation.truth))
        write_recipe(options.out / "recipe", options.out / f"{best}.onnx", best, data.description, data.validation)
        content["facts"]["bundle"] = (
            f"assistant-export build {options.out / 'recipe'} --calibration {options.out / 'recipe/samples'} ({best})"
        )
    write_text(options.out / "report.json", json.dumps(content, ensure_ascii=False, indent=1))
    write_text(options.out / "report.html", training_report(content))
    return content, found


def train_head(
    name: str, data: FusionData, options: FusionOptions, tell: Callable[[str], None]
) -> tuple[nn.Module, Fitted]:
    """One head, trained."""
    settings = _settings(name, options)
    dropped = 0.0 if name == "pooling" else options.modality_dropout
    seed_all(settings.seed)
    module: Any = HEADS[name]()
    fitted = fit(
        module,
        (module.inputs(data.train.evidence), torch.as_tensor(data.train.truth)),
        (module.inputs(data.validation.evidence), torch.as_tensor(data.validation.truth)),
        settings,
        checkpoint=options.out / f"{name}.checkpoint.pt",
        options={"head": name, "modality dropout": dropped},
        augment=modality_dropout(dropped) if dropped else None,
        progress=lambda epoch, a, b: tell(f"{name}: epoch {epoch}: loss {a:.4f}, validation {b:.4f}"),
    )
    return module, fitted


def _settings(name: str, options: FusionOptions) -> Settings:
    """Pooling's few parameters want a faster rate and no decay."""
    if name != "pooling":
        return options.settings
    return replace(options.settings, learning_rate=max(options.settings.learning_rate, 2e-2), weight_decay=0.0)


def modality_dropout(chance: float) -> Callable[[Batch, torch.Generator], Batch]:
    """Drops each channel of a moment with that chance, but never the last one that is there."""

    def drop(batch: Batch, generator: torch.Generator) -> Batch:
        features, mask = batch
        kept = mask * (torch.rand(mask.shape, generator=generator) >= chance)
        kept = torch.where(kept.sum(dim=1, keepdim=True) > 0, kept, mask)
        return features * kept[..., None], kept

    return drop


@torch.no_grad()
def _write_head(name: str, module: Any, data: FusionData, options: FusionOptions) -> None:
    if name == "pooling":
        provenance = {"data": data.description, **options.provenance, "settings": asdict(_settings(name, options))}
        parameters = module.parameters_file(provenance)
        write_text(options.out / "pooling.json", json.dumps(asdict(parameters), ensure_ascii=False, indent=1) + "\n")
        LogLinearPooling(parameters, CHANNELS)
        return
    inputs: tuple[Tensor, ...] = module.inputs(data.validation.evidence)
    logits = module(*inputs).double().numpy()
    temperature = best_temperature(logits, data.validation.truth)
    weights = {key: value.numpy() for key, value in module.state_dict().items()}
    for key in ("answer.weight", "answer.bias"):
        weights[key] = weights[key] / temperature
    write_onnx(head_onnx(name, weights, getattr(module, "heads", 1)), options.out / f"{name}.onnx")


def written_head(name: str, options: FusionOptions) -> EmotionFusionHead:
    """As the assistant opens it."""
    suffix = "json" if name == "pooling" else "onnx"
    emotion = EmotionConfig(fusion=name, fusion_model=options.out / f"{name}.{suffix}", channels=CHANNELS)
    head: EmotionFusionHead = resolve(FUSIONS, name, kind="emotion fusion").create(
        Config(emotion=emotion), ModelStore()
    )
    return head


def _content(
    data: FusionData,
    options: FusionOptions,
    answers: Mapping[str, FloatArray],
    fitted: Mapping[str, Fitted],
    found: Sequence[Standing],
) -> dict[str, Any]:
    models: dict[str, Any] = {}
    for place, channel in enumerate(CHANNELS):
        rows = data.test.evidence.present[:, place]
        if rows.any():
            groups = None if data.groups is None else data.groups[rows]
            said = data.test.evidence.probabilities[rows][:, place]
            models[f"{channel} alone"] = {"summary": summary(said, data.test.truth[rows], groups)}
    for name, probabilities in answers.items():
        models[name] = {"summary": summary(probabilities, data.test.truth, data.groups)}
        if name in fitted:
            models[name]["losses"] = fitted[name].losses
    if data.bayes is not None:
        models["Bayes"] = {"summary": summary(data.bayes, data.test.truth)}
    sizes = {name: len(part.truth) for name, part in (("train", data.train), ("test", data.test))}
    counts = np.bincount(data.train.truth, minlength=len(EMOTION_LABELS)).tolist()
    return {
        "title": "Emotion fusion",
        "data": data.description,
        "labels": list(EMOTION_LABELS),
        "models": models,
        "standings": [{**asdict(row), "way": row.way} for row in found],
        "facts": {
            **asdict(options.settings),
            "modality dropout": options.modality_dropout,
            "moments": sizes,
            "training moments by class": counts,
        },
    }
