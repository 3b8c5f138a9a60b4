"""Whether someone who has just fallen silent has said all they wanted."""

from __future__ import annotations

import re

_UNFINISHED = re.compile(
    r"(\b(and|then|or|but|so|because|with|for|to|the|a|an|of|in|on|at|my|your|is|are|what|how|um+|uh+|er+|hmm+|well"
    r"|like|i'm|it's|there's|can you|could you|i'd like)"
    r"|然后|还有|而且|但是|可是|因为|所以|或者|和|跟|把|给|那个|这个|嗯|呃|就是|我想|我想知道|请问|请|帮我"
    r"|设[置定]?一?个?|定一?个|一个)[\s,，、.。…-]*$",
    re.IGNORECASE,
)
"""Ends on which nobody stops who has finished: conjunctions, prepositions, articles, fillers, what a verb is
to follow; English and Chinese."""

_TRAILING_OFF = ("...", "…", "-", ",", "，", "、")
"""How recognisers write a voice that stays up."""


def is_unfinished(text: str) -> bool:
    """Whether the words call for more."""
    return text.rstrip().endswith(_TRAILING_OFF) or _UNFINISHED.search(text) is not None
