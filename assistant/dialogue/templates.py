"""The sentence templates of one language: the built-in file, the user's own after it, compiled for hassil."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]  # PyYAML, which hassil brings along, ships no types.
from hassil import Intents, merge_dict
from hassil.errors import HassilError
from hassil.parser import ParseError
from hassil.sample import sample_sentence

from assistant.dialogue.numbers import spoken_count, spoken_number
from assistant.errors import ConfigError

_RULE_REFERENCE = re.compile(r"<(\w+)>")
_PLACES = frozenset({"surface", "elsewhere"})
"""Lists whose few values are told apart by their sound as the words of a sentence are."""
_MAX_EXPANSIONS = 300
"""Sentences that one template contributes to fuzzy matching at most."""


def load_templates(language: str, own_folder: str) -> dict[str, Any]:
    """The templates of `language` as hassil's dictionary.

    `own_folder` is `dialogue.sentences` of the configuration, empty for none. Raises `ConfigError`.
    """
    built_in = files("assistant.dialogue") / "sentences" / f"{language}.yaml"
    templates: dict[str, Any] = _parse(built_in.read_text(encoding="utf-8"))
    if own_folder:
        folder = Path(own_folder).expanduser()
        if not folder.is_dir():
            raise ConfigError(
                f"dialogue.sentences names '{own_folder}', which is no folder.",
                remedy="Create it with an en.yaml or zh.yaml inside, or leave the key empty.",
            )
        own_file = folder / f"{language}.yaml"
        if own_file.is_file():
            merge_dict(templates, _read_own(own_file))
    if language == "zh":
        templates["lists"] = {name: _with_chinese_numerals(values) for name, values in templates["lists"].items()}
    return templates


def compile_templates(templates: dict[str, Any], fold: Callable[[str], str] = str) -> Intents:
    """Templates ready for hassil, every piece of their text passed through `fold`, without their skip words.

    hassil would try those template by template, so that 你好吗 less 吗 would be a greeting before it is a question, and
    would not leave them out before a wildcard; the interpreter does it. Raises `ConfigError`.
    """
    try:
        intents = Intents.from_dict(
            {
                "language": templates["language"],
                "settings": templates.get("settings", {}),
                "lists": {name: _fold_list(values, fold) for name, values in templates.get("lists", {}).items()},
                "expansion_rules": {name: fold(body) for name, body in templates.get("expansion_rules", {}).items()},
                "intents": {
                    name: {"data": [_fold_block(block, fold) for block in intent["data"]]}
                    for name, intent in templates["intents"].items()
                },
            }
        )
        _parse_all(intents)
    except (HassilError, ParseError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"A sentence template ({templates.get('language')}) cannot be read: {error!r}.",
            remedy="Compare your own templates with assistant/dialogue/sentences/.",
        ) from error
    return intents


def expand_templates(intents: Intents) -> Iterator[str]:
    """Plain sentences that the templates stand for whose values are no more than places, their optional words left
    out."""
    for intent in intents.intents.values():
        for block in intent.data:
            rules = {**intents.expansion_rules, **block.expansion_rules}
            for template in block.sentences:
                if not _PLACES.issuperset(template.list_names(rules)):
                    continue
                sentences = sample_sentence(template, intents.slot_lists, rules, skip_optionals=True)
                for sentence in itertools.islice(sentences, _MAX_EXPANSIONS):
                    yield " ".join(sentence.split())


def _parse_all(intents: Intents) -> None:
    """Parse every template now, which hassil would put off to the first match, and look up what they refer to."""
    for intent in intents.intents.values():
        for block in intent.data:
            rules = {**intents.expansion_rules, **block.expansion_rules}
            lists = {**intents.slot_lists, **block.slot_lists}
            for template in block.sentences:
                for name in _RULE_REFERENCE.findall(template.text or ""):
                    if name not in rules:
                        raise ValueError(f"'{template.text}' refers to the rule <{name}>, which does not exist")
                for name in template.list_names(rules):
                    if name not in lists:
                        raise ValueError(f"'{template.text}' refers to the list {{{name}}}, which does not exist")


def _parse(text: str) -> Any:
    """YAML, by libyaml where PyYAML has it: ten times as fast, which is a tenth of a second of every start."""
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _read_own(path: Path) -> dict[str, Any]:
    try:
        own = _parse(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", remedy="Correct the file or move it away.") from error
    if not isinstance(own, dict) or not isinstance(own.get("intents", {}), dict):
        raise ConfigError(
            f"{path} holds no sentence templates: a mapping with the key 'intents' was expected.",
            remedy="Compare it with assistant/dialogue/sentences/.",
        )
    return own


def _with_chinese_numerals(values: dict[str, Any]) -> dict[str, Any]:
    """A number range as the digits and numerals that it can be written with, so that homophones of them fold too."""
    if "range" not in values:
        return values
    numbers = range(values["range"]["from"], values["range"]["to"] + 1)
    written = {text: str(number) for number in numbers for text in _chinese_forms(number)}
    return {"values": [{"in": text, "out": number} for text, number in written.items()]}


def _chinese_forms(number: int) -> tuple[str, ...]:
    teen = ("一" + spoken_number(number, "zh"),) if 10 <= number < 20 else ()
    return (str(number), spoken_number(number, "zh"), spoken_count(number, "zh"), *teen)


def _fold_list(values: dict[str, Any], fold: Callable[[str], str]) -> dict[str, Any]:
    if "values" not in values:
        return values
    pairs = [value if isinstance(value, dict) else {"in": value, "out": value} for value in values["values"]]
    return {**values, "values": [{**pair, "in": fold(pair["in"])} for pair in pairs]}


def _fold_block(block: dict[str, Any], fold: Callable[[str], str]) -> dict[str, Any]:
    folded = {**block, "sentences": [fold(sentence) for sentence in block["sentences"]]}
    if "expansion_rules" in block:
        folded["expansion_rules"] = {name: fold(body) for name, body in block["expansion_rules"].items()}
    return folded
