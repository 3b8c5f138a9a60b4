"""hibari: the English voice. Its weights are in its package; 100 times faster than speech on one core."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import hibari
import numpy as np
import onnxruntime as ort

from assistant.config import Config
from assistant.events import AudioArray
from assistant.models.store import ModelStore
from assistant.ports import SpeakingStyle, Tensor
from assistant.tts.english import front_end
from assistant.tts.network_session import giving_back

_GAIN = np.float32(2.0)
"""The voice peaks at 0.2 to 0.35; this brings it to the loudness of the others."""


class HibariSynthesizer:
    """American English, female ("heart"). Cannot change pitch by itself."""

    sample_rate_hz: int = hibari.SAMPLE_RATE
    languages = frozenset({"en"})

    def __init__(self) -> None:
        self._voice = hibari.Hibari(g2p=front_end())
        self._voice.sess = _Sparing(self._voice.sess)

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> HibariSynthesizer:
        return cls()

    def synthesize(self, sentence: str, language: str, style: SpeakingStyle) -> Iterator[AudioArray]:
        """One block a sentence."""
        # The seed fixes the noise part: the same words always sound the same.
        for samples in self._voice.stream(sentence, speed=style.rate, seed=0):
            yield samples * _GAIN


class _Sparing:
    """The voice's session, which gives its buffers back after each sentence: they grow with the longest one so far."""

    def __init__(self, session: ort.InferenceSession) -> None:
        self._session = session
        self._options = giving_back()

    def run(self, names: Sequence[str] | None, feeds: Mapping[str, Tensor]) -> list[Tensor]:
        outputs: list[Tensor] = self._session.run(names, feeds, self._options)
        return outputs
