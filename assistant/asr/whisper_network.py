"""The part of Whisper that takes long to load: it stays from one recogniser of a process to the next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from faster_whisper import WhisperModel

from assistant.errors import ModelError
from assistant.kept import KEPT, file_identity


@dataclass(slots=True)
class WhisperNetwork:
    """A CTranslate2 model with its tokenizer and features."""

    whisper: WhisperModel
    has_run: bool = False
    """The first run is slower than the others."""


def whisper_network(folder: Path, threads: int) -> WhisperNetwork:
    """The model in `folder`. Raises `ModelError` when it holds no usable one."""

    def load() -> WhisperNetwork:
        try:
            whisper = WhisperModel(
                str(folder), device="cpu", compute_type="int8", cpu_threads=threads, local_files_only=True
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise ModelError(
                f"The recogniser's model in {folder} cannot be loaded: {error}",
                remedy="Check it with: assistant models verify",
            ) from error
        return WhisperNetwork(whisper)

    return KEPT.get("recogniser", ("whisper", folder, file_identity(folder), threads), load)
