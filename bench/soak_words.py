"""What is said in a soak, conversation after conversation."""

from __future__ import annotations

from pathlib import Path

from assistant.models.store import ModelStore
from assistant.tts.render import render_speech

CACHE = Path("out/bench/soak")
VOICES = {"en": "jm_kumo", "zh": "jf_tebukuro"}
ENGLISH = (
    "Hey Jarvis, what do you see?",
    "How many people are there?",
    "How do I look?",
    "I told her that we would come on Sunday.",
    "Hey Jarvis, set a timer for three minutes.",
    "What time is it?",
    "Can you play the violin?",
    "Hey Jarvis, what can you do?",
    "Hey Jarvis, cancel the timer.",
    "Thank you, goodbye.",
)
CHINESE = ("你好贾维斯，你看到了什么？", "现在几点了？")
INTERRUPTING = "Hey Jarvis, what can you do?"
"""A long reply: it is spoken over in every other conversation."""
OVER_IT_S = 0.5
"""So long after it has begun, or is about to."""
THINKING_S = 1.0
"""Between a reply and the next sentence."""
MUTES_EVERY, MUTED_S = 5, 2.0
"""Conversations, and for how long."""


def recordings(models: ModelStore, *, chinese: bool) -> dict[str, Path]:
    """Sentence → WAV, in the order in which they are said."""
    lines = [(text, "en", VOICES["en"]) for text in ENGLISH]
    lines += [(text, "zh", VOICES["zh"]) for text in CHINESE] if chinese else []
    paths = render_speech(lines, CACHE, models)
    return {text: path for (text, *_), path in zip(lines, paths, strict=True)}
