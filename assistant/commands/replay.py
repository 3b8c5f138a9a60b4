"""`assistant replay`: a conversation with recordings, and its report."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from rich.console import Console as RichConsole

from assistant.atomic import replace_files_in
from assistant.audio.files import write_wav
from assistant.config import Config
from assistant.errors import ConfigError, MediaError
from assistant.models.store import ModelStore
from assistant.ports import Clock, TurnObserver
from assistant.replay import Replayed, Speed, replay
from assistant.script import HUMAN, Script, load_script, script_of
from assistant.settings import load_config
from assistant.telemetry.console import Console
from assistant.telemetry.events_file import EventsFile
from assistant.telemetry.machine import describe_machine
from assistant.telemetry.report import write_report
from assistant.telemetry.report_header import ReportHeader

_REPORTED_PACKAGES = ("edge-assistant", "onnxruntime", "ctranslate2", "hibari-tts", "numpy")


def replay_files(
    audio: list[Path], video: str | None, out: Path, speed: Speed, script_path: Path | None, config_path: Path | None
) -> None:
    """Hold the conversation and write `report.html`, `report.json`, `events.jsonl` and `reply.wav` to `out`."""
    if script_path is None and not audio:
        raise ConfigError("There is nothing to hear.", remedy="Give --audio FILE or --script FILE.")
    if script_path is not None and audio:
        raise ConfigError("--audio and --script exclude each other.", remedy="Put the recordings into the script.")
    script = load_script(script_path) if script_path is not None else script_of(audio)
    replay_script(load_config(config_path), script, video, out, speed)


def replay_script(config: Config, script: Script, video: str | None, out: Path, speed: Speed) -> Replayed:
    """Replay a script into `out`, printing the conversation as it happens.

    Raises `MediaError` when nobody speaks in any of its recordings.
    """
    models = ModelStore(config.models.dir)
    with replace_files_in(out) as folder, closing(EventsFile(folder / "events.jsonl", log_content=True)) as events:

        def observers(clock: Clock) -> Sequence[TurnObserver]:
            return [Console(clock, show_latency=speed == "realtime"), events]

        replayed = replay(config, script, video, models, observers, speed)
        recording = replayed.recording
        spoken = [str(step.audio) for step in script.steps if step.audio is not None]
        if spoken and not recording.heard_speech:
            raise MediaError(f"Nobody speaks in {', '.join(spoken)}.", remedy="Record louder, or lower vad.threshold.")
        write_wav(folder / "reply.wav", replayed.reply, replayed.reply_rate_hz)
        write_report(
            folder,
            replayed.timeline,
            header=_header(config, script, speed),
            pictures=recording.drawn(),
            replies=recording.replies,
            questions=recording.questions,
        )
    RichConsole().print(f"\nThe report is {out / 'report.html'}", highlight=False, soft_wrap=True)
    return replayed


def _header(config: Config, script: Script, speed: Speed) -> ReportHeader:
    spoken_by = {step.voice for step in script.steps if step.audio is not None}
    synthesisers = sorted(spoken_by - {"", HUMAN})
    return ReportHeader(
        title=script.title,
        created=datetime.now().astimezone(),
        machine=describe_machine(),
        speed=speed,
        versions=_versions(),
        models={
            "recogniser": config.asr.model,
            "detector": config.vision.detector,
            "faces": config.vision.faces,
            "voice (en)": config.tts.en,
            "voice (zh)": config.tts.zh,
        },
        questions_spoken_by=", ".join(synthesisers) or None,
        questions_partly_synthesised=bool(synthesisers) and len(synthesisers) < len(spoken_by),
    )


def _versions() -> Mapping[str, str]:
    found = {}
    for package in _REPORTED_PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found
