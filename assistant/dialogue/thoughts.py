"""What a language model thinks before it answers is not for the person: `<think>…</think>` in its text, as DeepSeek-R1
and Qwen3 write it where their server does not tell it apart."""

from __future__ import annotations

_BEGIN, _END = "<think>", "</think>"


class ThoughtFilter:
    """Takes the text in pieces, over which a tag may be spread, and gives what is to be said of it."""

    def __init__(self) -> None:
        self.has_thought = False
        self.thought_aloud = False
        """Whether a thought ended that never began, so that it was said: the template of many a model writes the
        beginning itself (https://huggingface.co/Qwen/Qwen3-4B-Thinking-2507)."""
        self._thinks = False
        """Whether a thought has begun that has not ended."""
        self._perhaps_tag = ""

    def feed(self, piece: str) -> str:
        """What is certainly to be said."""
        text, said = self._perhaps_tag + piece, ""
        while True:
            tags = (_END,) if self._thinks else (_BEGIN, _END)
            tag = min((tag for tag in tags if tag in text), key=text.index, default="")
            kept = "" if tag else max((_begun(tag, text) for tag in tags), key=len)
            before, _, after = text.partition(tag) if tag else (text.removesuffix(kept), "", "")
            if not self._thinks:
                said += before
            if not tag:
                self._perhaps_tag = kept
                return said
            if tag == _END and not self.has_thought:
                self.thought_aloud = True
                said = "\n"  # in place of what was thought: the answer is no part of its last sentence
            self._thinks, self.has_thought, text = tag == _BEGIN, True, after

    def flush(self) -> str:
        """What is left to be said when nothing comes any more: what looked like a tag and was none."""
        return "" if self._thinks else self._perhaps_tag


def _begun(tag: str, text: str) -> str:
    """The end of `text` with which `tag` may begin."""
    return next((tag[:length] for length in range(len(tag) - 1, 0, -1) if text.endswith(tag[:length])), "")
