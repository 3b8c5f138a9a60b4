"""The part of Whisper that takes long to load: it stays from one recogniser of a process to the next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import ctranslate2
import tokenizers

from assistant.errors import ModelError
from assistant.kept import KEPT, file_identity


@dataclass(slots=True)
class WhisperNetwork:
    """A CTranslate2 model with its tokenizer."""

    model: ctranslate2.models.Whisper
    tokenizer: tokenizers.Tokenizer
    has_run: bool = False
    """The first run is slower than the others."""


def whisper_network(folder: Path, threads: int) -> WhisperNetwork:
    """The model in `folder`. Raises `ModelError` when it holds no usable one."""

    def load() -> WhisperNetwork:
        try:
            model = ctranslate2.models.Whisper(str(folder), device="cpu", compute_type="int8", intra_threads=threads)
            return WhisperNetwork(model, tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json")))
        except Exception as error:  # whatever either library raises; tokenizers has no type of its own
            raise ModelError(
                f"The recogniser's model in {folder} cannot be loaded: {error}",
                remedy="Check it with: assistant models verify",
            ) from error

    return KEPT.get("recogniser", ("whisper", folder, file_identity(folder), threads), load)
