"""`assistant config`: what is configured, where it comes from, and whether a file is right."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.syntax import Syntax

from assistant.config_schema import Key, tables, toml_value
from assistant.settings import Settings, load_settings, search_paths

app = typer.Typer(help="Show, check or edit the configuration.", no_args_is_help=True)

_File = Annotated[Path | None, typer.Option("--config", "-c", help="The file. Default: the first of the usual places.")]


@app.command()
def show(config: _File = None) -> None:
    """Print the effective configuration as TOML, with the origin of every key that was set."""
    settings = load_settings(config)
    text = toml_of(settings)
    console = Console()
    if console.is_terminal:
        console.print(Syntax(text, "toml", background_color="default", word_wrap=True))
    else:
        typer.echo(text, nl=False)


@app.command()
def check(
    file: Annotated[Path | None, typer.Argument(help="The file. Default: the first of the usual places.")] = None,
) -> None:
    """Check a configuration; say what is wrong and exit with 2, or with 0 when it is right."""
    settings = load_settings(file)
    if settings.file is None:
        places = " or ".join(str(path) for path in search_paths())
        typer.echo(f"No file at {places}: the defaults are used. They are right.")
    else:
        typer.echo(f"{settings.file} is right.")


@app.command()
def edit(config: _File = None) -> None:
    """Edit the configuration with $EDITOR; it is put in place only if it is right, and a running assistant is told."""
    from assistant.commands.config_edit import edit_configuration

    edit_configuration(config)


def toml_of(settings: Settings) -> str:
    """The effective configuration as a TOML file; keys that were set carry their origin as a comment."""
    source = f"# {settings.file}" if settings.file else "# No file: defaults"
    blocks = [f"{source}, and the environment where a key says so."]
    for table in tables():
        node: Any = settings.config
        for part in table.path.split("."):
            node = getattr(node, part)
        lines = [
            _line(key, getattr(node, key.path.rpartition(".")[2]), settings.origins.get(key.path)) for key in table.keys
        ]
        blocks.append("\n".join([f"[{table.path}]", *lines]))
    return "\n\n".join(blocks) + "\n"


def _line(key: Key, value: Any, origin: str | None) -> str:
    name = key.path.rpartition(".")[2]
    comment = f"  # {origin}" if origin else ""
    if value is None:
        return f"# {name} is not set{comment}"
    shown = '"********"' if key.secret and value else toml_value(value)
    return f"{name} = {shown}{comment}"
