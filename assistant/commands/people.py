"""`assistant people`: who is known by face, introducing somebody, and forgetting them."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from assistant.errors import ConfigError, DeviceError
from assistant.settings import load_config

if TYPE_CHECKING:
    from assistant.config import Config
    from assistant.people.matching import Descriptor

app = typer.Typer(help="Introduce people by their faces, list or forget them.", no_args_is_help=True)

_File = Annotated[Path | None, typer.Option("--config", "-c", help="The configuration.", metavar="FILE")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="As the assistant shall say it.")],
    photo: Annotated[
        list[Path] | None,
        typer.Option("--photo", help="A photo of this person alone; repeat for several. Default: the camera."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="The person agrees: do not ask.")] = False,
    config: _File = None,
) -> None:
    """Introduce somebody who agrees: what the face looks like is kept on this device, encrypted; no picture is."""
    from assistant.people.album import Album, checked_name

    settings = load_config(config)
    name = checked_name(name)
    if not settings.people.enabled:
        raise ConfigError("people.enabled is false: nobody would be recognised.", remedy="Set people.enabled = true.")
    if not yes and not _agreed(name):
        typer.echo("Nothing was kept.")
        raise typer.Exit(1)
    album = Album.of(settings)
    before = album.people()
    descriptors = _take(settings, photo)
    from assistant.people.enrolment import check_is_one_person

    check_is_one_person(name, descriptors, before, settings.people.threshold)
    today = datetime.now().astimezone().date().isoformat()
    person = album.add(name, descriptors, today)
    typer.echo(f"{name} is known, by {_looks(len(person.descriptors))}. To undo: assistant people forget '{name}'")


@app.command("list")
def list_people(config: _File = None, as_json: _Json = False) -> None:
    """Show who is known."""
    from assistant.people.album import Album

    people = Album.of(load_config(config)).people()
    if as_json:
        listed = [{"name": p.name, "added_on": p.added_on, "looks": len(p.descriptors)} for p in people]
        typer.echo(json.dumps(listed, ensure_ascii=False, indent=1))
        return
    for person in people:
        typer.echo(f"{person.name}: since {person.added_on}, {_looks(len(person.descriptors))}")
    if not people:
        typer.echo("Nobody is known. Introduce somebody: assistant people add NAME")


@app.command()
def forget(
    name: Annotated[str | None, typer.Argument(help="Who.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Everybody, and the key.")] = False,
    config: _File = None,
) -> None:
    """Forget somebody, at once also in a running assistant."""
    if (name is None) != every:
        raise typer.BadParameter("Give either a name or --all.", param_hint="NAME")
    from assistant.people.album import Album

    album = Album.of(load_config(config))
    if name is None:
        album.forget_all()
        typer.echo("Everybody is forgotten.")
    elif album.forget(" ".join(name.split())):
        typer.echo(f"{name} is forgotten.")
    else:
        known = ", ".join(person.name for person in album.people()) or "nobody"
        raise ConfigError(f"No '{name}' is known.", remedy=f"Known: {known}.")


def _take(settings: Config, photos: list[Path] | None) -> list[Descriptor]:
    """Descriptors from photos, or from the camera."""
    from assistant.clock import LoopClock
    from assistant.models.store import ModelStore
    from assistant.people.enrolment import CameraEnrolment, FaceTaker, from_photos
    from assistant.vision.camera import open_camera

    if not photos and settings.vision.camera == "none":
        raise ConfigError("No camera is configured.", remedy="Give photos instead: --photo FILE")
    taker = FaceTaker.create(settings, ModelStore(settings.models.dir))
    if photos:
        return from_photos(taker, photos)
    typer.echo("Look into the camera, alone.")

    async def look() -> list[Descriptor]:
        clock = LoopClock()
        return await CameraEnrolment(taker, open_camera(settings.vision.camera, clock), clock, typer.echo).take()

    try:
        return asyncio.run(look())
    except DeviceError as error:
        raise DeviceError(
            error.message,
            remedy="If the assistant runs, it has the camera: assistant mute first, and assistant unmute afterwards. "
            "Or give photos: --photo FILE",
        ) from error


def _looks(count: int) -> str:
    return f"{count} picture{'' if count == 1 else 's'}"


def _agreed(name: str) -> bool:
    typer.echo(
        f"What {name}'s face looks like will be kept on this device, encrypted, as 1,024 numbers a picture; no picture "
        "is kept."
    )
    typer.echo(f"Does {name} agree? [y/N] ", nl=False)
    try:
        return input().strip().lower() in ("y", "yes", "是", "好", "同意")
    except EOFError:
        return False
