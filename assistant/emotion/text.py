"""What a person's words say about how they feel, in English and Chinese.

Own tables of words and rules come first. Where they find nothing in an English sentence, VADER's polarity is asked
(Hutto & Gilbert 2014, "VADER: A parsimonious rule-based model for sentiment analysis of social media text", ICWSM).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from assistant.config import Config
from assistant.emotion.affect import Distribution, distribution, estimate_from
from assistant.emotion.emoji import emoji_hits
from assistant.emotion.lexicon import Hit, Lexicon, Person
from assistant.emotion.text_features import SIZE, text_features
from assistant.emotion.words_en import ENGLISH, VADER_IGNORES
from assistant.emotion.words_zh import CHINESE
from assistant.events import EMOTION_LABELS, EmotionEstimate, EmotionLabel, Transcript
from assistant.han import contains_han

if TYPE_CHECKING:
    from assistant.emotion.classifier_network import ClassifierNetwork
    from assistant.models.store import ModelStore

_OTHER_SCRIPTS = re.compile(r"[\u0370-\u06ff\u0900-\u0e7f\u3040-\u30ff\uac00-\ud7af]")
"""Greek, Cyrillic, Hebrew, Arabic, Indian scripts, Thai, Japanese kana, Korean: no language of these tables. A text
of kanji alone is taken for Chinese."""
_NEUTRAL_MASS = 0.15
"""What stays neutral beside one word of feeling of strength 1."""
_TRUST_IN_PERSON: dict[Person, float] = {"self": 0.95, "nobody": 0.75, "other": 0.35}
"""Confidence by whose feeling it is: "I am sad", "this is sad", "she is sad"."""
_NEGATED: dict[EmotionLabel, dict[EmotionLabel, float]] = {
    "happy": {"sad": 0.45, "neutral": 0.3, "angry": 0.15, "disgust": 0.05, "fear": 0.05},
    "neutral": {"sad": 0.5, "fear": 0.25, "angry": 0.25},
    "surprise": {"neutral": 0.9, "sad": 0.1},
}
"""Where the mass of a negated class goes. Who is "not happy" may be anything unpleasant, or nothing at all."""
_NEGATED_UNPLEASANT: dict[EmotionLabel, float] = {"neutral": 0.75, "happy": 0.25}
_LEAST_POLARITY = 0.35
_POLARITY_TRUST = 0.5
_POSITIVE: dict[EmotionLabel, float] = {"happy": 0.9, "surprise": 0.1}
_NEGATIVE: dict[EmotionLabel, float] = {"sad": 0.35, "angry": 0.35, "fear": 0.15, "disgust": 0.15}


class TextEmotion:
    """The text channel."""

    name = "text"

    def __init__(self, network: ClassifierNetwork | None = None) -> None:
        """`network`, where there is one, judges what is no command; the tables still tell commands from statements."""
        self._network = network
        self._english = Lexicon(ENGLISH)
        self._chinese = Lexicon(CHINESE)
        self._polarity: Any = None

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> TextEmotion:
        """Raises `ModelError` when `emotion.text_model` cannot be used."""
        del models
        path = config.emotion.text_model
        if path is None:
            return cls()
        from assistant.emotion.classifier_network import ClassifierNetwork

        return cls(ClassifierNetwork(path, "text", SIZE))

    def estimate(self, evidence: Transcript) -> EmotionEstimate | None:
        """None for commands, questions, languages without tables, and sentences without a word of feeling."""
        chinese = contains_han(evidence.text)
        if _OTHER_SCRIPTS.search(evidence.text) or not (chinese or evidence.language == "en"):
            return None
        reading = (self._chinese if chinese else self._english).read(evidence.text)
        hits = (*reading.hits, *emoji_hits(evidence.text))
        if self._network is not None and (hits or reading.plain_statements):
            classes, decided = self._network.classify(text_features(evidence.text))
            return estimate_from(self.name, evidence.at_s, classes, decided * evidence.confidence)
        if hits:
            scores, confidence = _scores(hits)
        else:
            polarity = 0.0 if chinese else self._english_polarity(reading.plain_statements)
            if abs(polarity) < _LEAST_POLARITY:
                return None
            scores = _spread(_POSITIVE if polarity > 0 else _NEGATIVE, abs(polarity))
            confidence = _POLARITY_TRUST * abs(polarity)
        scores[EMOTION_LABELS.index("neutral")] += _NEUTRAL_MASS
        # Misheard words are no words of feeling.
        return estimate_from(self.name, evidence.at_s, distribution(scores), confidence * evidence.confidence)

    def _english_polarity(self, text: str) -> float:
        """VADER's compound score, -1 to 1."""
        if not text:
            return 0.0
        if self._polarity is None:
            from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

            self._polarity = SentimentIntensityAnalyzer()
            for word in VADER_IGNORES.split():
                self._polarity.lexicon.pop(word, None)
        return float(self._polarity.polarity_scores(text)["compound"])


def _scores(hits: tuple[Hit, ...]) -> tuple[Distribution, float]:
    """Mass of each class, shape (7,), and confidence: that of the clearest word."""
    scores = np.zeros(len(EMOTION_LABELS))
    confidence = 0.0
    # "I'm not sad, I'm angry": what a person denies says nothing beside what they affirm.
    for hit in [hit for hit in hits if not hit.negated] or hits:
        trust = _TRUST_IN_PERSON[hit.person]
        strongest = max(strength for _, strength in hit.feelings)
        for label, strength in hit.feelings:
            spread = _NEGATED.get(label, _NEGATED_UNPLEASANT) if hit.negated else {label: 1.0}
            scores += trust * _spread(spread, strength)
        # "Not happy" says less than "sad".
        confidence = max(confidence, trust * strongest * (0.8 if hit.negated else 1.0))
    return scores, confidence


def _spread(shares: dict[EmotionLabel, float], mass: float) -> Distribution:
    return np.array([mass * shares.get(label, 0.0) for label in EMOTION_LABELS])
