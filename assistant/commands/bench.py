"""`assistant bench`: measurements that a user can make on recordings of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def group() -> None:
    """Measure on your own recordings."""


@app.command()
def wake(
    folder: Annotated[Path, typer.Argument(help="Folder with positive/ and negative/, or a labels.csv.")],
    config: Annotated[Path | None, typer.Option("--config", help="Configuration file.", metavar="FILE")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """How often the wake phrase is missed, and heard where nobody said it, over the thresholds of wake.match."""
    from assistant.commands.bench_wake import bench_wake  # it loads networks, which `assistant --help` does without

    bench_wake(folder, config, as_json=as_json)
