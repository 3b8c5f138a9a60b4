"""Whisper's tokens: a language's prompt, and which tokens of an answer are words that were said."""

from __future__ import annotations

from collections.abc import Iterable

import tokenizers

from assistant.errors import ConfigError, ModelError

SECONDS_PER_TIMESTAMP = 0.02
END_SLACK_S = 0.35
"""A segment that ends this close to the end of the sound is the last one."""


class Tokens:
    """What is said in one language, as tokens."""

    def __init__(self, tokenizer: tokenizers.Tokenizer, multilingual: bool, language: str) -> None:
        """Raises `ConfigError` for a language that Whisper does not know, `ModelError` for another model's tokens."""
        if multilingual and tokenizer.token_to_id(f"<|{language}|>") is None:
            raise ConfigError(
                f"Whisper knows no language '{language}'.", remedy="Correct asr.languages in the configuration."
            )
        names = ["startoftranscript", *([language, "transcribe"] if multilingual else [])]
        self.language = language if multilingual else "en"
        self.prompt = [_special(tokenizer, name) for name in names]
        """What an answer in this language begins after."""
        self.previous = _special(tokenizer, "startofprev")
        """What comes before the prompt if the text before it is told."""
        self.timestamp_begin = _special(tokenizer, "notimestamps") + 1
        self._words_end = _special(tokenizer, "endoftext")
        self._tokenizer = tokenizer

    def encode(self, text: str) -> list[int]:
        """The tokens of words."""
        tokens: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return tokens

    def decode(self, tokens: Iterable[int]) -> str:
        """The words of tokens; others than words are left out."""
        return str(self._tokenizer.decode([token for token in tokens if token < self._words_end]))


def _special(tokenizer: tokenizers.Tokenizer, name: str) -> int:
    found = tokenizer.token_to_id(f"<|{name}|>")
    if found is None:
        raise ModelError(f"The recogniser's tokens lack <|{name}|>.", remedy="Check it with: assistant models verify")
    return found


def spoken_tokens(tokens: list[int], tokenizer: Tokens, seconds: float) -> list[int]:
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
