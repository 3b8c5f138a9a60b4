"""`assistant see`: what is in photos."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from itertools import chain, count
from pathlib import Path
from typing import Any

import typer

from assistant.caption import CAPTIONERS
from assistant.commands.left_out import tell_left_out
from assistant.errors import AssistantError, ConfigError, MediaError, ModelError
from assistant.events import Box, SceneState, VideoFrame
from assistant.models.store import ModelStore
from assistant.ports import PreparingCaptioner, TextLine
from assistant.registry import resolve
from assistant.settings import load_config
from assistant.vision.draw import draw_scene
from assistant.vision.pictures import PICTURE_SUFFIXES, read_picture, write_picture
from assistant.vision.reading import open_text_reader
from assistant.vision.scene import SceneReader


def see(
    photos: list[Path], out: Path | None, language: str, as_json: bool, config_path: Path | None, *, read: bool = False
) -> None:
    """Print a caption and the boxes of every photo, and of every photo in a folder, as JSON lines if asked; `read`
    adds what is written. With `out`, write `<name>.boxed.png`, and `<name>-2.boxed.png` for the second of that name.

    Raises `MediaError` after the last photo if one could not be read, `ModelError` if what is written on it could not
    be, `ModelMissingError` when a model is not pulled, and `DependencyMissingError` without the reader.
    """
    config = load_config(config_path)
    models = ModelStore(config.models.dir)
    captioner = resolve(CAPTIONERS, config.vision.captioner, kind="captioner").create(config, models)
    if language not in captioner.languages:
        allowed = ", ".join(sorted(captioner.languages))
        raise ConfigError(f"There are no captions in '{language}'.", remedy=f"Use one of: {allowed}.")
    reader = SceneReader.create(config, models)
    text_reader = open_text_reader(config, models) if read else None
    pictures, unreadable = _pictures(photos)
    drawn: set[str] = set()
    with ExitStack() as closing:
        if isinstance(captioner, PreparingCaptioner):
            closing.callback(captioner.close)
        for photo in pictures:
            try:
                frame = VideoFrame(0.0, read_picture(photo), str(photo))
                lines = text_reader.read(frame) if text_reader is not None else None
            except (MediaError, ModelError) as error:
                unreadable.append(error)
                continue
            scene = reader.read(frame)
            if isinstance(captioner, PreparingCaptioner):
                _prepare(captioner, scene)
            caption = captioner.caption(scene, language, 0.0).text
            told = (
                json.dumps(_record(scene, caption, lines), ensure_ascii=False)
                if as_json
                else _text(scene, caption, lines)
            )
            typer.echo(told)
            if out is not None:
                name = _free_name(photo.stem, drawn)
                drawn.add(name)
                write_picture(out / f"{name}.boxed.png", draw_scene(frame.pixels, scene))
    tell_left_out(unreadable, "photos or folders", "described")


def _pictures(photos: list[Path]) -> tuple[list[Path], list[AssistantError]]:
    """Files as they are, and the pictures of folders by name; and the folders in which there are none."""
    found: list[Path] = []
    empty: list[AssistantError] = []
    for photo in photos:
        if not photo.is_dir():
            found.append(photo)
            continue
        inside = sorted(path for path in photo.iterdir() if path.suffix.lower() in PICTURE_SUFFIXES)
        if not inside:
            remedy = "Give photos, or a folder that holds some."
            empty.append(MediaError(f"There are no pictures in {photo}.", remedy=remedy))
        found += inside
    return found, empty


def _free_name(stem: str, taken: Collection[str]) -> str:
    """The stem itself, or the first of stem-2, stem-3 … that is not taken."""
    names = chain([stem], (f"{stem}-{number}" for number in count(2)))
    return next(name for name in names if name not in taken)


def _prepare(captioner: PreparingCaptioner, scene: SceneState) -> None:
    """What cannot be written is described from what was detected, and said so."""
    try:
        asyncio.run(captioner.prepare(scene))
    except AssistantError as error:
        typer.echo(f"{scene.source}: described from the detections alone. {error}", err=True)


def _text(scene: SceneState, caption: str, written: Sequence[TextLine] | None) -> str:
    lines = [f"{scene.source}: {caption}"]
    lines += [f"  {item.label:<14} {item.confidence:.2f}  {_spell(item.box)}" for item in scene.objects]
    lines += [f"  {'face':<14} {face.confidence:.2f}  {_spell(face.box)}" for face in scene.faces]
    lines += [f"  {tag.label:<14} {tag.confidence:.2f}  (whole picture)" for tag in scene.tags]
    lines += [f"  “{line.text}” {line.confidence:.2f}  {_spell(line.box)}" for line in written or ()]
    if written == []:
        lines.append("  nothing is written that can be read")
    return "\n".join(lines)


def _spell(box: Box) -> str:
    return f"x {box.x0:.2f}…{box.x1:.2f}  y {box.y0:.2f}…{box.y1:.2f}"


def _record(scene: SceneState, caption: str, written: Sequence[TextLine] | None) -> dict[str, Any]:
    """Boxes are [x0, y0, x1, y1] in fractions of the picture."""
    record: dict[str, Any] = {
        "picture": scene.source,
        "caption": caption,
        "objects": [
            {"label": item.label, "confidence": round(item.confidence, 4), "box": _corners(item.box)}
            for item in scene.objects
        ],
        "faces": [{"confidence": round(face.confidence, 4), "box": _corners(face.box)} for face in scene.faces],
        "tags": [{"label": tag.label, "confidence": round(tag.confidence, 4)} for tag in scene.tags],
    }
    if written is not None:
        record["text"] = [
            {"text": line.text, "confidence": round(line.confidence, 4), "box": _corners(line.box)} for line in written
        ]
    return record


def _corners(box: Box) -> list[float]:
    return [round(value, 4) for value in (box.x0, box.y0, box.x1, box.y1)]
