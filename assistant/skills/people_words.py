"""How people with names are put into words."""

from __future__ import annotations

from collections.abc import Sequence

from assistant.dialogue.numbers import spoken_count
from assistant.dialogue.replies import joined, phrase
from assistant.dialogue.sentences import joined_sentences
from assistant.people.present import Named
from assistant.vision.labels import counted, name_of
from assistant.vision.things import PERSON


def spoken_people(known: Sequence[Named], others: int, language: str, *, perhaps: bool = False) -> str:
    """ "I see Anna and one more person I don't know.", 我看到安娜，还有一个人我不认识。

    `perhaps` says that the others may be none."""
    sure, doubtful = [one.name for one in known if one.sure], [one.name for one in known if not one.sure]
    groups = [(key, names) for key, names in (("scene_who_known", sure), ("scene_who_doubtful", doubtful)) if names]
    told = [phrase(key, language, people=joined(names, language)) for key, names in groups]
    if others > 0:
        key, names = groups[-1]
        told[-1] = phrase(key, language, people=_with_others(names, others, language, perhaps))
    return joined_sentences(told, language)


def _with_others(names: Sequence[str], others: int, language: str, perhaps: bool) -> str:
    if language == "zh":
        unknown = phrase("scene_who_other", "zh", counted=counted(PERSON, "zh", others))
        return f"{joined(list(names), 'zh')}，{'可能' if perhaps else ''}还有{unknown}"
    more = f"{'perhaps ' if perhaps else ''}{spoken_count(others, 'en')} more {name_of(PERSON, 'en', others)}"
    return joined([*names, phrase("scene_who_other", "en", counted=more)], "en")
