"""Tells speech that was recognised from text that Whisper made up.

On noise and silence Whisper writes what closed many of its training videos. The decisions here follow the reference
decoder's (https://arxiv.org/abs/2212.04356, section 4.5) and add what it lacks: phrases that come from nowhere only.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass

MAX_COMPRESSION_RATIO = 2.4
"""More compressible text is a loop; the reference decoder's limit."""
MIN_COMPRESSIBLE_BYTES = 48
"""Below this zlib's own overhead hides everything."""
NO_SPEECH = 0.6
DOUBTFUL_LOG_PROBABILITY = -1.0
"""The reference decoder's limits: silence is assumed where both are crossed."""
PERHAPS_NO_SPEECH = 0.4
UNLIKELY_LOG_PROBABILITY = -1.3
HOPELESS_LOG_PROBABILITY = -1.55
"""Of 1,447 decodings of speech, synthetic and by telephone, the least likely had -1.40, and none below -1.3 was thought
silence with more than 0.4; most of what was made up for noise is beyond."""

_STUTTER = re.compile(r"(.+?)\1{6,}")
_FROM_NOWHERE = re.compile(
    r"thank(s| you)( all| so much| very much)? for (watching|listening|your attention)"
    r"|(please )?(like and )?subscribe( to (my|the|our) channel)?"
    r"|(subtitles|captions|transcription|transcribed) by .*|amara org|www .* (com|org)"
    r"|see you (in the )?next (time|video)"
    r"|.*(字幕|订阅|訂閱|点赞|點贊|转发|轉發|打赏|打賞|明镜|明鏡|優優獨播|优优独播).*"
    r"|(谢谢|謝謝|感谢|感謝)(大家|您|你们|你們)?(的)?(观看|觀看|收看|收听|收聽)"
)
_ON_SILENCE = frozenset({"you", "thank you", "thanks", "bye", "bye bye", "okay", "so", "oh", "uh", "the", "i", "嗯"})
"""Said often by people, and written often for silence: believed only with some evidence of speech."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the decoder thinks of its own text."""

    mean_log_probability: float
    """Natural logarithm, averaged over the tokens."""
    no_speech_probability: float
    """0 to 1."""


def is_loop(text: str) -> bool:
    """Whether `text` repeats itself as a decoder does that lost its place."""
    if _STUTTER.search(text):
        return True
    encoded = text.encode()
    if len(encoded) < MIN_COMPRESSIBLE_BYTES:
        return False
    return len(encoded) / len(zlib.compress(encoded)) > MAX_COMPRESSION_RATIO


def is_made_up(text: str, evidence: Evidence) -> bool:
    """Whether `text` is better not believed."""
    words = " ".join(re.findall(r"\w+", text.lower()))
    if not words or _FROM_NOWHERE.fullmatch(words) or is_loop(text):
        return True
    likelihood, silence = evidence.mean_log_probability, evidence.no_speech_probability
    if likelihood < HOPELESS_LOG_PROBABILITY:
        return True
    if silence > PERHAPS_NO_SPEECH and likelihood < UNLIKELY_LOG_PROBABILITY:
        return True
    return silence > NO_SPEECH and (words in _ON_SILENCE or likelihood < DOUBTFUL_LOG_PROBABILITY)
