"""`assistant listen`: what is heard, and nothing else."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import anyio
from rich.console import Console as RichConsole

from assistant.asr.loading import load_recognizer, recognizer_process
from assistant.asr.transcriber import Transcriber
from assistant.audio.files import read_audio
from assistant.audio.listener import Listener
from assistant.audio.microphone import Microphone
from assistant.audio.scripted import ScriptedMicrophone
from assistant.clock import LoopClock
from assistant.commands.sound import check_microphone
from assistant.common import Common
from assistant.config import Config
from assistant.errors import AssistantError, MediaError
from assistant.events import SpeechContinued, SpeechEnded, SpeechPaused
from assistant.models.store import ModelStore
from assistant.ports import AudioSource
from assistant.settings import load_config
from assistant.stages import RECOGNIZER, StageReports
from assistant.telemetry.console import Console
from assistant.virtual_time import run_in_virtual_time


def listen_live(recording: Path | None, config_path: Path | None) -> None:
    """Print partial texts with a leading "…" and final ones without, until Ctrl-C or the end of the recording.

    Raises `MediaError` for a recording in which nobody speaks, and `StageError` for one that the recogniser fails on;
    live it goes on. Raises `ConfigError` for a microphone that is switched off.
    """
    config = load_config(config_path)
    if recording is None:
        check_microphone(config.audio, instead="--audio FILE")
        anyio.run(_listen, config, None)
    elif not run_in_virtual_time(lambda: _listen(config, recording)):
        raise MediaError(f"Nobody speaks in {recording}.", remedy="Record it louder, or lower vad.threshold.")


async def _listen(config: Config, recording: Path | None) -> int:
    """The number of utterances heard."""
    clock, models, out = LoopClock(), ModelStore(config.models.dir), RichConsole(highlight=False, soft_wrap=True)
    common = Common.create(config, clock, Console(clock, out).on_event)
    scripted = ScriptedMicrophone(clock) if recording else None
    source: AudioSource = scripted or Microphone(config.audio)
    failures = None if scripted else common.stages
    async with AsyncExitStack() as closing:
        process = recognizer_process(config, models)
        if process is not None:
            closing.push_async_callback(process.close)
        recognizer = load_recognizer(config, models, process)
        transcriber = Transcriber(recognizer, clock, config.asr, failures)
        closing.callback(transcriber.close)
        streams = recognizer.streams_partials
        listener = Listener.create(common, models, source, streaming=streams)
        closing.push_async_callback(source.close)
        await source.open()
        group = await closing.enter_async_context(anyio.create_task_group())
        if scripted and recording:
            group.start_soon(_play, scripted, recording)
        else:
            out.print(f"Listening to {source.name}. Ctrl-C ends it.", style="dim", markup=False)
            group.start_soon(transcriber.watch)
        heard = await _print_texts(listener, transcriber, out, failures, streams=streams)
        group.cancel_scope.cancel()
        return heard


async def _print_texts(
    listener: Listener, transcriber: Transcriber, out: RichConsole, failures: StageReports | None, *, streams: bool
) -> int:
    """Until the microphone ends: the number of utterances heard. `failures` are told there, or raised if it is None."""
    heard, partial = 0, ""
    async for event in listener.events():
        try:
            if isinstance(event, SpeechContinued):
                text = await transcriber.partial(event.utterance) or ""
            elif isinstance(event, SpeechPaused) and not streams:
                text = (await transcriber.recognize(event.utterance)).recognition.text
            elif isinstance(event, SpeechEnded):
                result = (await transcriber.recognize(event.utterance, waits=True)).recognition
                heard, partial, text = heard + 1, "", ""
                if failures is not None:
                    failures.works(RECOGNIZER)
                out.print(f"[{result.language}] {result.text or '(no words)'}", markup=False)
            else:
                continue
        except AssistantError as error:
            if failures is None:
                raise
            if isinstance(event, SpeechEnded):  # once an utterance
                failures.failed(RECOGNIZER, error)
            continue
        if text and text != partial:
            partial = text
            out.print(f"… {text}", style="dim", markup=False)
    return heard


async def _play(microphone: ScriptedMicrophone, recording: Path) -> None:
    await microphone.say(read_audio(recording))
    # The end of the file is the end of what is being said.
    await microphone.close()
