"""The `assistant` command. Each command's work is in `assistant/commands/`, imported when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from assistant import __version__, command_line

app = typer.Typer(
    help="An on-device voice assistant that hears, sees and answers, in English and Chinese.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

ConfigOption = Annotated[Path | None, typer.Option("--config", help="Configuration file.", metavar="FILE")]
Language = Annotated[str | None, typer.Option(help="en or zh; guessed if not given.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Options of every command."""


@app.command()
def run(config: ConfigOption = None) -> None:
    """Listen, look and answer, live, until Ctrl-C."""
    from assistant.commands.run import run_live

    run_live(config)


@app.command()
def status(config: ConfigOption = None, as_json: Json = False) -> None:
    """Show how the running assistant is. Exits 1 if it does not hear or hangs, 8 if none runs."""
    from assistant.commands.status import show_status

    raise typer.Exit(show_status(config, as_json))


@app.command()
def mute(config: ConfigOption = None) -> None:
    """Have the running assistant close microphone and camera."""
    from assistant.commands import remote

    remote.mute(config)


@app.command()
def unmute(config: ConfigOption = None) -> None:
    """Have the running assistant open microphone and camera again."""
    from assistant.commands import remote

    remote.unmute(config)


@app.command()
def listen_now(config: ConfigOption = None) -> None:
    """Have the running assistant listen to what is said next, without a wake phrase."""
    from assistant.commands import remote

    remote.listen_now(config)


def _percent(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and int(text) <= 100):
        raise typer.BadParameter("it is a whole number from 0 to 100, for example 40.")
    return int(text)


@app.command()
def volume(
    percent: Annotated[int | None, typer.Argument(parser=_percent, metavar="PERCENT", help="0 to 100.")] = None,
    config: ConfigOption = None,
) -> None:
    """Set how loud the running assistant speaks, or show it."""
    from assistant.commands import remote

    if percent is None:
        remote.show_volume(config)
    else:
        remote.set_volume(percent, config)


@app.command()
def reload(config: ConfigOption = None) -> None:
    """Have the running assistant read its configuration again."""
    from assistant.commands import remote

    remote.reload(config)


@app.command()
def dump(
    folder: Annotated[Path, typer.Argument(help="A new folder.", metavar="FOLDER")], config: ConfigOption = None
) -> None:
    """Write what the running assistant heard and saw in the last recorder.seconds, to hear and replay it."""
    from assistant.commands.dump import dump as dump_to

    dump_to(folder, config)


@app.command()
def logs(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new lines.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the newest lines.")] = 100,
    since: Annotated[str | None, typer.Option(help="A time, such as today or '1 hour ago'.")] = None,
) -> None:
    """Show what the service wrote to the journal."""
    from assistant.commands.logs import show_logs

    show_logs(follow=follow, lines=lines, since=since)


@app.command()
def replay(
    out: Annotated[Path, typer.Option(help="Folder for the report.", metavar="DIR")],
    audio: Annotated[list[Path], typer.Option(help="Recording; repeat for several.", metavar="FILE")] = [],  # noqa: B006 (typer reads it)
    video: Annotated[str | None, typer.Option(help="Video, picture, folder or glob.", metavar="PATH")] = None,
    speed: Annotated[str, typer.Option(help="realtime or max.")] = "max",
    script: Annotated[Path | None, typer.Option(help="Scripted conversation.", metavar="FILE")] = None,
    config: ConfigOption = None,
) -> None:
    """Hold a conversation with recordings instead of devices and write a report."""
    from assistant.commands.replay import replay_files

    replay_files(audio, video, out, _speed(speed), script, config)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for the report.", metavar="DIR")] = Path("out/demo"),
    speed: Annotated[str, typer.Option(help="realtime or max.")] = "realtime",
) -> None:
    """Hold a scripted conversation over sample pictures and write a report."""
    from assistant.commands.demo import run_demo

    run_demo(out, _speed(speed))


@app.command()
def listen(
    audio: Annotated[Path | None, typer.Option(help="A recording instead of the microphone.", metavar="FILE")] = None,
    config: ConfigOption = None,
) -> None:
    """Print what is heard, as it is heard, and do nothing else."""
    from assistant.commands.listen import listen_live

    listen_live(audio, config)


@app.command()
def say(
    text: Annotated[str, typer.Argument(help="What to say.")],
    out: Annotated[Path | None, typer.Option(help="WAV file instead of the speaker.", metavar="FILE")] = None,
    language: Language = None,
    engine: Annotated[str | None, typer.Option(help="Voice engine; the configured one if not given.")] = None,
    config: ConfigOption = None,
) -> None:
    """Speak a text: the running assistant does, if there is one."""
    if out is None and engine is None:
        from assistant.commands.remote import say as have_said

        if have_said(text, language, config):
            return
    from assistant.commands.say import say as say_text
    from assistant.settings import load_config

    say_text(text, out, language, engine, load_config(config))


@app.command()
def see(
    photos: Annotated[list[Path], typer.Argument(help="Photos, or folders of photos.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the pictures with boxes.", metavar="DIR")] = None,
    language: Annotated[str, typer.Option(help="en or zh.")] = "en",
    read: Annotated[bool, typer.Option("--read", help="Also what is written; needs the extra ocr.")] = False,
    config: ConfigOption = None,
    as_json: Json = False,
) -> None:
    """Describe photos: a caption and boxes."""
    from assistant.commands.see import see as see_photos

    see_photos(photos, out, language, as_json, config, read=read)


@app.command()
def devices(as_json: Json = False) -> None:
    """List microphones, speakers and cameras."""
    from assistant.commands.devices import list_devices

    list_devices(as_json)


@app.command()
def doctor(config: ConfigOption = None, as_json: Json = False) -> None:
    """Check what is installed and what is missing, with the remedy. Exits 1 if something needed is missing."""
    from assistant.commands.doctor import examine

    raise typer.Exit(examine(config, as_json))


@app.command()
def forget(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    config: ConfigOption = None,
    as_json: Json = False,
) -> None:
    """Wipe what was kept about people and conversations. docs/privacy.md says what that is."""
    from assistant.commands.forget import forget as forget_all

    raise typer.Exit(forget_all(config, yes=yes, as_json=as_json))


def _speed(value: str) -> Literal["realtime", "max"]:
    if value not in ("realtime", "max"):
        raise typer.BadParameter(f"'{value}' is not a speed; use realtime or max.", param_hint="--speed")
    return value  # type: ignore[return-value]


def _add_groups() -> None:
    # Imported here, not on top, for the same reason that commands import late: `assistant --help` answers at once.
    from assistant.commands import bench, config, models, people

    app.add_typer(bench.app, name="bench", help="Measure on your own recordings.")
    app.add_typer(config.app, name="config", help="Show, check or edit the configuration.")
    app.add_typer(models.app, name="models", help="List, fetch, verify or remove models.")
    app.add_typer(people.app, name="people", help="Introduce people by their faces, list or forget them.")


def main() -> None:
    """Entry point."""
    command_line.run(_start)


def _start() -> None:
    _add_groups()
    app()
