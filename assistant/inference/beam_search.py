"""Beam search over a decoder, with the rules of Hugging Face's `generate` (`early_stopping=False`): a text that ended
is judged by its mean log-probability, and the search stops when no open text can be better than those that ended.

https://github.com/huggingface/transformers/blob/main/src/transformers/generation/utils.py
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from assistant.inference.decoder_cache import DecoderCache
from assistant.ports import Tensor


class Allowed(Protocol):
    """Gives a copy of the odds without the tokens that must not come now."""

    def __call__(self, odds: Tensor, *, first: bool) -> Tensor: ...


@dataclass(frozen=True, slots=True)
class _Open:
    """A text that goes on."""

    tokens: tuple[int, ...]
    score: float
    """Sum of log-probabilities."""
    cache: DecoderCache
    logits: Tensor


def beam_search(
    cache: DecoderCache,
    logits: Tensor,
    allowed: Allowed,
    end: Collection[int],
    beams: int,
    most_tokens: int,
    length_penalty: float,
) -> list[int]:
    """The best text that begins after what `cache` has read, without its end.

    `length_penalty` is the exponent of the length that the sum of log-probabilities is divided by.
    """
    running = [_Open((), 0.0, cache, logits.copy())]
    finished: list[tuple[float, tuple[int, ...]]] = []
    for length in range(1, most_tokens + 1):
        candidates = _candidates(running, allowed, 2 * beams, first=length == 1)
        chosen: list[tuple[float, _Open, int]] = []
        for rank, (score, parent, token) in enumerate(candidates):
            if token in end or length == most_tokens:
                if rank < beams:
                    written = parent.tokens if token in end else (*parent.tokens, token)
                    finished.append((score / length**length_penalty, written))
            elif len(chosen) < beams:
                chosen.append((score, parent, token))
        finished = sorted(finished, key=lambda item: -item[0])[:beams]
        if not chosen or _cannot_improve(finished, beams, chosen[0][0] / length**length_penalty):
            break
        running = _advance(chosen)
    return list(finished[0][1]) if finished else []


def _candidates(running: list[_Open], allowed: Allowed, count: int, *, first: bool) -> list[tuple[float, _Open, int]]:
    """The best continuations of all open texts: (score, text, token)."""
    found = []
    for text in running:
        scores = text.score + allowed(_log_softmax(text.logits), first=first)
        best = np.argsort(-scores, kind="stable")[:count]
        found += [(float(scores[token]), text, int(token)) for token in best if np.isfinite(scores[token])]
    return sorted(found, key=lambda item: -item[0])[:count]


def _cannot_improve(finished: list[tuple[float, tuple[int, ...]]], beams: int, best_open: float) -> bool:
    return len(finished) == beams and best_open <= finished[-1][0]


def _advance(chosen: list[tuple[float, _Open, int]]) -> list[_Open]:
    """Read the chosen tokens. The last continuation of a text takes over its cache, the others copy it."""
    last_use = {id(parent): index for index, (_, parent, _) in enumerate(chosen)}
    following = []
    for index, (score, parent, token) in enumerate(chosen):
        cache = parent.cache if last_use[id(parent)] == index else parent.cache.branch()
        following.append(_Open((*parent.tokens, token), score, cache, cache.step(token).copy()))
    return following


def _log_softmax(logits: Tensor) -> Tensor:
    shifted = logits.astype(np.float32) - logits.max()
    found: Tensor = shifted - np.log(np.exp(shifted).sum())
    return found
