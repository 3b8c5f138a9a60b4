"""The `assistant-export` command. Each command's work is in its own module, imported when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from assistant import command_line
from export.train.commands import app as train_app

app = typer.Typer(
    name="assistant-export",
    help="From a trained network to a bundle that a device can trust.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(train_app)

BUNDLES = Path("out/bundles")
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
_Out = Annotated[Path, typer.Option(help="Folder for the bundles.", metavar="DIR")]
_Bundle = Annotated[Path, typer.Argument(help="A bundle's folder.", metavar="BUNDLE", show_default=False)]
_Cache = Annotated[
    Path | None,
    typer.Option(envvar="EXPORT_CACHE", help="Folder for the results of stages.", metavar="DIR", show_default=False),
]


@app.callback()
def options(debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False) -> None:
    """Options of every command."""


@app.command("list")
def list_recipes(out: _Out = BUNDLES, as_json: _Json = False) -> None:
    """Show every recipe: where its weights come from, licence, whether they are here, what was last built."""
    from export.commands import list_recipes

    list_recipes(out, as_json)


@app.command()
def build(
    recipes: Annotated[
        list[str], typer.Argument(help="Names of recipes, or folders of `import`; or: all.", metavar="RECIPE…")
    ],
    precision: Annotated[list[str], typer.Option(help="fp16, int8-trt or int8-ort; repeat; all if none.")] = [],  # noqa: B006 (typer reads it)
    calibration: Annotated[
        Path | None, typer.Option(help="Folder of typical pictures, recordings or .npz inputs.", metavar="DIR")
    ] = None,
    out: _Out = BUNDLES,
    prune: Annotated[float, typer.Option(help="Share of each layer's weights to set to zero.", min=0, max=0.95)] = 0.0,
    prune_channels: Annotated[
        bool, typer.Option("--prune-channels", help="Prune whole channels instead: smaller and faster.")
    ] = False,
    cache: _Cache = None,
    as_json: _Json = False,
) -> None:
    """Run all workstation stages of recipes. What was done before with the same inputs is not done again."""
    from export.build import BuildOptions
    from export.commands import build_recipes, chosen_precisions

    options = BuildOptions(
        out, cache or default_cache(), chosen_precisions(precision), calibration, prune, prune_channels
    )
    raise typer.Exit(build_recipes(recipes, options, strict=bool(precision), as_json=as_json))


@app.command()
def check(bundle: _Bundle, as_json: _Json = False) -> None:
    """Check a bundle: hashes, tensor contract, golden pairs, lint. Exits 1 with the reasons if something is wrong."""
    from export.check import check_bundle

    raise typer.Exit(check_bundle(bundle, as_json))


@app.command()
def lint(
    model: Annotated[Path, typer.Argument(help="An ONNX file.", metavar="MODEL.onnx", show_default=False)],
    target: Annotated[str, typer.Option(help="jetpack6, jetpack7 or tensorrt11.")] = "jetpack6",
    as_json: _Json = False,
) -> None:
    """Say what TensorRT would refuse, node by node, with the remedy. Exits 1 if there is an error."""
    from export.commands import lint_file

    raise typer.Exit(lint_file(model, target, as_json))


@app.command()
def report(
    bundle: _Bundle,
    out: Annotated[Path | None, typer.Option(help="The page; report.html in the bundle.", metavar="FILE")] = None,
    as_json: _Json = False,
) -> None:
    """Write a bundle's report: one HTML file that needs no network."""
    from export.commands import write_report

    write_report(bundle, out, as_json)


@app.command("import")
def import_network(
    source: Annotated[Path, typer.Argument(help="An ONNX or TorchScript file, a Hugging Face folder, or an archive.")],
    name: Annotated[str | None, typer.Option(help="The recipe's name; the file's if not given.")] = None,
    out: Annotated[Path, typer.Option(help="Where the recipe's folder is made.", metavar="DIR")] = Path("recipes"),
    input_shape: Annotated[
        list[str], typer.Option("--input", help="TorchScript: an input's shape, 1x3x224x224; repeat.", metavar="SHAPE")
    ] = [],  # noqa: B006 (typer reads it)
    as_json: _Json = False,
) -> None:
    """Bring your own network: get a recipe and a model.toml to fill in."""
    from export.commands import import_network as work

    work(source, name, out, input_shape, as_json)


@app.command("compile")
def compile_engines(
    bundle: _Bundle,
    engines: Annotated[Path | None, typer.Option(help="Folder for the engines.", metavar="DIR")] = None,
    force: Annotated[bool, typer.Option("--force", help="Build and race again what is there.")] = False,
    as_json: _Json = False,
) -> None:
    """On the device: build engines, compare them with the golden pairs, keep the fastest that is right."""
    from export.commands import compile_on_device

    folder = engines or platformdirs.user_cache_path("edge-assistant") / "engines"
    raise typer.Exit(compile_on_device(bundle, folder, as_json, force=force))


def default_cache() -> Path:
    """Where the results of stages are kept."""
    return platformdirs.user_cache_path("edge-assistant") / "export"


def main() -> None:
    """Entry point."""
    command_line.run(app)
