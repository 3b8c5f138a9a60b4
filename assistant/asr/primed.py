"""Short utterances, decoded once more as what somebody says who interrupts.

A lone "stop" or 停 gives Whisper too little to go by: it writes "Mustafa", 听了, 天啊. A decoder that is told that such
words were said just before (https://arxiv.org/abs/2212.04356, section 2.3) mostly writes what was said, and leaves
other short words what they are; but what sounds like a stop ("stock", 停车) becomes one more often. So this text stands
beside the other one (`Recognition.perhaps`), for those who would rather stop once too often. It is asked for over
a reply or a ring only.
"""

from __future__ import annotations

from collections.abc import Mapping

import ctranslate2

from assistant.asr.hallucinations import Evidence
from assistant.asr.simplified import to_simplified
from assistant.asr.tokens import Tokens, spoken_tokens

MAX_SECONDS = 2.5
"""Of sound, pre-roll included: "no, wait, stop" or 好了好了别说了 is no longer. In voices that were tried, clean and in
noise, a fifth of the Chinese stops of more than 1.6 s were understood only so, and no question became a stop by it."""
SURE_OF_LANGUAGE_S = 1.6
"""Longer utterances are decoded in the language that they were recognised in only: they hold enough to tell it, and a
decoder that is given the wrong one loops."""
MIN_SHARE = 0.3
"""A language must have this share of the probability. In a language that it is not in, almost any syllable becomes
a stop. 停 had 0.33 or more in every voice that was tried, other languages than the two not counted."""
MAX_NO_SPEECH = 0.5
"""Noises become stops too; what was a stop had 0.36 at most."""
_SAID_BEFORE = {"en": " No. Yes. Stop. Okay. Stop it.", "zh": "不。好的。停。停下。别说了。继续。"}
"""Other words than stops are among them, so that not everything is taken for one."""
_MAX_TOKENS = 12
"""The decoder likes to say it again and again."""


def may_interrupt(shares: Mapping[str, float], spoken: str, evidence: Evidence, seconds: float) -> list[str]:
    """The languages in which an utterance may be an interruption; `shares` is language → share of the probability,
    `spoken` the language that it was recognised in."""
    if seconds > MAX_SECONDS or evidence.no_speech_probability > MAX_NO_SPEECH:
        return []
    languages = _SAID_BEFORE if seconds <= SURE_OF_LANGUAGE_S else _SAID_BEFORE.keys() & {spoken}
    return [language for language in languages if shares.get(language, 0.0) >= MIN_SHARE]


def primed_text(
    model: ctranslate2.models.Whisper, encoded: ctranslate2.StorageView, tokenizer: Tokens, seconds: float
) -> str:
    """What the encoded sound is, if it is an interruption in the tokenizer's language."""
    prompt = [tokenizer.previous, *tokenizer.encode(_SAID_BEFORE[tokenizer.language]), *tokenizer.prompt]
    (result,) = model.generate(encoded, [prompt], beam_size=1, max_length=len(prompt) + _MAX_TOKENS)
    text = tokenizer.decode(spoken_tokens(result.sequences_ids[0], tokenizer, seconds)).strip()
    return to_simplified(text) if tokenizer.language == "zh" else text
