"""Traditional to simplified characters: Whisper writes Chinese in either."""

from __future__ import annotations

from functools import lru_cache

from opencc import OpenCC


@lru_cache(maxsize=1)
def _converter() -> OpenCC:
    return OpenCC("t2s")


def to_simplified(text: str) -> str:
    """`text` with every traditional character replaced; everything else stays."""
    return str(_converter().convert(text))
