"""What the configuration allows, key by key: for error messages, `assistant config show` and the documentation."""

from __future__ import annotations

import importlib
import inspect
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from assistant.config import Config, Section
from assistant.tts import speaks

ENVIRONMENT_PREFIX = "ASSISTANT_"

# Key → where its backends are registered, and the names that mean something without being a backend.
_REGISTRIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "vad.backend": ("assistant.vad:DETECTORS", ()),
    "wake.first_stage": ("assistant.wake:FIRST_STAGES", ("vad",)),
    "asr.backend": ("assistant.asr:RECOGNIZERS", ()),
    "vision.detector": ("assistant.vision:DETECTORS", ()),
    "vision.faces": ("assistant.vision:FACE_DETECTORS", ()),
    "vision.tagger": ("assistant.vision:TAGGERS", ("none",)),
    "vision.captioner": ("assistant.caption:CAPTIONERS", ()),
    "emotion.channels": ("assistant.emotion:CHANNELS", ()),
    "emotion.fusion": ("assistant.emotion:FUSIONS", ()),
    "tts.en": ("assistant.tts:SYNTHESIZERS", ()),
    "tts.zh": ("assistant.tts:SYNTHESIZERS", ()),
    "tts.fallback": ("assistant.tts:SYNTHESIZERS", ("none",)),
}
_LANGUAGES = ("en", "zh")
_VOICES_FOR = {"tts.en": "en", "tts.zh": "zh"}
_LISTS_OF_LANGUAGES = frozenset({"asr.languages", "tts.preload"})
_SECRETS = frozenset({"dialogue.language_model.api_key"})
_TYPE_NAMES: dict[Any, tuple[str, str]] = {
    bool: ("boolean", "true or false"),
    int: ("integer", "a whole number"),
    float: ("number", "a number"),
    str: ("text", "text in quotes"),
    Path: ("path", "a path in quotes"),
    tuple[str, ...]: ("list of texts", 'a list of texts, such as ["a", "b"]'),
}


@dataclass(frozen=True, slots=True)
class Key:
    """One key of the configuration."""

    path: str
    """Dotted: "audio.volume"."""
    type: Any
    """`str`, `int`, `float`, `bool`, `Path`, `tuple[str, ...]` or a `Literal`."""
    bounds: tuple[Any, ...]
    """pydantic's Ge, Gt, Le, Lt and MinLen."""
    default: Any
    """None for an optional key without one."""
    doc: str

    @property
    def environment(self) -> str:
        """The variable that overrides it."""
        return ENVIRONMENT_PREFIX + self.path.upper().replace(".", "__")

    @property
    def secret(self) -> bool:
        """Whether its value must not be shown."""
        return self.path in _SECRETS

    @property
    def is_text(self) -> bool:
        """Whether its values are written in quotes."""
        return self.type in (str, Path) or get_origin(self.type) is Literal

    @property
    def type_name(self) -> str:
        """What the documentation calls its type."""
        return "text" if get_origin(self.type) is Literal else _TYPE_NAMES[self.type][0]

    @property
    def choices(self) -> tuple[str, ...]:
        """The only values (for a list: elements) that it takes; empty when any is fine."""
        if get_origin(self.type) is Literal:
            return get_args(self.type)
        if self.path in _LISTS_OF_LANGUAGES:
            return _LANGUAGES
        return registered_names(self.path)

    @property
    def range(self) -> str:
        """Its bounds in words, such as "from 0 to 1"; empty without any."""
        low = [f"from {b.ge:g}" for b in self.bounds if hasattr(b, "ge")]
        low += [f"above {b.gt:g}" for b in self.bounds if hasattr(b, "gt")]
        high = [f"to {b.le:g}" for b in self.bounds if hasattr(b, "le")]
        high += [f"below {b.lt:g}" for b in self.bounds if hasattr(b, "lt")]
        return " ".join(low + high)

    @property
    def allowed(self) -> str:
        """What it takes, in words."""
        if self.choices:
            names = ", ".join(toml_value(name) for name in self.choices)
            least = "at least one" if any(hasattr(b, "min_length") for b in self.bounds) else "any"
            return f"a list of {least} of {names}" if self.type == tuple[str, ...] else f"one of {names}"
        return f"{_TYPE_NAMES[self.type][1]} {self.range}".rstrip()


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the file with its own keys; tables inside it come separately."""

    path: str
    doc: str
    keys: tuple[Key, ...]


def tables(section: type[Section] = Config, path: str = "") -> Iterator[Table]:
    """Every table below `section` in the order of the file, parents first."""
    fields = section.model_fields
    own = tuple(_key(_join(path, name), field) for name, field in fields.items() if not _is_table(field))
    if own:
        yield Table(path, inspect.cleandoc(section.__doc__ or ""), own)
    for name, field in fields.items():
        if _is_table(field):
            yield from tables(field.annotation, _join(path, name))  # type: ignore[arg-type]


def all_keys() -> dict[str, Key]:
    """Every key by its dotted path."""
    return {key.path: key for table in tables() for key in table.keys}


def registered_names(path: str) -> tuple[str, ...]:
    """The names that the registry behind a key knows; empty when the key names no backend."""
    if path not in _REGISTRIES:
        return ()
    address, extra = _REGISTRIES[path]
    module, _, attribute = address.partition(":")
    try:
        names = tuple(getattr(importlib.import_module(module), attribute))
        if path in _VOICES_FOR:
            names = tuple(name for name in names if speaks(name, _VOICES_FOR[path]))
        return (*names, *extra)
    except (ImportError, AttributeError):
        return ()


def toml_value(value: Any) -> str:
    """A value as TOML writes it. A JSON string is a TOML string but for DEL, which TOML wants escaped."""
    if isinstance(value, (tuple, list)):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    if isinstance(value, (str, Path)):
        return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _is_table(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, Section)


def _key(path: str, field: FieldInfo) -> Key:
    annotation: Any = field.annotation
    if get_origin(annotation) in (Union, UnionType):
        annotation = next(member for member in get_args(annotation) if member is not type(None))
    return Key(path, annotation, tuple(field.metadata), field.default, " ".join((field.description or "").split()))
