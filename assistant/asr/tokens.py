"""Whisper's tokens: a language's tokenizer, and which tokens of an answer are words that were said."""

from __future__ import annotations

from typing import Any

from faster_whisper.tokenizer import Tokenizer

from assistant.errors import ConfigError

SECONDS_PER_TIMESTAMP = 0.02
END_SLACK_S = 0.35
"""A segment that ends this close to the end of the sound is the last one."""


def tokenizer_for(tokenizer: Any, multilingual: bool, language: str) -> Tokenizer:
    """A language's tokenizer. Raises `ConfigError` for a language that Whisper does not know."""
    try:
        return Tokenizer(tokenizer, multilingual, task="transcribe", language=language)
    except ValueError as error:
        raise ConfigError(
            f"Whisper knows no language '{language}'.", remedy="Correct asr.languages in the configuration."
        ) from error


def spoken_tokens(tokens: list[int], tokenizer: Tokenizer, seconds: float) -> list[int]:
    """The words before the timestamp at which the sound is over."""
    spoken: list[int] = []
    for token in tokens:
        if token >= tokenizer.timestamp_begin:
            at_s = (token - tokenizer.timestamp_begin) * SECONDS_PER_TIMESTAMP
            if spoken and at_s >= seconds - END_SLACK_S:
                break
        else:
            spoken.append(token)
    return spoken
