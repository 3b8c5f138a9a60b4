"""What the governor says: for the console in English, aloud in the language of the conversation."""

from __future__ import annotations

from assistant.governor.policy import Assessment, Cause, Change
from assistant.han import spoken_language

WITHOUT = (
    "doing everything again",
    "looking less often",
    "looking less often, without emotions and scene tags",
    "without sight",
)
"""By step, for people who read."""

_ALOUD: dict[str, dict[Cause, str]] = {
    "en": {
        "temperature": "It's getting warm, so {what}.",
        "memory": "I'm running out of memory, so {what}.",
        "power": "I'm short of power, so {what}.",
    },
    "zh": {
        "temperature": "我有点热，{what}。",
        "memory": "我的内存快不够了，{what}。",
        "power": "我的电量不足，{what}。",
    },
}
_LOST: dict[str, dict[int, str]] = {
    "en": {1: "I'm looking less often", 3: "I'm not looking for a while"},
    "zh": {1: "所以会看得少一些", 3: "所以暂时不看了"},
}
_SIGHT_IS_BACK = {"en": "I can see again.", "zh": "我又能看见了。"}


def written(change: Change) -> str:
    """A line for the console and the log."""
    if change.because is None:
        return f"Recovering, {WITHOUT[change.step]}." if change.step else "Recovered, doing everything again."
    return f"Saving, {WITHOUT[change.step]}: {change.because.evidence}."


def spoken(change: Change, language: str) -> str | None:
    """What a person should hear; None where the change takes or gives back nothing that they would miss."""
    language = spoken_language(language)
    if change.because is None:
        return _SIGHT_IS_BACK[language] if change.before == max(_LOST[language]) else None
    what = _LOST[language].get(change.step)
    return None if what is None else _ALOUD[language][change.because.cause].format(what=what)


def reason(because: Assessment | None) -> str:
    """Why sight is off, for whoever asks what does not work."""
    return f"Sight is off to spare the machine: {because.evidence if because else 'it recovers'}."
