"""Phrases that the recogniser should know when it hears them, above all the wake phrase.

Whisper writes a name that it does not know as whatever it knows: "Hey, novice". So when the text does not begin with an
expected phrase, the model is asked how likely that phrase is given the same encoded sound. For people who said it, in
noise and with accents, the mean log-probability of its tokens was above -3 in nine of ten; for people who said
something else it was below -7, and between -2.4 and -6 where they said something that sounds like it ("Hey Travis").
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import ctranslate2
import numpy as np

from assistant.asr.simplified import to_traditional
from assistant.asr.tokens import Tokens
from assistant.han import contains_han

MIN_LOG_PROBABILITY = -3.0
MIN_FRAMES = 16
"""Shorter sounds hold no phrase, and too little for the alignment's filter."""
FRAMES_PER_S = 50


@dataclass(frozen=True, slots=True)
class Expected:
    """A phrase as the decoder would write it."""

    text: str
    tokens: tuple[int, ...]

    def begins(self, text: str) -> bool:
        """Whether `text` begins with the phrase, letter by letter."""
        return _letters(text).startswith(_letters(self.text))


class ExpectedPhrases:
    """Phrases by language."""

    def __init__(self, phrases: Sequence[str], tokenizers: Mapping[str, Tokens]) -> None:
        self._spoken = {
            "en": [phrase.title() for phrase in phrases if not contains_han(phrase)],
            "zh": [phrase for phrase in phrases if contains_han(phrase)],
        }
        self._tokenizers = tokenizers
        self._phrases: dict[str, list[Expected]] = {}

    def _in(self, language: str) -> list[Expected]:
        """The phrases of a language, written when they are first wanted: the traditional characters of those who speak
        no Chinese would cost every start a tenth of a second."""
        if language not in self._phrases:
            encode = self._tokenizers[language].encode
            self._phrases[language] = [
                Expected(phrase, tuple(encode(spelling)))
                for phrase in self._spoken.get(language, ())
                for spelling in _spellings(phrase, language)
            ]
        return self._phrases[language]

    def overheard(
        self,
        text: str,
        model: ctranslate2.models.Whisper,
        encoded: ctranslate2.StorageView,
        tokenizer: Tokens,
        seconds: float,
    ) -> Expected | None:
        """The phrase that the sound holds although `text` does not begin with it, None when there is none."""
        phrases = self._in(tokenizer.language)
        frames = int(seconds * FRAMES_PER_S)
        if frames < MIN_FRAMES or any(phrase.begins(text) for phrase in phrases):
            return None
        best, likelihood = None, MIN_LOG_PROBABILITY
        for phrase in phrases:
            (alignment,) = model.align(encoded, tokenizer.prompt, [list(phrase.tokens)], frames)
            probabilities = np.asarray(alignment.text_token_probs[: len(phrase.tokens)])
            mean = float(np.log(np.maximum(probabilities, 1e-9)).mean())
            if mean >= likelihood:
                best, likelihood = phrase, mean
        return best


def _spellings(phrase: str, language: str) -> tuple[str, ...]:
    """How the decoder may write a phrase."""
    return tuple(dict.fromkeys((phrase, to_traditional(phrase)))) if language == "zh" else (f" {phrase}",)


def _letters(text: str) -> str:
    return "".join(re.findall(r"\w", text)).lower()
