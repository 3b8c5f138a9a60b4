"""Whisper on CTranslate2, tuned for the short utterances of a conversation.

Whisper was trained on windows of 30 seconds and spends most of its time encoding silence behind a short command. Here
the window follows the utterance's length. A shorter window alone makes the decoder run on past the end of the speech;
asking it for timestamps stops it: it closes the segment where the speech ends, and whatever comes later is cut off.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import ctranslate2
import numpy as np

from assistant.asr.engine import check_engine
from assistant.asr.expected import Expected, ExpectedPhrases
from assistant.asr.hallucinations import Evidence, is_loop, is_made_up
from assistant.asr.mel import SAMPLE_RATE_HZ, LogMel
from assistant.asr.primed import may_interrupt, primed_text
from assistant.asr.simplified import to_simplified
from assistant.asr.tokens import Tokens, spoken_tokens
from assistant.asr.whisper_network import whisper_network
from assistant.config import Config
from assistant.errors import ConfigError
from assistant.events import AudioArray
from assistant.ports import Recognition

if TYPE_CHECKING:
    from assistant.models.store import ModelStore

FULL_WINDOW_S = 30.0
MIN_WINDOW_S = 6.0
"""With less the small models repeat themselves."""
MARGIN_S = 1.5
"""Silence that a window must have behind the utterance: with less, words are lost or doubled."""
DOUBTFUL_SHARE = 0.05
"""A language with this share of the probability, among those to decide among, is tried. Detection is often wrong on one
or two words with an accent, and then the decoder's own confidence is the better judge."""
TOKENS_PER_S = 12
"""Faster than anyone speaks, timestamps included: a decoder that writes more is looping."""
TOKENS_MIN = 12


@dataclass(frozen=True, slots=True)
class _Decoded:
    text: str
    evidence: Evidence
    complete: bool
    """Whether the decoder came to an end by itself."""


class WhisperRecognizer:
    """Multilingual or English-only Whisper; recognises whole utterances, so it has no partials."""

    streams_partials = False

    def __init__(
        self,
        folder: Path,
        *,
        languages: tuple[str, ...],
        phrases: tuple[str, ...] = (),
        beam_size: int = 1,
        threads: int = 2,
    ) -> None:
        """Load the CTranslate2 model in `folder` and run it once, so that the first utterance is not slower.

        `languages` are decided among; `phrases` are recognised at the beginning of an utterance even where they were
        said unclearly. Raises `ModelError` when the folder holds no usable model and `ConfigError` when
        the model does not know a language.
        """
        network = whisper_network(folder, threads)
        self._model = network.model
        self._features = LogMel(self._model.n_mels)
        self._multilingual = bool(self._model.is_multilingual)
        self.languages = frozenset(languages) if self._multilingual else frozenset({"en"})
        self._tokenizers = {
            language: Tokens(network.tokenizer, self._multilingual, language) for language in self.languages
        }
        self._expected = ExpectedPhrases(phrases, self._tokenizers)
        self._beam_size = beam_size
        if not network.has_run:
            self.transcribe(np.zeros(SAMPLE_RATE_HZ, np.float32), min(self.languages))
            network.has_run = True

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> WhisperRecognizer:
        """Load the model that `config.asr.model` names. Raises `ModelMissingError` when it has not been pulled and
        `ConfigError` when it is no Whisper model or does not know `config.asr.language`."""
        asr = config.asr
        check_engine(models.manifest(asr.model), "whisper")
        recognizer = cls(
            models.path(asr.model),
            languages=asr.languages,
            phrases=config.wake.phrases if config.wake.mode == "phrase" else (),
            beam_size=asr.beam_size,
            threads=asr.threads or max(1, len(os.sched_getaffinity(0)) // 2),
        )
        if asr.language != "auto":
            recognizer.check(asr.language)
        return recognizer

    def open(self, language: str | None) -> WhisperStream:
        """Begin an utterance. Raises `ConfigError` for a language that the model does not know."""
        if language is not None:
            self.check(language)
        return WhisperStream(self, language)

    def check(self, language: str) -> None:
        """Raise `ConfigError` when `language` is not among `languages`."""
        if language not in self.languages:
            raise ConfigError(
                f"The recogniser was asked for '{language}' but knows only: {', '.join(sorted(self.languages))}.",
                remedy="Set asr.language, asr.languages or asr.model.",
            )

    def close(self) -> None:
        """Nothing to free: the model goes with the last recogniser that uses it."""

    def transcribe(self, samples: AudioArray, language: str | None, *, over_reply: bool = False) -> Recognition:
        """Recognise float32 mono samples at 16 kHz; those beyond 30 s are recognised window by window. What may be an
        interruption, being short, is decoded twice if it was said `over_reply`."""
        if not samples.size:
            return Recognition("", language or min(self.languages), 0.0)
        window = int(FULL_WINDOW_S * SAMPLE_RATE_HZ)
        parts = [
            self._transcribe_window(samples[start : start + window], language, over_reply)
            for start in range(0, samples.size, window)
        ]
        if len(parts) == 1:
            return parts[0]
        heard = [part for part in parts if part.text] or parts[:1]
        joint = "" if heard[0].language == "zh" else " "
        text = joint.join(part.text for part in heard)
        return Recognition(text, heard[0].language, min(part.confidence for part in heard))

    def _transcribe_window(self, samples: AudioArray, language: str | None, over_reply: bool) -> Recognition:
        seconds = samples.size / SAMPLE_RATE_HZ
        for window_s in dict.fromkeys((window_for(seconds), FULL_WINDOW_S)):
            encoded = self._encode(samples, window_s)
            shares = {language: 1.0} if language else self._shares(encoded)
            # One language if that is clear, else all that are in question.
            candidates = [each for each, share in shares.items() if share >= DOUBTFUL_SHARE] or list(shares)
            attempts = {candidate: self._decode(encoded, candidate, seconds) for candidate in candidates}
            spoken = max(attempts, key=lambda candidate: attempts[candidate].evidence.mean_log_probability)
            decoded = attempts[spoken]
            # A loop in a short window is gone in the long one, which the model was trained on.
            if decoded.complete and not is_loop(decoded.text):
                break
        tokenizer = self._tokenizers[spoken]
        overheard = self._expected.overheard(decoded.text, self._model, encoded, tokenizer, seconds)
        if overheard is not None:
            decoded = self._decode(encoded, spoken, seconds, overheard)
        elif is_made_up(decoded.text, decoded.evidence):
            return Recognition("", spoken, 0.0)
        text = to_simplified(decoded.text) if spoken == "zh" else decoded.text
        confidence = min(1.0, math.exp(decoded.evidence.mean_log_probability))
        likely = may_interrupt(shares, spoken, decoded.evidence, seconds) if over_reply else []
        try:
            primed = [primed_text(self._model, encoded, self._tokenizers[each], seconds) for each in likely]
        except RuntimeError:  # the text is there, and nobody is to lose it for what it may be besides
            primed = []
        return Recognition(text, spoken, confidence, tuple(primed))

    def _encode(self, samples: AudioArray, window_s: float) -> ctranslate2.StorageView:
        padded = np.zeros(int(window_s * SAMPLE_RATE_HZ), np.float32)
        padded[: samples.size] = samples
        features = np.ascontiguousarray(self._features(padded)[np.newaxis])
        return self._model.encode(ctranslate2.StorageView.from_array(features))

    def _shares(self, encoded: ctranslate2.StorageView) -> dict[str, float]:
        """Language → how likely it is that one, of those that it may be."""
        if len(self.languages) == 1:
            return dict.fromkeys(self.languages, 1.0)
        ranked = self._model.detect_language(encoded)[0]
        probabilities = {token.strip("<|>"): probability for token, probability in ranked}
        known = {language: probabilities.get(language, 0.0) for language in sorted(self.languages)}
        total = sum(known.values()) or 1.0
        return {language: probability / total for language, probability in known.items()}

    def _decode(
        self, encoded: ctranslate2.StorageView, language: str, seconds: float, start: Expected | None = None
    ) -> _Decoded:
        """Decode greedily or by beam; with `start`, what comes after that phrase."""
        tokenizer = self._tokenizers[language]
        prompt = list(tokenizer.prompt)
        if start is not None:
            prompt += [tokenizer.timestamp_begin, *start.tokens]
        budget = TOKENS_MIN + int(TOKENS_PER_S * seconds)
        (result,) = self._model.generate(
            encoded,
            [prompt],
            beam_size=self._beam_size,
            max_length=min(448, len(prompt) + budget),
            return_scores=True,
            return_no_speech_prob=True,
        )
        tokens = result.sequences_ids[0]
        # The score is a mean over the tokens; the end token, which is not among them, counts too.
        mean_log_probability = result.scores[0] * len(tokens) / (len(tokens) + 1)
        text = tokenizer.decode(spoken_tokens(tokens, tokenizer, seconds))
        if start is not None and not start.begins(text):
            text = start.text + ("" if is_loop(text) else text)
        return _Decoded(
            text.strip(),
            Evidence(mean_log_probability, result.no_speech_prob),
            complete=len(tokens) < budget,
        )


class WhisperStream:
    """Collects an utterance and recognises all of it when asked."""

    def __init__(self, recognizer: WhisperRecognizer, language: str | None) -> None:
        self._recognizer = recognizer
        self._language = language
        self._blocks: list[AudioArray] = []
        self._result: Recognition | None = None

    def accept(self, samples: AudioArray) -> str | None:
        """Take the next 16 kHz samples."""
        if samples.size:
            self._blocks.append(samples)
            self._result = None
        return None

    def result(self, *, over_reply: bool = False) -> Recognition:
        """What has been said so far; decoded anew only after more samples."""
        if self._result is None:
            samples = np.concatenate(self._blocks) if self._blocks else np.zeros(0, np.float32)
            self._blocks = [samples]
            self._result = self._recognizer.transcribe(samples, self._language, over_reply=over_reply)
        return self._result


def window_for(seconds: float) -> float:
    """Length in whole seconds of the window in which an utterance is recognised."""
    return min(FULL_WINDOW_S, max(MIN_WINDOW_S, float(math.ceil(seconds + MARGIN_S))))
