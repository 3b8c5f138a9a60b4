"""English text to phonemes, by hibari's own front end (no espeak-ng, no spaCy). Kokoro speaks the same alphabet."""

from __future__ import annotations

import functools

from hibari.g2p import G2P


@functools.cache
def front_end() -> G2P:
    """The one front end of this process: its lexicons take 100 MB and 0.6 s."""
    return G2P()


def phonemes_from_english(text: str) -> str:
    """Phonemes of English text in misaki's alphabet."""
    phonemes: str = front_end()(text)
    return phonemes
