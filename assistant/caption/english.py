"""Facts in English."""

from __future__ import annotations

from assistant.caption.facts import Facts, Mention
from assistant.dialogue.durations import spoken_remaining
from assistant.dialogue.numbers import spoken_count
from assistant.dialogue.replies import joined
from assistant.vision.labels import counted, name_of

_PLACES = {"left": "on the left", "middle": "in the middle", "right": "on the right"}
_VOWELS = "aeiou"


def describe(facts: Facts, age_s: float | None) -> str:
    """One or two sentences; in the past tense, with the age, when that is given."""
    past = age_s is not None
    lead = f"{spoken_remaining(age_s, 'en')} ago " if age_s is not None else ""
    if facts.blinded is not None:
        return _sentence(f"{lead}it {'was' if past else 'is'} too {facts.blinded} to see anything")
    if facts.empty:
        text = f"{lead}I did not see anything that I recognize" if past else "I don't see anything that I recognize"
        return _sentence(text)
    sentences = []
    if facts.sure or facts.names:
        first = facts.sure[0] if facts.sure else None
        it = first.label if first and len(facts.sure) == 2 and first.count == 1 else ""
        things = joined([*facts.names, *(_phrase(mention, it) for mention in facts.sure)], "en")
        sentences.append(_sentence(f"{lead}I {'saw' if past else 'see'} {things}"))
        sentences += [_some_facing(mention, past) for mention in facts.sure if 0 < mention.facing < mention.count]
        lead = ""
    if facts.doubtful_names:
        sentences.append(
            _sentence(f"{lead}I think I {'saw' if past else 'see'} {joined([*facts.doubtful_names], 'en')}")
        )
        lead = ""
    if facts.doubtful:
        things = joined([_phrase(mention) for mention in facts.doubtful], "en")
        claim = "I saw" if past else f"there {_verb(facts.doubtful[0].count, past)}"
        sentences.append(_sentence(f"{lead}I think {claim} {things}"))
        lead = ""
    if facts.tag:
        sentences.append(_sentence(f"{lead}it {'looked' if past else 'looks'} like {_article(facts.tag)}"))
    return " ".join(sentences)


def _phrase(mention: Mention, it: str = "") -> str:
    """ "two people on the left facing me"; `it` is the class of the one thing that was just named."""
    noun = name_of(mention.label, "en", mention.count)
    if mention.color:
        noun = f"{mention.color} {noun}"
    if mention.more:
        number = "another" if mention.count == 1 else f"{spoken_count(mention.count, 'en')} more"
        text = f"{number} {noun}"
    else:
        text = _article(noun) if mention.count == 1 else counted(mention.label, "en", mention.count)
    if mention.on:
        text += " on it" if mention.on == it else f" on the {name_of(mention.on, 'en', 1)}"
    elif mention.place:
        text += f" {_PLACES[mention.place]}"
    return f"{text} facing me" if mention.facing == mention.count else text


def _some_facing(mention: Mention, past: bool) -> str:
    some, verb = spoken_count(mention.facing, "en"), _verb(mention.facing, past)
    return _sentence(f"{some} of the {name_of(mention.label, 'en', 2)} {verb} facing me")


def _verb(number: int, past: bool) -> str:
    if past:
        return "was" if number == 1 else "were"
    return "is" if number == 1 else "are"


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in _VOWELS else 'a'} {noun}"


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."
