"""A sentence as a vector, without a dictionary: its words and runs of characters, hashed.

Weinberger et al. (2009), "Feature hashing for large scale multitask learning", ICML. The same for training and for the
device, in any language whose words or characters carry the meaning.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

from assistant.han import contains_han

SIZE = 1024


def text_features(text: str) -> npt.NDArray[np.float32]:
    """Shape (1024,), float32, of length 1, or all zeros for a text without letters."""
    vector = np.zeros(SIZE, np.float32)
    for piece in _pieces(text.casefold()):
        code = zlib.crc32(piece.encode())
        vector[code % SIZE] += 1.0 if code & 0x8000_0000 else -1.0
    length = float(np.linalg.norm(vector))
    return vector / np.float32(length) if length else vector


def _pieces(text: str) -> list[str]:
    """Words and pairs of words; of Chinese, characters and runs of two and three."""
    if contains_han(text):
        units, longest = [character for character in text if character.isalnum()], 3
    else:
        units, longest = "".join(c if c.isalnum() or c == "'" else " " for c in text).split(), 2
    return ["\x1f".join(units[i : i + n]) for n in range(1, longest + 1) for i in range(len(units) - n + 1)]
