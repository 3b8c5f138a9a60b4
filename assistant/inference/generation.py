"""Text from an encoder and a decoder with a key/value cache, as `assistant-export build captioner` makes them.

    with TextGenerator.open(Path("bundles/captioner-decoder")) as generator:
        tokens = generator.greedy({"pixel_values": picture})
        print(generator.text(tokens))

The encoder runs once. The decoder takes one token a call: its buffers are as long as the longest text from the start,
and what a call adds is written into them in place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from assistant.errors import ModelError
from assistant.inference.beam_search import beam_search
from assistant.inference.bundle import Bundle
from assistant.inference.decoder_cache import DecoderCache
from assistant.inference.fallback import Fallback
from assistant.inference.generation_rules import GenerationRules
from assistant.inference.loader import RebuildRequest, SessionOptions, ignore, open_session
from assistant.ports import InferenceSession, Tensor

_TOKENIZER = "tokenizer.json"


class TextGenerator:
    """Owns both networks. Not for two threads at once."""

    def __init__(
        self,
        encoder: InferenceSession,
        decoder: InferenceSession,
        rules: GenerationRules,
        tokenizer: Path | None = None,
    ) -> None:
        self.rules = rules
        self._encoder, self._decoder = encoder, decoder
        self._tokenizer_file = tokenizer
        self._tokenizer: Any = None
        self._resources = ExitStack()
        for session in (encoder, decoder):
            self._resources.callback(session.close)

    @classmethod
    def open(
        cls,
        bundle: Path,
        options: SessionOptions | None = None,
        *,
        on_fallback: Callable[[Fallback], None] = ignore,
        rebuild: Callable[[RebuildRequest], None] = ignore,
    ) -> TextGenerator:
        """The decoder of `bundle` and the encoder whose bundle lies beside it, both by `open_session`.

        Raises `ModelError` when one of them is missing, or when `bundle` is no decoder.
        """
        opened = Bundle.open(bundle)
        rules = opened.manifest.generation
        if rules is None:
            raise ModelError(
                f"The bundle {bundle} does not write text: its manifest has no 'generation'.",
                remedy="Give the decoder's bundle, such as captioner-decoder.",
            )
        with ExitStack() as undo:
            encoder = open_session(
                bundle.resolve().parent / rules.encoder, options, on_fallback=on_fallback, rebuild=rebuild
            )
            undo.callback(encoder.close)
            decoder = open_session(bundle, options, on_fallback=on_fallback, rebuild=rebuild)
            undo.pop_all()
        return cls(encoder, decoder, rules, opened.asset(_TOKENIZER))

    def greedy(
        self, feeds: Mapping[str, Tensor], *, prompt: Sequence[int] = (), max_new_tokens: int | None = None
    ) -> list[int]:
        """The likeliest token again and again: what was written after the prompt, without the end."""
        return list(self.stream(feeds, prompt=prompt, max_new_tokens=max_new_tokens))

    def stream(
        self, feeds: Mapping[str, Tensor], *, prompt: Sequence[int] = (), max_new_tokens: int | None = None
    ) -> Iterator[int]:
        """The same, token by token; the caller may stop listening at any of them.

        `feeds` are the encoder's inputs. `prompt` replaces the bundle's own, such as for another language. Raises
        `ModelError` for a prompt that the decoder has no room for or does not know.
        """
        cache, logits = self._start(feeds, prompt)
        for count in range(self._most_new(cache.count, max_new_tokens)):
            token = int(self._allowed(logits, first=count == 0).argmax())
            if token in self.rules.end:
                return
            yield token
            if cache.count < self.rules.max_tokens:
                logits = cache.step(token)

    def beam(
        self,
        feeds: Mapping[str, Tensor],
        beams: int,
        *,
        prompt: Sequence[int] = (),
        max_new_tokens: int | None = None,
        length_penalty: float = 1.0,
    ) -> list[int]:
        """The best of `beams` texts that are followed at once: better than greedy, `beams` times the work."""
        cache, logits = self._start(feeds, prompt)
        most = self._most_new(cache.count, max_new_tokens)
        return beam_search(cache, logits, self._allowed, self.rules.end, beams, most, length_penalty)

    def text(self, tokens: Sequence[int]) -> str:
        """Tokens as words. Raises `ModelError` when the bundle has no tokenizer."""
        if self._tokenizer is None:
            if self._tokenizer_file is None:
                raise ModelError(
                    f"The bundle has no {_TOKENIZER}: its tokens cannot be turned into words.",
                    remedy=f"Export it from a checkpoint folder that has {_TOKENIZER}.",
                )
            from tokenizers import Tokenizer

            self._tokenizer = Tokenizer.from_file(str(self._tokenizer_file))
        return str(self._tokenizer.decode(list(tokens), skip_special_tokens=True)).strip()

    def close(self) -> None:
        """Free both networks; safe to call twice."""
        self._resources.close()

    def __enter__(self) -> TextGenerator:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, feeds: Mapping[str, Tensor], prompt: Sequence[int]) -> tuple[DecoderCache, Tensor]:
        """The cache after the prompt, and the odds of what follows it."""
        given = tuple(prompt) or self.rules.prompt
        cache = DecoderCache(self._decoder, self._encoder.run(feeds))
        if len(given) > self.rules.max_tokens or not all(0 <= token < cache.vocabulary for token in given):
            raise ModelError(
                f"The prompt {list(given)} does not fit: expected at most {self.rules.max_tokens} tokens under "
                f"{cache.vocabulary}.",
                remedy="Take its tokens from the bundle's own tokenizer.",
            )
        for token in given:
            logits = cache.step(token)
        return cache, logits

    def _most_new(self, prompt: int, wanted: int | None) -> int:
        room = self.rules.max_tokens - prompt + 1  # the last token need not be looked at any more
        return room if wanted is None else min(room, wanted)

    def _allowed(self, odds: Tensor, *, first: bool) -> Tensor:
        """A copy without the tokens that must not come now."""
        allowed: Tensor = odds.copy()
        allowed[list(self.rules.never)] = -np.inf
        if first:
            allowed[list(self.rules.never_first)] = -np.inf
        return allowed
