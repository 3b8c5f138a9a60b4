"""What a command needs to hear or to speak."""

from __future__ import annotations

from assistant.config import AudioConfig
from assistant.errors import ConfigError


def check_microphone(audio: AudioConfig, *, instead: str) -> None:
    """Raise `ConfigError` when it is switched off; `instead` is what works without."""
    if audio.input == "none":
        raise ConfigError(
            'audio.input is "none", so there is nothing to listen to.', remedy=f"Name a microphone, or use {instead}."
        )


def check_speaker(audio: AudioConfig, *, instead: str) -> None:
    """Raise `ConfigError` when it is switched off; `instead` is what works without."""
    if audio.output == "none":
        raise ConfigError(
            'audio.output is "none", so there is nothing to speak with.', remedy=f"Name a speaker, or use {instead}."
        )
