"""What a decoder has read so far, as keys and values in buffers that are as long as the longest text."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from assistant.errors import ModelError
from assistant.ports import InferenceSession, Tensor

_CACHED, _NEW = "self_", "new_"


class DecoderCache:
    """The inputs of one decoder: a token, its position, the cache, and the encoder's keys and values.

    The encoder's are taken as they are, without a copy: they hold until it runs again.
    """

    def __init__(self, decoder: InferenceSession, memory: Mapping[str, Tensor]) -> None:
        self._decoder = decoder
        self.count = 0
        """Tokens that were read."""
        self._feeds: dict[str, Tensor] = {}
        for spec in decoder.inputs:
            if spec.name in memory:
                self._feeds[spec.name] = memory[spec.name]
            elif spec.name.startswith(_CACHED) or spec.name in ("token", "position"):
                self._feeds[spec.name] = np.zeros([int(size) for size in spec.shape], spec.dtype)
            else:
                raise ModelError(
                    f"The decoder wants '{spec.name}', which the encoder does not give: it gives {', '.join(memory)}.",
                    remedy="Build encoder and decoder from the same checkpoint.",
                )
        (logits,) = (spec for spec in decoder.outputs if spec.name == "logits")
        self.vocabulary = int(logits.shape[-1])
        self._rows = {name: name.replace(_CACHED, _NEW, 1) for name in self._feeds if name.startswith(_CACHED)}

    def step(self, token: int) -> Tensor:
        """Read a token: the odds of the next one as logits, (vocabulary,), valid until the decoder runs again."""
        self._ask(token)
        outputs = self._decoder.run(self._feeds)
        for name, row in self._rows.items():
            self._feeds[name][:, self.count] = outputs[row][:, 0]
        self.count += 1
        logits: Tensor = outputs["logits"][0]
        return logits

    def inputs(self, token: int) -> dict[str, Tensor]:
        """A copy of what `step` would ask the decoder."""
        self._ask(token)
        return {name: values.copy() for name, values in self._feeds.items()}

    def _ask(self, token: int) -> None:
        self._feeds["token"][0], self._feeds["position"][0] = token, self.count

    def branch(self) -> DecoderCache:
        """A copy that goes on by itself."""
        other = DecoderCache(self._decoder, self._feeds)
        for name in (*self._rows, "token", "position"):
            other._feeds[name] = self._feeds[name].copy()
        other.count = self.count
        return other
