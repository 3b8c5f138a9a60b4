"""From a sentence to an intent, by sentence templates: exactly first, then by sound, then nearly.

English and Chinese are told apart by their script, not by the recogniser's language tag. Chinese is matched a second
time with every character replaced by its homophones' representative, which also covers traditional characters. What
still does not match may be one slip away from a known sentence; the threshold for that is strict, because doing
something that nobody asked for is worse than asking again.
"""

from __future__ import annotations

import bisect
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hassil import recognize_all
from hassil.util import TrackedText, remove_skip_words_tracked
from rapidfuzz import fuzz, process

from assistant.dialogue.normalization import clauses, normalize
from assistant.dialogue.phonetics import HomophoneFolder, english_key, keys_of, pinyin_key
from assistant.dialogue.requests import SOCIAL, several_requests
from assistant.dialogue.small_words import is_stop, says_not_to_stop
from assistant.dialogue.templates import compile_templates, expand_templates, load_templates
from assistant.han import script_language
from assistant.kept import KEPT, file_identity
from assistant.ports import Intent
from assistant.vision.labels import label_of

if TYPE_CHECKING:
    from hassil import Intents, RecognizeResult

    from assistant.config import Config
    from assistant.models.store import ModelStore

_MIN_SIMILARITY = {"en": 93.0, "zh": 88.0}
"""Likeness of the sound keys (0 to 100) from which a sentence counts as misheard."""
_MIN_FUZZY_LENGTH = {"en": 8, "zh": 5}
"""Shorter sentences are too easily mistaken for each other, so they must match exactly or by sound."""
_TURNS_ROUND = {"en": frozenset({"on", "no", "not", "never", "don't", "unmute"}), "zh": frozenset("开不没别")}
"""Words of which each makes the opposite of a sentence, so none is a slip: "turn on the camera" is but a letter away
from "turn off the camera", 把麦克风开了 a syllable from 把麦克风关了."""
_BEGINS_SOMETHING = frozenset(
    {"no", "wait", "hold it", "it's fine", "that's fine", "it's okay", "that's okay", "等等", "等一等", "没事", "好了"}
)
"""What is a stop by itself, but not before other words: "no, I meant Tuesday", 没事，你继续说."""
_MIN_SOUNDED_LENGTH = 2
"""Chinese characters. One alone sounds like dozens of others: 听 is no 停, 百 no 拜."""
_MAX_WILDCARD_LENGTH = {"en": 3, "zh": 6}
"""Words, or Chinese characters, that a name or an object may have."""


class HassilInterpreter:
    """`Interpreter` over the templates in `sentences/`."""

    def __init__(self, matchers: dict[str, LanguageMatcher]) -> None:
        self._matchers = matchers

    @classmethod
    def create(cls, config: Config, models: ModelStore) -> HassilInterpreter:
        """Compile the templates and run each language once, which builds hassil's own caches. Needs no model."""
        skip, own = [normalize(phrase) for phrase in config.wake.phrases], config.dialogue.sentences

        def compiled() -> HassilInterpreter:
            interpreter = cls(
                {language: LanguageMatcher(load_templates(language, own), skip) for language in ("en", "zh")}
            )
            for warm_up in ("Set a timer for five minutes and a half.", "设置一个五分半钟的计时器"):
                interpreter.interpret(warm_up, "en")
            return interpreter

        made_from = (tuple(skip), own, file_identity(Path(own).expanduser()) if own else None)
        return KEPT.get("sentences", made_from, compiled)

    @property
    def intents(self) -> dict[str, frozenset[str]]:
        """Language → names of the intents that its templates can yield."""
        return {language: matcher.intents for language, matcher in self._matchers.items()}

    def interpret(self, text: str, language: str) -> Intent | None:
        """The best intent; of several requests in one utterance all if each is understood by itself, else the first.
        None when nothing matches."""
        matcher = self._matchers[script_language(text)]
        whole = matcher.match_closely(text) or (("stop", {}) if is_stop(text) else None)
        several = several_requests(text, self._alone) if whole is None else None
        if several is not None and matcher.match_misheard(text) is None:
            return several
        return _intent(text, whole or matcher.match_in_part(text) or matcher.match_misheard(text))

    def _alone(self, text: str) -> Intent | None:
        """What `text` asks for, if no part of it is left over."""
        matcher = self._matchers[script_language(text)]
        return _intent(text, matcher.match_closely(text) or matcher.match_misheard(text))

    def begins(self, text: str, language: str) -> bool:
        """Whether `text`, which is no request, is how one begins: more will come."""
        return self._matchers[script_language(text)].begins(text)


Match = tuple[str, dict[str, str]]
"""Name and slots of an intent."""


def _intent(text: str, found: Match | None) -> Intent | None:
    return Intent(*found, language=script_language(text), text=text) if found is not None else None


class LanguageMatcher:
    """The three steps in one language."""

    def __init__(self, templates: dict[str, Any], skip_phrases: list[str]) -> None:
        self._language: str = templates["language"]
        self._skip_words = [*templates.get("skip_words", []), *skip_phrases]
        self._exact = compile_templates(templates)
        self._by_sound: Intents | None = None
        self._folder = HomophoneFolder()
        if self._language == "zh":
            self._by_sound = compile_templates(templates, self._folder.fold)
            self._skip_words_by_sound = [self._folder.fold(word) for word in self._skip_words]
        self._key = pinyin_key if self._language == "zh" else english_key
        sentences = list(expand_templates(self._exact))
        self._plain = dict(zip(keys_of(sentences, self._key), sentences, strict=True))
        self._plain_keys = sorted(self._plain)
        self.intents = frozenset(self._exact.intents)

    def match_closely(self, text: str) -> Match | None:
        """The known sentence that all of `text` is."""
        return self._closest(normalize(text))

    def match_in_part(self, text: str) -> Match | None:
        """The first request among the parts of `text`, "stop" included; else what else dismisses, else a greeting."""
        found: list[tuple[int, Match]] = []
        parts = clauses(text)
        for part in [part for part in parts if part not in _BEGINS_SOMETHING] or parts:
            match = self._closest(part) or self._misheard(part)
            if match is not None:
                dismisses = match[0] == "stop" and not is_stop(part)
                found.append((2 if match[0] in SOCIAL else int(dismisses), match))
        return min(found, key=lambda ranked: ranked[0], default=(0, None))[1]

    def match_misheard(self, text: str) -> Match | None:
        """The known sentence that all of `text` sounds almost like."""
        return self._misheard(normalize(text))

    def begins(self, text: str) -> bool:
        """Whether what was heard is the beginning of a known sentence, or no more than "I would like to know"."""
        whole = normalize(text)
        bare = self._bare(whole, whole, self._skip_words)[0].strip()
        beginning = f"{self._key(bare)} "
        after = bisect.bisect_left(self._plain_keys, beginning)
        return not bare or any(key.startswith(beginning) for key in self._plain_keys[after : after + 1])

    def _closest(self, text: str) -> Match | None:
        """Word for word, then without the words that do not count, then the same by sound."""
        found = self._recognize(text, text, self._exact)
        if found is None and (bare := self._bare(text, text, self._skip_words)[0]) != text:
            found = self._recognize(bare, bare, self._exact)
        if found is not None or self._by_sound is None or says_not_to_stop(text):
            return found
        folded = self._folder.fold(text)
        for heard, sounded in dict.fromkeys(((text, folded), self._bare(text, folded, self._skip_words_by_sound))):
            if found is None and len(sounded.replace(" ", "")) >= _MIN_SOUNDED_LENGTH:
                found = self._recognize(heard, sounded, self._by_sound)
        return found

    def _bare(self, heard: str, sounded: str, skip_words: list[str]) -> tuple[str, str]:
        """Both texts, of equal length, without the skip words that stand in `sounded`."""
        tracked = TrackedText(sounded)
        remove_skip_words_tracked(tracked, skip_words, self._exact.settings.ignore_whitespace)
        return "".join(heard[offset] for offset in tracked.offsets), tracked.text

    def _misheard(self, text: str) -> Match | None:
        """The known sentence that sounds almost like `text`, with or without the words that do not count."""
        if says_not_to_stop(text):
            return None
        for candidate in dict.fromkeys((text, self._bare(text, text, self._skip_words)[0])):
            if len(candidate.replace(" ", "")) < _MIN_FUZZY_LENGTH[self._language]:
                continue
            nearest = process.extractOne(
                self._key(candidate), self._plain_keys, scorer=fuzz.ratio, score_cutoff=_MIN_SIMILARITY[self._language]
            )
            if nearest is not None and self._is_one_slip(self._key(candidate), nearest[0]):
                meant = self._plain[nearest[0]]
                if not self._turns_round(candidate, meant):
                    return self._recognize(meant, meant, self._exact)
        return None

    def _turns_round(self, heard: str, meant: str) -> bool:
        """Whether `heard` has a word that would make the opposite of `meant`."""
        words, meant_words = (text if self._language == "zh" else text.split() for text in (heard, meant))
        return bool(_TURNS_ROUND[self._language].intersection(words).difference(meant_words))

    def _is_one_slip(self, heard_key: str, meant_key: str) -> bool:
        """Whether at most one Chinese syllable differs: 电视 is too near 定时 for its letters to be counted alone."""
        if self._language != "zh":
            return True
        heard, meant = heard_key.split(), meant_key.split()
        return len(heard) == len(meant) and sum(a != b for a, b in zip(heard, meant, strict=True)) <= 1

    def _recognize(self, heard: str, sounded: str, intents: Intents) -> Match | None:
        """Match `sounded`, which has the same length as `heard`, and take free slots from `heard`.

        The first match without a free slot is taken, for hassil would go on through every way to read the sentence;
        otherwise the one whose free slots hold the least.
        """
        best: tuple[int, Match] | None = None
        for result in recognize_all(sounded, intents):
            slots = self._slots(result, heard)
            if slots is None:
                continue
            free_characters = sum(len(entity.text) for entity in result.entities_list if entity.is_wildcard)
            if best is None or free_characters < best[0]:
                best = free_characters, (result.intent.name, slots)
            if free_characters == 0:
                break
        return best[1] if best else None

    def _slots(self, result: RecognizeResult, heard: str) -> dict[str, str] | None:
        """The slots of a result, None if one of them holds what it cannot."""
        slots: dict[str, str] = {}
        for entity in result.entities_list:
            value = f"{entity.value:g}" if isinstance(entity.value, float) else str(entity.value).strip()
            if entity.is_wildcard:
                if result.original_text != heard and entity.text_span is not None:
                    value = heard[slice(*entity.text_span)].strip()
                if not self._fits(value):
                    return None
            if entity.name == "known_object":
                if label_of(value, self._language) is None:
                    return None
                slots["object"] = value
            else:
                slots[entity.name] = value
        return slots

    def _fits(self, value: str) -> bool:
        length = len(value.replace(" ", "")) if self._language == "zh" else len(value.split())
        return 0 < length <= _MAX_WILDCARD_LENGTH[self._language]
