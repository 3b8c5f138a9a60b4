"""Loading the configuration: where the file is, what the environment overrides, and what is wrong with either."""

from __future__ import annotations

import difflib
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs
from pydantic import ValidationError

from assistant.config import Config
from assistant.config_checks import Contradiction, contradictions
from assistant.config_schema import ENVIRONMENT_PREFIX, Key, all_keys, tables, toml_value
from assistant.errors import ConfigError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FILE_NAME = "assistant.toml"
SYSTEM_FILE = Path("/etc/edge-assistant") / FILE_NAME
_REMEDY = "'assistant config check' checks again; docs/configuration.md lists every key."


@dataclass(frozen=True, slots=True)
class Settings:
    """A configuration and where it came from."""

    config: Config
    file: Path | None
    """The file that was read, None if there is none."""
    origins: Mapping[str, str]
    """Where each key that was set comes from: "FILE:LINE" or the variable's name, by dotted path."""


@dataclass(slots=True)
class _Source:
    """What the file and the environment say, before it is checked."""

    file: Path | None = None
    text: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    from_environment: dict[str, str] = field(default_factory=dict)
    """Variable by dotted path."""

    def origin(self, path: str) -> str:
        """Where a key was set, for people."""
        variable = self.from_environment.get(path)
        return variable or f"{self.file}:{_line_of(self.text, path)}"


def load_config(path: Path | None = None, overrides: Mapping[str, str] | None = None) -> Config:
    """The configuration; see `load_settings`."""
    return load_settings(path, overrides).config


def load_settings(path: Path | None = None, overrides: Mapping[str, str] | None = None) -> Settings:
    """Read, override and check the configuration.

    Without a path, the user's own file (`$XDG_CONFIG_HOME/edge-assistant/assistant.toml`) is taken, else
    `/etc/edge-assistant/assistant.toml`, else the defaults. `overrides` is the environment (default: the process's);
    each variable `ASSISTANT_<TABLE>__<KEY>` sets a key. Raises `ConfigError` that lists everything that is wrong.
    """
    source = _read(path)
    problems = _apply_environment(source, os.environ if overrides is None else overrides)
    _expand_home(source.values)
    try:
        config = Config.model_validate_json(_as_json(source.values), strict=True)
    except ValidationError as error:
        # An item of a list adds its index to the path; the key is what people look for.
        paths = [".".join(part for part in item["loc"] if isinstance(part, str)) for item in error.errors()]
        raise _error(problems + [_describe(source, wrong) for wrong in dict.fromkeys(paths)]) from None
    problems += [_describe(source, wrong) for wrong in _unregistered(config)]
    problems += [_describe_contradiction(source, config, wrong) for wrong in contradictions(config)]
    if problems:
        raise _error(problems)
    origins = {key: source.origin(key) for key in all_keys() if _has(source.values, key)}
    return Settings(config, source.file, origins)


def search_paths() -> tuple[Path, ...]:
    """Where the file is looked for, first match first."""
    return platformdirs.user_config_path("edge-assistant") / FILE_NAME, SYSTEM_FILE


def _read(path: Path | None) -> _Source:
    for candidate in search_paths() if path is None else (path,):
        try:
            text = candidate.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            remedy = _remedy_for_closed(candidate) if isinstance(error, PermissionError) else None
            raise ConfigError(f"The configuration {candidate} cannot be read: {reason}.", remedy=remedy) from error
        return _Source(candidate, text, _parse(candidate, text))
    if path is not None:
        raise ConfigError(f"There is no configuration at {path}.", remedy="Name an existing file, or none.")
    return _Source()


def _remedy_for_closed(path: Path) -> str:
    if path == SYSTEM_FILE:
        return "Use sudo, or join the group that may read it: sudo usermod -aG edge-assistant $USER."
    try:
        owner = path.owner()
    except (OSError, KeyError):  # its folder is closed too, or its owner has no name
        return "Use sudo, or name another file."
    return f"It belongs to {owner}. To have it: sudo chown $USER {path} && chmod u+r {path}"


def _parse(path: Path, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"line (\d+), column (\d+)", str(error))
        # At the end of the document the parser names no line.
        line = found[1] if found else str(len(text.splitlines()))
        reason = re.sub(r" \(at .*\)$", "", str(error))
        raise ConfigError(
            f"{path}:{line}: not valid TOML: {reason}.",
            remedy='Tables are [name], keys are name = value, text is "quoted".',
        ) from error


def _apply_environment(source: _Source, environment: Mapping[str, str]) -> list[str]:
    """Set what the variables say in `source`; the result is a sentence for each unknown variable."""
    by_variable = {key.environment: key for key in all_keys().values()}
    unknown = []
    for variable in sorted(name for name in environment if name.startswith(ENVIRONMENT_PREFIX)):
        key = by_variable.get(variable)
        if key is None:
            near = difflib.get_close_matches(variable, by_variable, n=1, cutoff=0.0)[0]
            unknown.append(f"{variable}: no key has this variable; the nearest is {near}.")
            continue
        *parents, name = key.path.split(".")
        table = source.values
        for parent in parents:
            table = table.setdefault(parent, {}) if isinstance(table, dict) else table
        # A file that has a value in a table's place is reported as such by the check.
        if isinstance(table, dict):
            table[name] = _value_from_text(key, environment[variable])
            source.from_environment[key.path] = variable
    return unknown


def _value_from_text(key: Key, text: str) -> Any:
    """A variable's value: as TOML if it reads as such, else as it stands. `0` for a text key is the text "0", and
    nothing at all unsets an optional key."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return None if not text and key.default is None else text
    if parsed.keys() != {"value"} or (key.is_text and not isinstance(parsed["value"], str)):
        return text
    return parsed["value"]


def _expand_home(values: Mapping[str, Any]) -> None:
    for path, key in all_keys().items():
        if key.type is Path and _has(values, path) and isinstance(_get(values, path), str):
            table, _, name = path.rpartition(".")
            _get(values, table)[name] = str(Path(_get(values, path)).expanduser())


def _unregistered(config: Config) -> Iterator[str]:
    """The keys that name a backend which does not exist."""
    values = config.model_dump()
    for path, key in all_keys().items():
        value = _get(values, path)
        names = value if isinstance(value, tuple) else (value,)
        if key.choices and not set(names) <= set(key.choices):
            yield path


def _error(problems: list[str]) -> ConfigError:
    return ConfigError("The configuration is wrong.\n" + "\n".join(problems), remedy=_REMEDY)


def _describe(source: _Source, path: str) -> str:
    keys = all_keys()
    if path in keys:
        got = "a secret" if keys[path].secret else _shown(_get(source.values, path))
        return f"{source.origin(path)}: {path} is {got}; allowed: {keys[path].allowed}."
    if any(table.path == path or table.path.startswith(f"{path}.") for table in tables()):
        return f"{source.origin(path)}: {path} is a value; allowed: a table, written [{path}]."
    return f"{source.origin(path)}: there is no key {path}; the nearest is {_nearest(path)}."


def _describe_contradiction(source: _Source, config: Config, wrong: Contradiction) -> str:
    # One of the two was set: the defaults do not contradict each other.
    set_here = wrong.path if _has(source.values, wrong.path) else wrong.other
    got = _shown(_get(config.model_dump(), wrong.path))
    return f"{source.origin(set_here)}: {wrong.path} is {got}; allowed: {wrong.allowed}."


def _nearest(path: str) -> str:
    """The known key or table that an unknown one probably meant: in its own table if any there is alike."""
    parent, _, name = path.rpartition(".")
    names = [*all_keys(), *(table.path for table in tables())]
    siblings = {known.rpartition(".")[2]: known for known in names if known.rpartition(".")[0] == parent}
    anywhere = {known.rpartition(".")[2]: known for known in names}
    for candidates in (siblings, anywhere):
        near = difflib.get_close_matches(name, candidates, n=1)
        if near:
            return candidates[near[0]]
    return difflib.get_close_matches(path, names, n=1, cutoff=0.0)[0]


def _line_of(text: str, path: str) -> int:
    """The line (from 1) on which a key or table begins, however it is written.

    It is where the shortest readable beginning of the file that holds the key goes beyond the longest one that does
    not, so that tables, dotted keys, inline tables and values over many lines need no parser of our own.
    """
    lines = text.splitlines()
    begins = 1
    for count in range(1, len(lines) + 1):
        try:
            values = tomllib.loads("\n".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
        if _has(values, path):
            return begins
        begins = count + 1
    return begins


def _has(values: Mapping[str, Any], path: str) -> bool:
    try:
        _get(values, path)
    except (KeyError, TypeError):
        return False
    return True


def _get(values: Mapping[str, Any], path: str) -> Any:
    for part in path.split("."):
        values = values[part]
    return values


def _as_json(values: Mapping[str, Any]) -> str:
    """What pydantic checks. JSON, because in its strict JSON mode a list may fill a tuple and a text a path.

    A date, which JSON has not, becomes a list of lists, which no key takes.
    """
    return json.dumps(values, default=lambda _: [[]])


def _shown(value: Any) -> str:
    try:
        return toml_value(value)
    except TypeError:
        return str(value)
