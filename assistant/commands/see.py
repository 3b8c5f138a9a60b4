"""`assistant see`: what is in photos."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import typer

from assistant.caption import CAPTIONERS
from assistant.errors import AssistantError, ConfigError
from assistant.events import Box, SceneState, VideoFrame
from assistant.models.store import ModelStore
from assistant.ports import PreparingCaptioner
from assistant.registry import resolve
from assistant.settings import load_config
from assistant.vision.draw import draw_scene
from assistant.vision.pictures import read_picture, write_picture
from assistant.vision.scene import SceneReader


def see(photos: list[Path], out: Path | None, language: str, as_json: bool, config_path: Path | None) -> None:
    """Print a caption and the boxes of every photo, as JSON lines if asked; with `out`, write `<name>.boxed.png`.

    Raises `MediaError` at the first photo that cannot be read, and `ModelMissingError` when a model is not pulled.
    """
    config = load_config(config_path)
    models = ModelStore(config.models.dir)
    captioner = resolve(CAPTIONERS, config.vision.captioner, kind="captioner").create(config, models)
    if language not in captioner.languages:
        allowed = ", ".join(sorted(captioner.languages))
        raise ConfigError(f"There are no captions in '{language}'.", remedy=f"Use one of: {allowed}.")
    reader = SceneReader.create(config, models)
    for photo in photos:
        scene = reader.read(VideoFrame(0.0, read_picture(photo), str(photo)))
        if isinstance(captioner, PreparingCaptioner):
            _prepare(captioner, scene)
        caption = captioner.caption(scene, language, 0.0).text
        typer.echo(json.dumps(_record(scene, caption), ensure_ascii=False) if as_json else _text(scene, caption))
        if out is not None and scene.frame is not None:
            write_picture(out / f"{photo.stem}.boxed.png", draw_scene(scene.frame.pixels, scene))


def _prepare(captioner: PreparingCaptioner, scene: SceneState) -> None:
    """What cannot be written is described from what was detected, and said so."""
    try:
        asyncio.run(captioner.prepare(scene))
    except AssistantError as error:
        typer.echo(f"{scene.source}: described from the detections alone. {error}", err=True)


def _text(scene: SceneState, caption: str) -> str:
    lines = [f"{scene.source}: {caption}"]
    lines += [f"  {item.label:<14} {item.confidence:.2f}  {_spell(item.box)}" for item in scene.objects]
    lines += [f"  {'face':<14} {face.confidence:.2f}  {_spell(face.box)}" for face in scene.faces]
    lines += [f"  {tag.label:<14} {tag.confidence:.2f}  (whole picture)" for tag in scene.tags]
    return "\n".join(lines)


def _spell(box: Box) -> str:
    return f"x {box.x0:.2f}…{box.x1:.2f}  y {box.y0:.2f}…{box.y1:.2f}"


def _record(scene: SceneState, caption: str) -> dict[str, Any]:
    """Boxes are [x0, y0, x1, y1] in fractions of the picture."""
    return {
        "picture": scene.source,
        "caption": caption,
        "objects": [
            {"label": item.label, "confidence": round(item.confidence, 4), "box": _corners(item.box)}
            for item in scene.objects
        ],
        "faces": [{"confidence": round(face.confidence, 4), "box": _corners(face.box)} for face in scene.faces],
        "tags": [{"label": tag.label, "confidence": round(tag.confidence, 4)} for tag in scene.tags],
    }


def _corners(box: Box) -> list[float]:
    return [round(value, 4) for value in (box.x0, box.y0, box.x1, box.y1)]
