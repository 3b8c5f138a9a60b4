"""`assistant-export train classifier`: from a folder of samples to a network, its report and its recipe."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from assistant.atomic import write_text
from assistant.errors import ConfigError
from assistant.inference.onnxruntime_session import OnnxRuntimeSession
from assistant.models.store import ModelStore
from export.onnx_file import write_onnx
from export.recipe import Array
from export.train.calibrate import best_temperature
from export.train.classifier import Classifier, classifier_onnx
from export.train.features import Encoder, encoder
from export.train.fit import Settings, fit, seed_all
from export.train.folders import Sample, read_folder
from export.train.media import each_readable
from export.train.metrics import IntArray, summary
from export.train.recipe_out import write_classifier_recipe
from export.train.report import training_report
from export.train.splits import split_by_speaker

_COPIES = 3
"""Variations of each training sample, beside itself."""


@dataclass(frozen=True, slots=True)
class ClassifierRun:
    """The command's options."""

    channel: str
    data: Path
    layout: str
    epochs: int
    trials: int
    seed: int
    out: Path
    task: str = "emotion"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the data."""

    features: Array
    """float32, shape (n, f)."""
    truth: IntArray
    speakers: IntArray


def run_classifier(run: ClassifierRun, tell: Callable[[str], None]) -> dict[str, Any]:
    """Train, test on other people, write network, report and recipe; returns the report's content."""
    torch.set_num_threads(1)
    samples = read_folder(run.data, run.layout, run.task)
    split = split_by_speaker(samples, run.seed)
    labels = sorted({sample.label for sample in samples})
    encode = encoder(run.channel, ModelStore())
    train, validation, test = (
        _part([samples[place] for place in places], labels, encode, copies, run.seed, tell)
        for places, copies in ((split.train, _COPIES), (split.validation, 0), (split.test, 0))
    )
    settings = Settings(epochs=run.epochs, batch=64, learning_rate=2e-3, weight_decay=1e-2, seed=run.seed)
    sizes: dict[str, Any] = {}
    if run.trials:
        from export.train.search import search_classifier

        settings, sizes = search_classifier(train, validation, len(labels), settings, run.trials, tell)
    seed_all(run.seed)
    deviation = np.maximum(train.features.std(axis=0), 1e-3)
    module = Classifier(train.features.mean(axis=0), deviation, len(labels), **sizes)
    run.out.mkdir(parents=True, exist_ok=True)
    fitted = fit(
        module,
        _tensors(train),
        _tensors(validation),
        settings,
        checkpoint=run.out / "checkpoint.pt",
        options={"channel": run.channel, "labels": ", ".join(labels), **sizes},
        progress=lambda epoch, a, b: tell(f"epoch {epoch}: loss {a:.4f}, validation {b:.4f}"),
    )
    network = run.out / f"{run.channel}.onnx"
    _write(module, validation, network)
    answers = OnnxRuntimeSession(network).run({"features": test.features})["probabilities"].astype(np.float64)
    description = f"{len(samples)} samples of {run.data.name} ({run.layout}), split by speaker"
    content: dict[str, Any] = {
        "title": f"{run.task.capitalize()} classifier: {run.channel}",
        "data": description,
        "labels": labels,
        "models": {run.channel: {"summary": summary(answers, test.truth, test.speakers), "losses": fitted.losses}},
        "facts": {**asdict(settings), **sizes, "speakers tested": len(np.unique(test.speakers))},
    }
    # Calibrated with the validation samples, so that the test samples stay unseen.
    write_classifier_recipe(
        run.out / "recipe", network, run.channel, labels, description, validation.features, task=run.task
    )
    write_text(run.out / "report.json", json.dumps(content, ensure_ascii=False, indent=1))
    write_text(run.out / "report.html", training_report(content))
    return content


def _part(
    samples: Sequence[Sample],
    labels: Sequence[str],
    encode: Encoder,
    copies: int,
    seed: int,
    tell: Callable[[str], None],
) -> Part:
    rng = np.random.default_rng(seed)

    def vectors(sample: Sample) -> list[Array]:
        found = [encode(sample, None), *(encode(sample, rng) for _ in range(copies))]
        return [vector for vector in found if vector is not None]

    kept, encoded = each_readable(samples, vectors, tell)
    rows = [(sample, vector) for sample, found in zip(kept, encoded, strict=True) for vector in found]
    if not rows:
        raise ConfigError(
            f"None of the {len(samples)} samples says anything to this channel.",
            remedy="Use a channel that the data has: voice needs audio with speech, text words, image pictures.",
        )
    _, speakers = np.unique([sample.speaker for sample, _ in rows], return_inverse=True)
    return Part(
        np.stack([vector for _, vector in rows]).astype(np.float32),
        np.array([labels.index(sample.label) for sample, _ in rows], np.int64),
        speakers.astype(np.int64),
    )


def _tensors(part: Part) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
    return (torch.as_tensor(part.features),), torch.as_tensor(part.truth)


@torch.no_grad()
def _write(module: Classifier, validation: Part, path: Path) -> None:
    """As ONNX, with the temperature that suits the validation data."""
    logits = module(torch.as_tensor(validation.features)).double().numpy()
    temperature = best_temperature(logits, validation.truth)
    weights = {key: value.numpy() for key, value in module.state_dict().items()}
    for key in ("answer.weight", "answer.bias"):
        weights[key] = weights[key] / temperature
    write_onnx(classifier_onnx(weights), path)
