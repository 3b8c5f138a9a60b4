"""What a language model thinks before it answers is not for the person: `<think>…</think>` in its text, as DeepSeek-R1
and Qwen3 write it where their server does not tell it apart."""

from __future__ import annotations

_BEGIN, _END = "<think>", "</think>"


class ThoughtFilter:
    """Takes the text in pieces, over which a tag may be spread, and gives what is to be said of it."""

    def __init__(self) -> None:
        self.thinks = False
        """Whether a thought has begun that has not ended."""
        self.has_thought = False
        self._perhaps_tag = ""

    def feed(self, piece: str) -> str:
        """What is certainly to be said."""
        text, said = self._perhaps_tag + piece, []
        while True:
            tag = _END if self.thinks else _BEGIN
            before, found, after = text.partition(tag)
            kept = "" if found else _begun(tag, text)
            if not self.thinks:
                said.append(before.removesuffix(kept))
            if not found:
                self._perhaps_tag = kept
                return "".join(said)
            self.thinks, self.has_thought, text = not self.thinks, True, after

    def flush(self) -> str:
        """What is left to be said when nothing comes any more: what looked like a tag and was none."""
        return "" if self.thinks else self._perhaps_tag


def _begun(tag: str, text: str) -> str:
    """The end of `text` with which `tag` may begin."""
    return next((tag[:length] for length in range(len(tag) - 1, 0, -1) if text.endswith(tag[:length])), "")
