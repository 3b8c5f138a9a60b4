"""`assistant-export train …`: the commands. Their work is imported when they are called; it needs the extra `train`."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Annotated

import typer

from assistant.errors import DependencyMissingError
from assistant.registry import install_extra

app = typer.Typer(
    name="train",
    help="Train fusions and small classifiers, measure them, and export the winner.",
    no_args_is_help=True,
    add_completion=False,
)

_Out = Annotated[Path, typer.Option(help="Folder for the result.", metavar="DIR")]
_Seed = Annotated[int, typer.Option(help="Same seed, same result.")]
_Epochs = Annotated[int, typer.Option(help="Most passes over the data.", min=1)]
_Trials = Annotated[int, typer.Option(help="Trials of a hyper-parameter search before the training; 0: none.", min=0)]
_Data = Annotated[Path | None, typer.Option(help="Folder of labelled data.", metavar="DIR", show_default=False)]
_Layout = Annotated[str, typer.Option(help="Layout of the folder: ravdess, crema-d, meld or csv.")]


@app.command()
def fusion(
    head: Annotated[list[str], typer.Option(help="pooling, attention, concatenation; repeat; all if none.")] = [],  # noqa: B006 (typer reads it)
    data: _Data = None,
    layout: _Layout = "csv",
    moments: Annotated[int, typer.Option(help="Generated moments to train on, without --data.", min=1000)] = 60_000,
    epochs: _Epochs = 20,
    trials: _Trials = 0,
    seed: _Seed = 0,
    out: _Out = Path("out/train/fusion"),
) -> None:
    """Train fusions of the emotion channels: on labelled recordings, or on generated moments with known truth."""
    _require("torch", *(["optuna"] if trials else []))
    from export.train.fusion_command import FusionRun, run_fusion

    run_fusion(FusionRun(tuple(head), data, layout, moments, epochs, trials, seed, out))


@app.command()
def classifier(
    data: Annotated[Path, typer.Option(help="Folder of labelled data.", metavar="DIR")],
    channel: Annotated[str, typer.Option(help="voice, text or image: whose frozen encoder to build on.")] = "voice",
    layout: _Layout = "csv",
    task: Annotated[str, typer.Option(help="emotion; or event, with labels of your own, from the layout csv.")] = (
        "emotion"
    ),
    epochs: _Epochs = 60,
    trials: _Trials = 0,
    seed: _Seed = 0,
    out: _Out = Path("out/train/classifier"),
) -> None:
    """Train a small classifier on the features of a frozen encoder, tested on people whom it has not met."""
    _require("torch", *(["optuna"] if trials else []))
    from export.train.classifier_command import ClassifierRun, run_classifier

    content = run_classifier(ClassifierRun(channel, data, layout, epochs, trials, seed, out, task), typer.echo)
    summary = content["models"][channel]["summary"]
    for key in ("accuracy", "macro_f1", "calibration_error"):
        value = summary[key]
        typer.echo(f"{key.replace('_', ' ')}: {value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})")
    typer.echo(f"{out / 'report.html'}; a bundle: assistant-export build {out / 'recipe'} --calibration …/samples")


@app.command()
def captioner(
    scenes: Annotated[int, typer.Option(help="Drawn scenes to train on.", min=100)] = 20_000,
    epochs: _Epochs = 10,
    seed: _Seed = 0,
    out: _Out = Path("out/train/captioner"),
) -> None:
    """Train a tiny captioner from scratch on drawn scenes: a network with a task that can be measured exactly."""
    _require("torch")
    from export.train.captioner_command import run_captioner

    measured = run_captioner(out, scenes, epochs, seed, typer.echo)
    exact = measured["exact"]
    typer.echo(
        f"exact captions of {exact['scenes']} other scenes: {exact['value']:.1%} "
        f"({exact['low']:.1%} to {exact['high']:.1%}); {measured['weights']} weights"
    )
    typer.echo(f"To a bundle: assistant-export import {out / 'checkpoint'} --name drawn-captioner")
    typer.echo(f"  then build it with: --calibration {out / 'samples'}")


def _require(*packages: str) -> None:
    """Raises `DependencyMissingError` for the first that is not installed."""
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise DependencyMissingError(
                f"Training needs the Python package '{package}', which is not installed.",
                remedy=install_extra("train", service_too=False),
            )
