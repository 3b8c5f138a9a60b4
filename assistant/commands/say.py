"""`assistant say`: speak a text, to the speaker or into a file."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path

import anyio
import numpy as np
import typer

from assistant.audio.files import write_wav
from assistant.audio.speaker import Speaker
from assistant.commands.language import check_language
from assistant.commands.sound import check_speaker
from assistant.config import Config
from assistant.errors import MediaError, StageError
from assistant.events import AudioArray, SpeechChunk
from assistant.han import script_language
from assistant.ports import SpeakingStyle
from assistant.registry import resolve
from assistant.tts import SAMPLE_RATE_HZ, SYNTHESIZERS
from assistant.tts.finishing import has_words
from assistant.tts.process import SpeechProcess


def say(text: str, out: Path | None, language: str | None, engine: str | None, config: Config) -> float:
    """Speak `text`; returns how many seconds it lasted.

    Without `out` it goes to the configured speaker. `language` is taken from the script if not given, `engine` from
    the configuration; a named engine has no fallback. Raises `ConfigError` for a language or an engine that does not
    exist or a speaker that is switched off, `MediaError` when there is nothing to say or the file cannot be written,
    `DeviceError` for the speaker, `StageError` when no voice can say it.
    """
    check_language(language)
    if not has_words(text):
        raise MediaError("There is nothing to say: the text holds no word.", remedy="Give a text with words.")
    spoken_language = language or script_language(text)
    chosen = _with_engine(config, engine) if engine else config
    if out is None:
        check_speaker(config.audio, instead="--out FILE")
        return anyio.run(_play, text, spoken_language, chosen)
    samples = anyio.run(_collect, text, spoken_language, chosen)
    if not len(samples):
        raise MediaError("No sound came of it: the voice knows none of these words.", remedy="Try another --engine.")
    try:
        write_wav(out, samples, SAMPLE_RATE_HZ)
    except OSError as error:
        raise MediaError(
            f"{out} cannot be written: {error.strerror}.", remedy="Check the path and the free space."
        ) from error
    return len(samples) / SAMPLE_RATE_HZ


def _with_engine(config: Config, engine: str) -> Config:
    resolve(SYNTHESIZERS, engine, kind="voice")  # names the voices there are, before anything is started
    return config.model_copy(
        update={"tts": config.tts.model_copy(update={"en": engine, "zh": engine, "fallback": "none"})}
    )


async def _blocks(text: str, language: str, config: Config) -> AsyncGenerator[AudioArray, None]:
    failures: list[StageError] = []
    voices = SpeechProcess(config, config.models.dir, on_failure=failures.append)
    try:
        async with aclosing(voices.speak(text, language, SpeakingStyle())) as spoken:
            async for samples, _ in spoken:
                yield samples
    finally:
        await voices.close()
    for failure in failures:
        typer.echo(f"{failure} The voice '{config.tts.fallback}' spoke instead.", err=True)


async def _collect(text: str, language: str, config: Config) -> AudioArray:
    async with aclosing(_blocks(text, language, config)) as blocks:
        return np.concatenate([np.zeros(0, np.float32), *[samples async for samples in blocks]])


async def _play(text: str, language: str, config: Config) -> float:
    speaker = Speaker(config.audio)
    length = 0
    await speaker.open()
    try:
        async with aclosing(_blocks(text, language, config)) as blocks:
            async for samples in blocks:
                await speaker.play(SpeechChunk(anyio.current_time(), 0, samples, SAMPLE_RATE_HZ, ""))
                length += len(samples)
        await speaker.drain()
    finally:
        await speaker.close()
    return length / SAMPLE_RATE_HZ
