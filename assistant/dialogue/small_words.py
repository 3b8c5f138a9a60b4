"""Small words: what is said without asking anything, such as a listening noise, politeness or a cough; and "stop",
however often and with whatever else of them it is said.

Over a reply the former are no reason to stop talking, and the latter is one.
"""

from __future__ import annotations

import re
import unicodedata

from assistant.dialogue.normalization import clauses, normalize
from assistant.dialogue.phonetics import pinyin_key
from assistant.han import contains_han
from assistant.ports import Recognition

_ENGLISH_HUMS = r"m+|h+m+|m+h+m*|mm+ ?h+m+|u+h+|u+h+ ?h+u+h+|u+m+|e+r+m*|a+h+|a+ha+|o+h+|h+u+h+|e+h+"
_ENGLISH = (
    rf"{_ENGLISH_HUMS}|ye+a+h?|ye+s|ye+p|yu+p|ok|okay|right|sure|i see|got it|wow|really|cool|nice|great|good|fine|"
    r"true|exactly|alright|all right|(?:go|carry) on|continue|keep (?:going|talking|reading)"
)
_CHINESE_HUMS = r"[嗯恩唔哦噢喔啊呃额哈嘿哼诶欸哎唉呵哇嗬]"
_CHINESE = (
    rf"{_CHINESE_HUMS}|对呀?|是[的啊呀吗]?|好[的吧呀啊]?|行|没错|这样(?:啊|子)?|原来如此|真的[吗啊]?|明白了?|知道了?|了解"
    r"|继续[说讲]?|接着[说讲]"
)
_ENGLISH_COURTESY = (
    r"please|pretty please|thanks|thanks a lot|thank you|thank you (?:so|very) much|if you (?:can|could)"
)
_CHINESE_COURTESY = r"谢谢你?|谢了|多谢|拜托你?了?|麻烦你?了?|请|辛苦你?了"
_ENGLISH_RECEIPT, _CHINESE_RECEIPT = r"ok|okay|al+ ?right|got it|thanks(?: a lot)?", r"ok|好[的了]?|知道了|收到|谢谢你?"
"""That a ring was heard. Other nods ("yeah", "wow", 对) may be a television's, and what ends a ring for nothing ends it
for good. So does no "thank you" alone, which Whisper writes for noise more often than anything."""
_ENGLISH_AROUND_RECEIPT = rf"{_ENGLISH_HUMS}|please|thank you(?: (?:so|very) much)?"
_CHINESE_AROUND_RECEIPT = rf"{_CHINESE_HUMS}|麻烦你?了|辛苦你?了"
_MAX_WORDS, _MAX_CHARACTERS = 4, 8
"""Longer than this nobody only nods."""

_ENGLISH_MOMENT = r"(?:just )?(?:a|one) (?:moment|second|sec)"
_ENGLISH_WAIT = (
    rf"(?:wait|hold on|hang on|pause|give me) (?:for )?(?:{_ENGLISH_MOMENT}|(?:just )?(?:a|one) (?:minute|bit))"
    rf"|wait wait|hold on|hang on|pause|{_ENGLISH_MOMENT}"
)
_CHINESE_WAIT = r"(?:稍?等我?(?:一?下|一?会儿?|片刻)|等等|等一等|稍[等候])(?:再说)?|暂停(?:一下)?|且慢|慢着"
_WAITS_OVER_A_REPLY = re.compile(r"(?:just )?(?:a|one) minute(?: please)?|(?:(?:no|oh|hey|okay|ok) )*wait")
"""Where nothing sounds, a minute is how long a timer shall run."""
_ENGLISH_STOP = (
    r"(?:(?:no|wait|oh|okay|ok|hey|please|just|now|i said|i say|(?:can|could|will|would) you|you can) )*"
    rf"(?:stop|halt|enough|that's enough|(?:be )?quiet|silence|hush|shut up|cancel|{_ENGLISH_WAIT}) "
    r"(?:(?:it|that|this|now|right now|already|please|thanks|thank you|talking|speaking|reading|ringing|beeping) )*"
)
_CHINESE_STOP = (
    r"(?:你|快点?|先|请|给我|喂|哎|我说|马上|赶紧|行了|好了)*"
    rf"(?:{_CHINESE_WAIT}"
    r"|停(?:一下|一停|下来?|止)?|打住|够了|闭嘴|住口|安静一?点?|(?:别再?|不要再?|停止)(?:说|讲|念|响|吵|叫)话?了?)"
    r"(?:吧|啊|呀|啦|嘛|好吗|行吗)*"
)
"""What holds a word that says to stop; the other words of these alone do not. 别停, "don't stop" and a bus stop are not
among them."""
_ENGLISH_NO_STOP = (
    r"(?:(?:no|oh|wait|please) )*(?:don'?t|do not|never) stop"
    r"(?: (?:it|now|yet|here|please|talking|speaking|reading|listening))*"
)
_CHINESE_NO_STOP = (
    r"(?:你|请|先|千万|不|哎)*(?:别|不要|不用|不必|不许|不准)再?停(?:下来?|止|一下)?(?:了|啊|呀|啦|吧|嘛|好吗|行吗)*"
)
"""Never a request to stop or to mute, though 别停了 sounds like 别听了, "stop listening", but for a tone."""
_ENGLISH_BREATH = re.compile(r"(?:a|an|the|and|so|but|or|to|of|let's|(?:i|you|he|she|it|we|they)(?:'(?:ll|d))?) stop")
"""The breath before "stop" becomes a short word: "We'll stop." What is no such word says something else: "never stop",
"can't stop", "full stop"."""
_MAX_STOP_WORDS, _MAX_STOP_CHARACTERS = 8, 12
"""Whoever says more says something else."""
_SOUNDS_LIKE_STOP = re.compile(r"(?:ni )?(?:(?:ting )+(?:yi )?(?:(?:xia|lai|le|la|a|ya|ba) )*)+")
"""Toneless pinyin of what recognisers make of 停: 听了, 挺挺挺, 停啊."""
_SOUNDS_LIKE_NO_STOP = re.compile(
    r"(?:(?:ni|qing|xian) )*(?:bie|bu (?:yao|yong|bi|xu|zhun)) (?:zai )?ting (?:(?:xia|lai|lei|le|la|a|ya|ba) )*"
)
"""Toneless pinyin of 别停了, "don't stop", and of 别听了, "don't listen". Whisper writes one for the other every second
time, no less sure of it. Over a reply either is taken for the first: who meant the other hears the reply go on and says
it again, while what was muted for nothing hears nobody any more. Where nothing sounds, what is written counts."""
_LAUGH_OR_COUGH = re.compile(r"[(\[（【*♪][^)\]）】*♪]*[)\]）】*♪]?")
"""How recognisers write what is no word: "(coughs)", "[music]", 【笑】."""


def is_backchannel(text: str) -> bool:
    """Whether someone who says `text` is only listening, or wants to: "mhm", "don't stop", 嗯, a cough, nothing."""
    return _only(_ENGLISH, _CHINESE, text) or wants_more(text)


def is_hum(text: str) -> bool:
    """Whether `text` holds no word: "mhm", 嗯, a cough, nothing at all."""
    return _only(_ENGLISH_HUMS, _CHINESE_HUMS, text)


def is_courtesy(text: str) -> bool:
    """Whether `text` only adds politeness to what was said before: "please", "okay, thank you", 谢谢."""
    nods_or_courtesy = _only(f"{_ENGLISH}|{_ENGLISH_COURTESY}", f"{_CHINESE}|{_CHINESE_COURTESY}", text)
    return nods_or_courtesy and not is_backchannel(text)


def acknowledges(text: str) -> bool:
    """Whether `text` says no more than that a ring was heard: "okay", "got it, thank you", 好的，知道了."""
    around = _ENGLISH_AROUND_RECEIPT, _CHINESE_AROUND_RECEIPT
    receipt = f"{_ENGLISH_RECEIPT}|{around[0]}", f"{_CHINESE_RECEIPT}|{around[1]}"
    return _only(*receipt, text) and not _only(*around, text)


def is_stop(text: str) -> bool:
    """Whether `text` says no more than to stop, or to wait: "stop stop stop", "no, wait, stop it", "hold on", 停停停,
    等一下, 别响了."""
    plain = normalize(text)
    if contains_han(plain):
        plain = plain.replace(" ", "")
        return len(plain) <= _MAX_STOP_CHARACTERS and re.fullmatch(f"(?:{_CHINESE_STOP})+", plain) is not None
    words = plain.replace("-", " ").split()
    return len(words) <= _MAX_STOP_WORDS and re.fullmatch(f"(?:{_ENGLISH_STOP})+", f"{' '.join(words)} ") is not None


def says_not_to_stop(text: str) -> bool:
    """Whether `text`, as it is written, says no more than not to stop: "please don't stop", 别停了."""
    plain = normalize(text)
    pattern = _CHINESE_NO_STOP if contains_han(plain) else _ENGLISH_NO_STOP
    return re.fullmatch(pattern, plain.replace(" ", "") if contains_han(plain) else plain) is not None


def wants_more(text: str) -> bool:
    """Whether `text`, said over a reply, is not to stop it, also where it was perhaps misheard: 别听了."""
    plain = normalize(text).replace(" ", "")
    return says_not_to_stop(text) or _SOUNDS_LIKE_NO_STOP.fullmatch(f"{pinyin_key(plain)} ") is not None


def unclear_stop(recognition: Recognition, *, alone: bool = True) -> str | None:
    """Give "Stop" or 停 if what was heard over a reply or a ring may have been a stop, None if not; unless it has to
    stand `alone`, also one before something else: "Hold on. I have a question." There a stop too many costs little and
    one too few much; where nothing sounds, it would be the other way round."""
    if is_backchannel(recognition.text):
        return None
    first = [] if alone else clauses(recognition.text)[:1]
    found = next(filter(_may_be_stop, (recognition.text, *first, *recognition.perhaps)), None)
    return None if found is None else "停" if contains_han(found) else "Stop"


def _may_be_stop(text: str) -> bool:
    plain = normalize(text)
    if not contains_han(plain):
        return is_stop(text) or any(pattern.fullmatch(plain) for pattern in (_ENGLISH_BREATH, _WAITS_OVER_A_REPLY))
    plain = plain.replace(" ", "")
    if len(plain) > _MAX_STOP_CHARACTERS:
        return False
    return is_stop(text) or _SOUNDS_LIKE_STOP.fullmatch(f"{pinyin_key(plain)} ") is not None


def _only(english: str, chinese: str, text: str) -> bool:
    """Whether `text` is nothing but a few repetitions of the pattern of its language; an empty one is."""
    plain = normalize(_LAUGH_OR_COUGH.sub(" ", unicodedata.normalize("NFKC", text)))
    if contains_han(plain):
        pattern, plain = f"(?:{chinese})", plain.replace(" ", "")
        short = len(plain) <= _MAX_CHARACTERS
    else:
        pattern, plain = rf"(?:{english})(?:\s+|$)", plain.replace("-", " ")
        short = len(plain.split()) <= _MAX_WORDS
    return short and re.fullmatch(f"(?:{pattern})*", plain) is not None
