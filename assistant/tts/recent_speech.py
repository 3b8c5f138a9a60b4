"""What a slow voice said last, in memory: said again, it is heard at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence

from assistant.events import AudioArray


class RecentSpeech:
    """Sentences with their sound, the newest of them."""

    def __init__(self, samples: int) -> None:
        """So many samples are kept at most; a sentence that is longer is not."""
        self._most = samples
        self._sentences: OrderedDict[Hashable, Sequence[AudioArray]] = OrderedDict()
        """The one that was said last is the last."""
        self._samples = 0

    def get(self, key: Hashable) -> Sequence[AudioArray] | None:
        """Its blocks, (n,) float32 mono each; None if it was not said, or long ago."""
        if key in self._sentences:
            self._sentences.move_to_end(key)
        return self._sentences.get(key)

    def put(self, key: Hashable, blocks: Sequence[AudioArray]) -> None:
        """Keep a sentence that was not kept."""
        if (length := _length(blocks)) > self._most:
            return
        self._sentences[key] = blocks
        self._samples += length
        while self._samples > self._most:
            self._samples -= _length(self._sentences.popitem(last=False)[1])


def _length(blocks: Sequence[AudioArray]) -> int:
    return sum(map(len, blocks))
