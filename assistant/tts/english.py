"""English text to phonemes, by hibari's own front end (no espeak-ng, no spaCy). Kokoro speaks the same alphabet."""

from __future__ import annotations

import functools

from hibari.g2p import G2P

from assistant.tts.lexicon import load_front_end


@functools.cache
def front_end() -> G2P:
    """The one front end of this process."""
    return load_front_end()


def phonemes_from_english(text: str) -> str:
    """Phonemes of English text in misaki's alphabet."""
    phonemes: str = front_end()(text)
    return phonemes
