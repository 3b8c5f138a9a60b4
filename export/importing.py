"""`assistant-export import`: your own network, as a folder with a recipe and a `model.toml` to fill in."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import onnx
import typer

from assistant.config_schema import toml_value
from assistant.errors import ConfigError
from assistant.models.changes import making
from assistant.models.manifest import MANIFEST_FILE
from assistant.models.unpack import members_below, unpack
from export.checkpoint_folder import Checkpoint, convert_checkpoint, is_checkpoint
from export.errors import ConversionError
from export.generator.checkpoint import GeneratorCheckpoint, is_generator, read_generator
from export.generator.recipes import pair_of
from export.importing_generator import import_generator
from export.json_file import read_json
from export.onnx_file import dtype_of, name_open_axes, read_onnx, shape_of, write_onnx
from export.onnx_from_torchscript import is_torchscript, onnx_from_torchscript
from export.recipe_folder import MODEL_FILE
from export.recipes import PAIRS, RECIPES
from export.recipes_of_yours import RECIPE_FILE
from export.torch_checkpoint import read_state_dict

_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz")
_TORCH_FILES = (".pt", ".pt2", ".pth", ".bin", ".ckpt", ".pkl")
_MOST_UNPACKED_BYTES = 20_000_000_000


def import_source(
    source: Path,
    name: str | None,
    out: Path,
    input_shapes: Sequence[str] = (),
    *,
    tell: Callable[[str], object] = typer.echo,
) -> Path:
    """Make `<out>/<name>/`, whole or not at all, and `tell` what to do next; returns it.

    `input_shapes`, such as "1x3x224x224", are what a TorchScript file takes.
    Raises `ConversionError` (or `IntegrityError`, for an archive) naming the file and what is wrong with it.
    """
    chosen = name or re.sub(r"[^a-z0-9]+", "-", source.name.partition(".")[0].lower()).strip("-")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", chosen):
        raise ConfigError(f"'{chosen}' is no name for a recipe: use a-z, 0-9 and hyphens.", remedy="Give --name NAME.")
    _refuse_ours(chosen)
    target = out / chosen
    if target.exists():
        raise ConfigError(f"{target} is there already.", remedy="Give another --name, or remove it.")
    with TemporaryDirectory() as scratch:
        checkpoint = _read(source, Path(scratch), [_shape(text) for text in input_shapes])
        if isinstance(checkpoint, GeneratorCheckpoint):
            _refuse_ours(*pair_of(chosen))
            import_generator(checkpoint, source.name, target, tell)
            return target
        name_open_axes(checkpoint.model)
        files = {
            MANIFEST_FILE: _manifest(chosen, source.name, checkpoint),
            RECIPE_FILE: _recipe(chosen, checkpoint),
        }
        _write(target, checkpoint.model, files)
    _tell(target, checkpoint, tell)
    return target


def _refuse_ours(*names: str) -> None:
    for name in names:
        if name in (*RECIPES, *PAIRS, "all"):
            raise ConfigError(
                f"'{name}' is a recipe of this project: a bundle of yours would take the place of its bundle.",
                remedy="Give another --name NAME.",
            )


def _read(source: Path, scratch: Path, shapes: Sequence[Sequence[int]]) -> Checkpoint | GeneratorCheckpoint:
    if source.name.lower().endswith(_ARCHIVES):
        names = members_below(source, ".")
        unpack(source, {name: scratch / name for name in names}, max_bytes=_MOST_UNPACKED_BYTES)
        top = {name.partition("/")[0] for name in names}
        inner = scratch / top.pop() if len(top) == 1 else scratch
        return _read(inner, scratch, shapes)
    if source.suffix.lower() in _TORCH_FILES and source.is_file():
        if is_torchscript(source):
            return Checkpoint(onnx_from_torchscript(source, shapes), "TorchScript")
        raise _torch_without_network(source)
    if source.is_dir() and is_checkpoint(source):
        if is_generator(read_json(source / "config.json")):
            return read_generator(source)
        return convert_checkpoint(source)
    if source.is_dir():
        found = sorted(source.glob("*.onnx"))
        if len(found) != 1:
            raise ConversionError(
                f"{source} holds {len(found)} ONNX files and no config.json: expected one ONNX file or a checkpoint.",
                remedy="Name the file itself.",
            )
        return Checkpoint(read_onnx(found[0], static=False), "ONNX")
    return Checkpoint(read_onnx(source, static=False), "ONNX")


def _shape(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"[1-9]\d*(x[1-9]\d*)*", text):
        raise ConfigError(f"'{text}' is no shape.", remedy="Write the sizes with an x between them: 1x3x224x224")
    return tuple(map(int, text.split("x")))


def _torch_without_network(source: Path) -> ConversionError:
    """What a torch file holds, as far as that can be seen without running it."""
    remedy = "Load it in its own project, then torch.onnx.export(model, example, path, opset_version=17)."
    if source.suffix.lower() == ".pt2":
        return ConversionError(
            f"{source} is a torch.export archive, which torch reads by unpickling. Nothing is unpickled.", remedy=remedy
        )
    try:
        tensors = read_state_dict(source)
    except ConversionError as error:
        return ConversionError(
            f"{error.message} Nothing is unpickled.",
            remedy=f"If it is cut off, copy it again. Else: {remedy[0].lower()}{remedy[1:]}",
        )
    first = next(iter(tensors), "none")
    return ConversionError(
        f"{source} is a torch checkpoint: weights ({len(tensors)} tensors, the first '{first}') without the network "
        "that they belong to.",
        remedy=f"Give the folder with its config.json. Else: {remedy[0].lower()}{remedy[1:]}",
    )


def _write(target: Path, model: onnx.ModelProto, texts: Mapping[str, str]) -> None:
    with making(target, typer.echo) as folder:
        write_onnx(model, folder / MODEL_FILE)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")


def _tell(target: Path, checkpoint: Checkpoint, tell: Callable[[str], object]) -> None:
    tell(f"{target}: {checkpoint.architecture}, {len(checkpoint.model.graph.node)} nodes")
    for kind, values in (("input", checkpoint.model.graph.input), ("output", checkpoint.model.graph.output)):
        for value in values:
            tell(f"  {kind} {value.name}: {dtype_of(value)} {list(shape_of(value))}")
    tell(f"Fill in what says TODO in {MANIFEST_FILE} and {RECIPE_FILE}, then: assistant-export build {target}")


def _manifest(name: str, origin: str, checkpoint: Checkpoint) -> str:
    lines = [
        'version = "1"',
        'task = "TODO"  # such as "image-classification"',
        f"title = {_text(name)}",
        'licence = "TODO"  # of the weights: SPDX where there is one, else "unstated"',
        'licence_source = "TODO"  # who says so',
        "licence_clear = false",
        f"notes = [{_text(f'Imported from {origin} ({checkpoint.architecture}).')}]",
        f"labels = [{', '.join(map(_text, checkpoint.labels))}]",
        "",
        "[preprocessing]",
        *(f"{key} = {toml_value(value)}" for key, value in checkpoint.preprocessing.items()),
        "",
        "[[source]]",
        f'uri = "file:{MODEL_FILE}"',
        "",
        "[[file]]",
        f'name = "{MODEL_FILE}"',
    ]
    for kind, values in (("input", checkpoint.model.graph.input), ("output", checkpoint.model.graph.output)):
        for value in values:
            shape = ", ".join(str(size) if isinstance(size, int) else _text(size) for size in shape_of(value))
            lines += ["", f"[[{kind}]]", f"name = {_text(value.name)}", f'dtype = "{dtype_of(value)}"']
            lines += [f"shape = [{shape}]", 'meaning = "TODO"']
    return "\n".join(lines) + "\n"


def _recipe(name: str, checkpoint: Checkpoint) -> str:
    graph = checkpoint.model.graph
    outputs = ", ".join(_text(value.name) for value in graph.output)
    options = []
    if sizes := _open_axes(graph.input):
        fixed = ", ".join(f"{_text(axis)}: 1" for axis in sizes)
        options.append(f"    sizes={{{fixed}}},  # TODO: the sizes that a device will use")
    picture = _picture_input(graph.input)
    if picture is not None:
        options.append("    prepare=prepare,")
    if checkpoint.labels:
        options.append(f"    classes_output={_text(graph.output[0].name)},")
    body = "\n".join(options)
    # Nothing that others have written goes in here but as a quoted text or a number: this file is run.
    return f'''"""{name}, which was imported: model.toml says from where."""

from pathlib import Path

from export.recipe_folder import recipe_folder{", scaled_picture" if picture else ""}

{_prepare(picture, checkpoint.preprocessing) if picture else ""}RECIPE = recipe_folder(
    Path(__file__),
    outputs=[{outputs}],
{body}
    fp16=(0.9999, 0.02),  # TODO: lowest cosine and largest error, as a share of the range, that you accept
    int8=(0.99, 0.15),
)
'''


def _prepare(picture: tuple[str, str, int, int], preprocessing: Mapping[str, Any]) -> str:
    name, layout, height, width = picture
    mean, deviation = preprocessing.get("image_mean", [0.5] * 3), preprocessing.get("image_std", [0.5] * 3)
    known = "" if "image_mean" in preprocessing else "  # TODO: as in training"
    return f'''
def prepare(picture):
    """uint8 (H, W, 3) RGB → the network's input."""
    mean, deviation = {_numbers(mean)}, {_numbers(deviation)}{known}
    return scaled_picture(picture, {_text(name)}, ({height}, {width}), mean, deviation, "{layout}")


'''


def _numbers(values: Iterable[float]) -> list[float]:
    return [float(value) for value in values]


def _picture_input(inputs: Sequence[onnx.ValueInfoProto]) -> tuple[str, str, int, int] | None:
    """(name, layout, height, width) of the only input, if it takes RGB pictures of a fixed size."""
    if len(inputs) != 1:
        return None
    shape = shape_of(inputs[0])
    for layout, channels, height, width in (("NCHW", 1, 2, 3), ("NHWC", 3, 1, 2)):
        if len(shape) == 4 and shape[channels] == 3:
            sides = shape[height], shape[width]
            if isinstance(sides[0], int) and isinstance(sides[1], int):
                return inputs[0].name, layout, sides[0], sides[1]
    return None


def _open_axes(inputs: Sequence[onnx.ValueInfoProto]) -> list[str]:
    axes = (size for value in inputs for size in shape_of(value) if isinstance(size, str))
    return list(dict.fromkeys(axes))


def _text(value: str) -> str:
    """Quoted, as TOML and Python both read it."""
    return toml_value(value)
