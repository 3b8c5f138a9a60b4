"""`assistant models`: what there is, what is installed, and getting it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from assistant.errors import AssistantError, IntegrityError
from assistant.models.rich_progress import RichProgress
from assistant.models.store import ModelState, ModelStore
from assistant.settings import load_config

app = typer.Typer(help="List, pull, verify and remove models.", no_args_is_help=True)

_File = Annotated[Path | None, typer.Option("--config", "-c", help="The configuration that names the store.")]
_Names = Annotated[list[str] | None, typer.Argument(help="Names of models.", show_default=False)]


def _store(config: Path | None) -> ModelStore:
    return ModelStore(load_config(config).models.dir)


@app.command("list")
def list_models(
    config: _File = None, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """Show every known model: licence, size, state, and what uses it."""
    store = _store(config)
    states = store.states()
    if as_json:
        typer.echo(json.dumps([_as_json(found) for found in states], ensure_ascii=False, indent=1))
        return
    table = Table(title=f"Models in {store.root}", title_justify="left")
    for heading in ("name", "task", "languages", "licence"):
        table.add_column(heading)
    table.add_column("size", justify="right")
    table.add_column("state")
    table.add_column("used by")
    for found in states:
        manifest = found.manifest
        licence = manifest.licence if manifest.licence_clear else f"⚠ {manifest.licence}"
        state = {"installed": "[green]installed[/]", "damaged": "[red]damaged[/]"}.get(found.state, found.state)
        name = f"[bold]{manifest.name}[/]" if manifest.default else manifest.name
        languages, used_by = " ".join(manifest.languages), " ".join(manifest.used_by)
        table.add_row(name, manifest.task, languages, licence, _megabytes(found.size), state, used_by)
    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, 140)  # a pipe has no width to keep to
    console.print(table)
    console.print("Bold: the default set. ⚠: the licence is not clear; see its model.toml.", highlight=False)


@app.command()
def pull(
    names: _Names = None,
    every: Annotated[bool, typer.Option("--all", help="Every known model.")] = False,
    config: _File = None,
) -> None:
    """Fetch, verify and install models; the default set if none is named. What is installed is not fetched again."""
    store = _store(config)
    wanted = names or (store.names() if every else store.default_names())
    with RichProgress(Console(stderr=True)) as progress:
        store.pull_all(wanted, progress)
    total_bytes = sum(store.state(name).size or 0 for name in wanted)
    typer.echo(f"{len(wanted)} models are ready ({total_bytes / 1e6:.0f} MB in {store.root}).")


@app.command()
def verify(names: _Names = None, config: _File = None) -> None:
    """Hash every file of installed models (all, if none is named); exit with 5 if one was altered."""
    store = _store(config)
    failures: list[AssistantError] = []
    with RichProgress(Console(stderr=True)) as progress:
        for name in names or [name for name in store.names() if store.state(name).state != "missing"]:
            try:
                store.verify(name, progress)
            except AssistantError as error:
                failures.append(error)
                typer.echo(f"{name}: {error}", err=True)
            else:
                typer.echo(f"{name}: as installed")
    if failures:
        raise IntegrityError(f"{len(failures)} models cannot be used as they are.")


@app.command()
def remove(
    names: Annotated[list[str], typer.Argument(help="Names of models.")],
    forget: Annotated[
        bool, typer.Option("--forget", help="Also forget the hash recorded when an unpinned source was first pulled.")
    ] = False,
    config: _File = None,
) -> None:
    """Delete models from the store."""
    store = _store(config)
    for name in names:
        removed = store.remove(name, forget=forget)
        typer.echo(f"{name}: removed" if removed else f"{name}: was not installed")


@app.command()
def path(name: Annotated[str, typer.Argument(help="Name of a model.")], config: _File = None) -> None:
    """Print the folder of an installed model."""
    typer.echo(_store(config).path(name))


def _as_json(found: ModelState) -> dict[str, Any]:
    manifest = found.manifest
    keys = ("name", "task", "title", "version", "licence", "licence_source", "licence_clear", "default")
    described = {key: getattr(manifest, key) for key in keys}
    lists = {"languages": list(manifest.languages), "used_by": list(manifest.used_by)}
    return described | lists | {"state": found.state, "size_bytes": found.size, "reason": found.reason}


def _megabytes(size: int | None) -> str:
    return "?" if size is None else f"{size / 1e6:,.1f} MB"
