"""Traditional and simplified characters: Whisper writes Chinese in either."""

from __future__ import annotations

from functools import lru_cache

from opencc import OpenCC


@lru_cache(maxsize=2)
def _converter(direction: str) -> OpenCC:
    return OpenCC(direction)


def to_simplified(text: str) -> str:
    """`text` with every traditional character replaced; everything else stays."""
    return str(_converter("t2s").convert(text))


def to_traditional(text: str) -> str:
    """`text` with every simplified character replaced; everything else stays."""
    return str(_converter("s2t").convert(text))
