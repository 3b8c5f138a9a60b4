"""`assistant-export train fusion`: from options to a table on the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import typer

from assistant.errors import ConfigError
from export.train.bayes import posterior
from export.train.evaluate import Standing
from export.train.fit import Settings
from export.train.fusion import FusionData, FusionOptions, train_fusions
from export.train.generator import ASSISTANT, draw
from export.train.heads import HEADS

_VALIDATION, _TEST = 10_000, 100_000


@dataclass(frozen=True, slots=True)
class FusionRun:
    """The command's options."""

    heads: tuple[str, ...]
    data: Path | None
    layout: str
    moments: int
    epochs: int
    trials: int
    seed: int
    out: Path


def run_fusion(run: FusionRun) -> None:
    """Train and print."""
    unknown = [name for name in run.heads if name not in HEADS]
    if unknown:
        raise ConfigError(f"There is no trainable fusion '{unknown[0]}'.", remedy=f"Use one of: {', '.join(HEADS)}.")
    data = generated(run.moments, run.seed) if run.data is None else recorded(run.data, run.layout, run.seed)
    torch.set_num_threads(1)  # so small networks lose more by waiting for a second thread than they win
    settings = Settings(epochs=run.epochs, seed=run.seed)
    provenance = {"command": "assistant-export train fusion", "torch": torch.__version__, "seed": run.seed}
    options = FusionOptions(run.out, run.heads or tuple(HEADS), settings, provenance=provenance)
    if run.trials:
        from export.train.search import search_fusion

        options = search_fusion(data, options, run.trials, typer.echo)
    content, found = train_fusions(data, options, typer.echo)
    for name, model in content["models"].items():
        summary = model["summary"]
        accuracy, error = summary["accuracy"], summary["calibration_error"]["value"]
        span = f"({accuracy['low']:.1%} to {accuracy['high']:.1%})"
        typer.echo(f"{name:16} accuracy {accuracy['value']:.1%} {span}, calibration error {error:.3f}")
    for row in found:
        typer.echo(_line(row))
    typer.echo(f"{run.out / 'report.html'}")


def generated(count: int, seed: int) -> FusionData:
    """Moments of `export.train.generator.ASSISTANT`."""
    test = draw(ASSISTANT, _TEST, seed + 3)
    return FusionData(
        draw(ASSISTANT, count, seed + 1),
        draw(ASSISTANT, _VALIDATION, seed + 2),
        test,
        f"{count} generated moments (export.train.generator.ASSISTANT, seed {seed}): beliefs about the channels, "
        "no recordings of people",
        bayes=posterior(ASSISTANT, test),
    )


def recorded(folder: Path, layout: str, seed: int) -> FusionData:
    """What the assistant's own channels say of labelled recordings, split by speaker."""
    from export.train.opinions import fusion_data

    return fusion_data(folder, layout, seed, typer.echo)


def _line(row: Standing) -> str:
    return (
        f"{row.channels:16} {row.fusion:14} best single {row.single:.1%}  fused {row.fused:.1%}  Bayes {row.bayes:.1%}"
        f"  way {row.way:4.0%}  calibration error {row.calibration_error:.3f}"
    )
