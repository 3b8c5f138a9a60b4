"""A slow voice that has the beginnings of replies at hand: they are heard at once, while it makes the rest. What it has
said a short time ago it has at hand as a whole: of an unchanged scene, asked again, or to repeat something."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import platformdirs

from assistant.events import AudioArray
from assistant.ports import RehearsableSynthesizer, SpeakingStyle, Synthesizer
from assistant.tts.finishing import has_words, sounding_s, trimmed
from assistant.tts.kept_speech import KeptSpeech
from assistant.tts.recent_speech import RecentSpeech

_LOG = logging.getLogger(__name__)
_SAME_RATE = 0.02
"""Rates that differ by no more sound the same: a mood changes them by some percent."""
_BREATH_S = 0.04
"""Silence left after a beginning in the middle of a clause: what follows belongs to it."""
_WITHIN_S, _AFTER_CLAUSE_S = 0.45, 0.7
"""The longest silence in the middle of a clause, and after one, that is heard as a pause of whoever speaks."""
_MARK = "，"
"""Begins the rest after a beginning that is no clause: its first sound is clearer than that of a sentence."""
_RECENT_S = 60.0
"""Speech that is kept in memory, six megabytes: some twenty sentences."""
_CLAUSE_ENDS = "，、；：。！？,;:.!?"


class RehearsedVoice:
    """As the voice, but for sentences that begin with what was rehearsed."""

    def __init__(
        self, voice: RehearsableSynthesizer, beginnings: Mapping[str, Sequence[str]], rate: float, folder: Path
    ) -> None:
        """`beginnings` are texts by language, to be made in this order; `folder` keeps their sound. `rate` is that of a
        neutral style."""
        self.sample_rate_hz, self.languages = voice.sample_rate_hz, voice.languages
        self._voice = voice
        self._rate = rate
        self._beginnings = beginnings
        self._kept = KeptSpeech(folder)
        self._recent = RecentSpeech(round(_RECENT_S * voice.sample_rate_hz))
        self._missing: dict[str, list[str]] = {}
        """Language → what is yet to be made, once that was asked."""

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        """What it is made of, or was, if it was said to its end."""
        key = sentence, language, round(style.rate / _SAME_RATE)  # `finishing.speech` sees to pitch and volume
        blocks = self._recent.get(key)
        if blocks is not None:
            yield from blocks
            return
        made = []
        for block in self._made_of(sentence, language, style):
            made.append(block)
            yield block
        self._recent.put(key, made)

    def _made_of(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        """The beginning, if it is kept, and what the voice makes of the rest: before the beginning is heard, where it
        would be over too long before."""
        beginning, samples = self._beginning_of(sentence, language, style)
        rest = sentence[len(beginning) :]
        if beginning and not _ends_clause(beginning):
            rest = _MARK + rest
        blocks = self._voice.synthesize(rest, language, style) if has_words(rest) else iter(())
        if samples is not None:
            is_late = has_words(rest) and self._voice.takes_s(rest, language) > self._covers_s(beginning, samples)
            ahead = list(itertools.islice(blocks, int(is_late)))
            yield from (samples, *ahead)
        yield from blocks

    def rehearse(self, language: str) -> int:
        """Make one beginning that is missing, and keep it; the result is how many are missing then."""
        if language not in self._missing:
            self._missing[language] = self._look_through(language)
            if not self._missing[language]:
                self._learn_pace(language)
        missing = self._missing[language]
        if missing:
            try:
                self._kept.put(self._key(missing[0], language), self._made(missing[0], language))
                missing.pop(0)
            except OSError as error:
                _LOG.info("What replies begin with is made whenever it is said, for it cannot be kept: %s", error)
                missing.clear()
        return len(missing)

    def _beginning_of(self, sentence: str, language: str, style: SpeakingStyle) -> tuple[str, AudioArray | None]:
        """The longest text that is kept and begins the sentence, with its sound; nothing if there is none."""
        if abs(style.rate - self._rate) <= _SAME_RATE:
            for text in sorted(filter(sentence.startswith, self._beginnings.get(language, ())), key=len, reverse=True):
                if (samples := self._kept.get(self._key(text, language))) is not None:
                    return text, samples
        return "", None

    def _look_through(self, language: str) -> list[str]:
        """What is missing of a language, or damaged; what nobody wants any more is removed."""
        wanted = {self._key(text, other) for other, texts in self._beginnings.items() for text in texts}
        try:
            self._kept.keep_only(wanted)
        except OSError as error:
            _LOG.info("What replies began with once cannot be removed: %s", error)
        texts = self._beginnings.get(language, ())
        return [text for text in texts if self._kept.get(self._key(text, language)) is None]

    def _learn_pace(self, language: str) -> None:
        """Have the voice find out how fast it is on this machine before anybody is answered."""
        for text in self._beginnings.get(language, ())[:1]:
            self._made(text, language)

    def _covers_s(self, beginning: str, samples: AudioArray) -> float:
        return sounding_s(samples, self.sample_rate_hz) + (_AFTER_CLAUSE_S if _ends_clause(beginning) else _WITHIN_S)

    def _key(self, text: str, language: str) -> str:
        return f"{self._voice.fingerprint(text, language)}, rate {self._rate:g}, {text}"

    def _made(self, text: str, language: str) -> AudioArray:
        if _ends_clause(text):
            blocks = self._voice.synthesize(text, language, SpeakingStyle(rate=self._rate))
            return trimmed(np.concatenate([np.zeros(0, np.float32), *blocks]), self.sample_rate_hz)
        samples = trimmed(self._voice.unfinished(text, language, self._rate), self.sample_rate_hz)
        end_s = sounding_s(samples, self.sample_rate_hz) + _BREATH_S
        return samples[: round(end_s * self.sample_rate_hz)]


def rehearsed(voice: Synthesizer, beginnings: Mapping[str, Sequence[str]], rate: float) -> Synthesizer:
    """The voice, with these beginnings at hand if it takes its time for them; the user's cache keeps them."""
    spoken = {language: texts for language, texts in beginnings.items() if language in voice.languages}
    if not spoken or not isinstance(voice, RehearsableSynthesizer):
        return voice
    return RehearsedVoice(voice, spoken, rate, platformdirs.user_cache_path("edge-assistant") / "voices" / "beginnings")


def _ends_clause(text: str) -> bool:
    return text[-1] in _CLAUSE_ENDS
