"""What the commands of `assistant-export` print."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from assistant.atomic import write_text
from assistant.errors import AssistantError, ConfigError, ModelMissingError
from assistant.inference.bundle import PRECISIONS, Bundle, Precision
from assistant.models.store import ModelStore
from assistant.settings import load_config
from export.build import LINT_TARGETS, BuildOptions, BuildResult, build
from export.progress import StageProgress, working
from export.recipe import Recipe
from export.recipes_of_yours import find_recipes


def list_recipes(out: Path, as_json: bool) -> None:
    """`list`."""
    store = _store()
    rows = [_described(recipe, store, out) for recipe in find_recipes("all")]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    table = Table(title="Recipes", title_justify="left")
    for heading in ("name", "task", "weights", "licence", "here", "last built"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        here = "[green]yes[/]" if row["here"] else row["missing"]
        weights = f"{row['weights']} (random: a yardstick)" if row["random_weights"] else row["weights"]
        table.add_row(f"[bold]{row['name']}[/]", row["task"], weights, row["licence"], here, row["last_built"] or "–")
    console = _console()
    console.print(table)


def build_recipes(names: Sequence[str], options: BuildOptions, *, strict: bool, as_json: bool) -> int:
    """`build`; the result is the exit code: 1 if a precision that was named was rejected (`strict`).

    A recipe that cannot be built keeps none of the others from it; when they are done, the first such error is raised.
    """
    if options.prune_channels and not options.prune:
        raise ConfigError("--prune-channels needs to know how many.", remedy="Give a share too: --prune 0.3")
    store = _store()
    recipes = [recipe for name in names for recipe in find_recipes(name)]
    rows: list[dict[str, Any]] = []
    failed: list[AssistantError | OSError] = []
    rejected = False
    with StageProgress(Console(stderr=True)) as progress:
        for recipe in recipes:
            started_s = time.monotonic()
            try:
                result = build(recipe, store, options, progress)
            except (AssistantError, OSError, MemoryError) as caught:
                error = _no_memory() if isinstance(caught, MemoryError) else caught
                failed.append(error)
                rows.append({"recipe": recipe.name, "error": str(error)})
                if len(recipes) > 1:
                    progress.note(f"{recipe.name} is not built. {error}")
                continue
            took_s = time.monotonic() - started_s
            rejected |= bool(result.rejected)
            rows.append(_as_json(result, took_s))
            if not as_json:
                typer.echo(_summary(result, took_s))
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=1))
    if failed:
        raise failed[0]
    return 1 if strict and rejected else 0


def _no_memory() -> OSError:
    return OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))


def chosen_precisions(names: Sequence[str]) -> tuple[Precision, ...]:
    """Precisions by name, all of them if none is named. Raises `ConfigError` for an unknown one."""
    unknown = [name for name in names if name not in PRECISIONS]
    if unknown:
        raise ConfigError(f"There is no precision '{unknown[0]}'.", remedy=f"Use: {', '.join(PRECISIONS)}.")
    return tuple(item for item in PRECISIONS if item in names) or PRECISIONS


def lint_file(model: Path, target: str, as_json: bool) -> int:
    """`lint`; 1 if TensorRT would refuse the file."""
    from export.lint import lint_model

    if target not in LINT_TARGETS:
        raise ConfigError(f"There is no target '{target}'.", remedy=f"Use one of: {', '.join(LINT_TARGETS)}.")
    with working(f"lint {model.name}"):
        findings = lint_model(model, target)
    if as_json:
        typer.echo(json.dumps([asdict(item) for item in findings], ensure_ascii=False, indent=1))
    else:
        for item in findings:
            typer.echo(f"{item.severity}: {item.node or model.name}: {item.message} [{item.rule}]\n  {item.remedy}")
        typer.echo(f"{model.name} for {target}: {len(findings)} finding{'' if len(findings) == 1 else 's'}.")
    return 1 if any(item.severity == "error" for item in findings) else 0


def write_report(path: Path, out: Path | None, as_json: bool) -> None:
    """`report`."""
    from export.report import report_of

    bundle = Bundle.open(path)
    target = out or path / "report.html"
    with working(f"report {path.name}"):
        bundle.verify()  # a clean page for what was altered would be a lie
        write_text(target, report_of(bundle))
    if as_json:
        typer.echo(json.dumps({"report": str(target), "size_bytes": target.stat().st_size}, ensure_ascii=False))
    else:
        typer.echo(f"Wrote {target} ({target.stat().st_size / 1e3:.0f} kB).")


def import_network(source: Path, name: str | None, out: Path, input_shapes: Sequence[str], as_json: bool) -> None:
    """`import`."""
    from export.importing import import_source

    told: list[str] = []
    with working(f"import {source.name}"):
        folder = import_source(source, name, out, input_shapes, tell=told.append)
    typer.echo(json.dumps({"recipe": str(folder)}, ensure_ascii=False) if as_json else "\n".join(told))


def compile_on_device(path: Path, cache: Path, as_json: bool, *, force: bool) -> int:
    """`compile`; 1 if no engine can be used. Raises `EngineError` where there is no driver; then nothing is written."""
    from assistant.inference.engine_build import compile_bundle

    with StageProgress(Console(stderr=True)) as progress, progress.task(f"compile {path.name}", None):
        result = compile_bundle(path, cache, force=force, notify=progress.note)
    if as_json:
        typer.echo(result.as_json())
    else:
        typer.echo(f"{path.name}: {result.choice.winner or 'no engine'}. {result.choice.reason}")
    return 0 if result.ok else 1


def _described(recipe: Recipe, store: ModelStore, out: Path) -> dict[str, Any]:
    card = recipe.card(store)
    missing = ""
    try:
        recipe.sources(store)
        recipe.sample_networks(store)
    except ModelMissingError as error:
        missing = error.remedy or error.message
    return {
        "name": recipe.name,
        "title": card.title,
        "task": card.task,
        "weights": card.weights,
        "random_weights": card.random_weights,
        "licence": card.licence,
        "here": not missing,
        "missing": missing,
        "last_built": _last_built(out / recipe.name),
    }


def _last_built(path: Path) -> str | None:
    try:
        manifest = Bundle.open(path).manifest
    except AssistantError:
        return None
    return ", ".join(variant.precision for variant in manifest.variants)


def _summary(result: BuildResult, took_s: float) -> str:
    if not result.stages_run and not result.published:
        head = f"{result.recipe}: unchanged, nothing to do ({took_s:.1f} s)"
    else:
        head = f"{result.recipe}: {len(result.stages_run)} stages run in {took_s:.1f} s → {result.bundle}"
    shipped = f"  shipped: {', '.join(result.shipped)}"
    rejected = [f"  rejected: {item.precision}: {'; '.join(item.reasons)}" for item in result.rejected]
    return "\n".join([head, shipped, *rejected])


def _as_json(result: BuildResult, took_s: float) -> dict[str, Any]:
    return {
        "recipe": result.recipe,
        "bundle": str(result.bundle),
        "stages_run": result.stages_run,
        "published": result.published,
        "shipped": result.shipped,
        "rejected": {item.precision: item.reasons for item in result.rejected},
        "took_s": round(took_s, 3),
    }


def _store() -> ModelStore:
    return ModelStore(load_config().models.dir)


def _console() -> Console:
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, 140)  # a pipe has no width to keep to
    return console
