"""`python -m assistant.docs [--check]`: write the documentation that is generated from the source.

With `--check` nothing is written, and the exit code is 1 when a file is not what the source says.
"""

from __future__ import annotations

import argparse
import ast
import inspect
import json
import sys
import types
from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from assistant import events
from assistant.config_schema import Key, tables, toml_value
from assistant.control.manual import control_page
from assistant.events import Event
from assistant.telemetry.encode import CONTENT, to_json
from assistant.telemetry.examples import EXAMPLES
from assistant.telemetry.metrics_page import metrics_page

_FOLDER = Path(__file__).parents[1] / "docs"
_JSON_TYPES = {float: "number", int: "integer", str: "text", bool: "boolean", type(None): "null", Any: "any"}

# Fields that mean the same wherever they have no text of their own.
_COMMON_FIELDS = {
    "turn_id": "The exchange that it belongs to.",
    "sample_rate_hz": "Samples a second.",
    "confidence": "0 to 1.",
    "language": 'BCP 47 primary tag: "en", "zh".',
}
_WITHHELD = ", ".join(f"`{name}`" for name in CONTENT)
_EVENTS_INTRODUCTION = f"""# Events

Generated from `assistant/events.py` by `python -m assistant.docs`; do not edit.

An events file (`telemetry.events`, or `events.jsonl` of a replay) holds one JSON object a line: the event's name under
`"event"`, then its fields.

- Times end in `_s` and are seconds on the monotonic clock of the run, rounded to 1 µs.
- An array is written as `{{"shape", "dtype"}}`, sound with its length in `"seconds"` too. Samples and pixels are never
  written, and `AudioFrame` not at all.
- In the file of `telemetry.events`, unless `telemetry.log_content` is set, what was heard, said or read, and who was
  seen ({_WITHHELD}), is written as `{{"characters": n}}`. An `events.jsonl` of
  `replay`, `demo` or `dump` always holds the words.

## Events
"""
_CONFIGURATION_INTRODUCTION = """# Configuration

Generated from `assistant/config.py` by `python -m assistant.docs`; do not edit.

One TOML file. `--config FILE` names it; else `$XDG_CONFIG_HOME/edge-assistant/assistant.toml` (usually `~/.config/…`)
is read, else `/etc/edge-assistant/assistant.toml`, else the defaults hold. Every key is optional; an unknown one is
refused.

An environment variable overrides its key. Its value is read as TOML (`0.5`, `true`, `["face"]`), else as plain text;
nothing at all unsets an optional key. No other variable may begin with `ASSISTANT_`.

`assistant config show` prints what is in effect and where it comes from; `assistant config check [FILE]` says what is
wrong and exits with 2.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write or check the files; the result is the exit code."""
    parser = argparse.ArgumentParser(prog="python -m assistant.docs", description=__doc__)
    parser.add_argument("--check", action="store_true", help="only say whether the files are current")
    parser.add_argument("--folder", type=Path, default=_FOLDER, help="where the files are")
    options = parser.parse_args(arguments)
    stale = False
    pages = {
        "events.md": events_page(),
        "configuration.md": configuration_page(),
        "control.md": control_page(),
        "metrics.md": metrics_page(),
    }
    for name, text in pages.items():
        path = options.folder / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale = True
        if options.check:
            print(f"{path} is not current. Run: python -m assistant.docs", file=sys.stderr)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            print(f"Wrote {path}.")
    return 1 if stale and options.check else 0


def events_page() -> str:
    """`docs/events.md`."""
    docs = _attribute_docs()
    examples = {type(example): example for example in EXAMPLES}
    classes = [item for item in vars(events).values() if inspect.isclass(item) and item.__module__ == events.__name__]
    parts = [_EVENTS_INTRODUCTION]
    for event in (item for item in classes if issubclass(item, Event) and item is not Event):
        if event not in examples:
            raise LookupError(f"{event.__name__} has no example. Add one to assistant/telemetry/examples.py.")
        line = json.dumps(to_json(examples[event]), ensure_ascii=False)
        parts.append(
            f"### {event.__name__}\n\n{_class_doc(event)}\n\n{_field_table(event, docs)}\n\n```json\n{line}\n```\n"
        )
    parts.append("## Parts of events\n")
    for part in (item for item in classes if is_dataclass(item) and not issubclass(item, Event)):
        parts.append(f"### {part.__name__}\n\n{_class_doc(part)}\n\n{_field_table(part, docs)}\n")
    return "\n".join(parts)


def configuration_page() -> str:
    """`docs/configuration.md`."""
    parts = [_CONFIGURATION_INTRODUCTION]
    example = []
    for table in tables():
        rows = [
            f"| `{_name(key)}` | {_kind(key)} | {_default(key)} | {key.doc} | `{key.environment}` |"
            for key in table.keys
        ]
        head = "| key | type | default | meaning | variable |\n| --- | --- | --- | --- | --- |"
        parts.append(f"## {table.path}\n\n{table.doc}\n\n{head}\n" + "\n".join(rows) + "\n")
        lines = [f"# {key.doc}\n{_assignment(key)}" for key in table.keys]
        example.append("\n".join([f"[{table.path}]", *lines]))
    parts.append("## A complete file\n\nAll keys with their defaults.\n\n```toml\n" + "\n\n".join(example) + "\n```\n")
    return "\n".join(parts)


def _attribute_docs() -> dict[tuple[str, str], str]:
    """(class, field) → the text below the field. Dataclasses forget it, so it is read from the source."""
    found = {}
    for node in ast.parse(inspect.getsource(events)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        for statement, following in zip(node.body, node.body[1:], strict=False):
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                text = _text_of(following)
                if text:
                    found[node.name, statement.target.id] = text
    return found


def _text_of(node: ast.stmt) -> str:
    value = node.value if isinstance(node, ast.Expr) else None
    return " ".join(value.value.split()) if isinstance(value, ast.Constant) and isinstance(value.value, str) else ""


def _field_table(owner: type[Any], docs: dict[tuple[str, str], str]) -> str:
    hints = get_type_hints(owner)
    rows = ["| field | type | meaning |", "| --- | --- | --- |"]
    for field in fields(owner):
        # A field that a base class declares is documented there.
        declared = (docs.get((base.__name__, field.name)) for base in owner.__mro__)
        doc = next(filter(None, declared), _COMMON_FIELDS.get(field.name, ""))
        rows.append(f"| `{field.name}` | {_json_type(hints[field.name])} | {doc} |")
    return "\n".join(rows)


def _json_type(hint: Any) -> str:
    """What a field of this type is in JSON."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join(_json_type(argument) for argument in arguments)
    if origin is Literal:
        return "one of " + ", ".join(json.dumps(choice) for choice in arguments)
    if origin is tuple:
        size = "" if arguments[-1] is Ellipsis else f"{len(arguments)} × "
        return f"list of {size}{_json_type(arguments[0])}"
    if origin is dict:
        return f"object of {_json_type(arguments[1])}"
    if hint in (events.AudioArray, events.ImageArray):
        return "array"
    return _JSON_TYPES.get(hint) or f"[{hint.__name__}](#{hint.__name__.lower()})"


def _class_doc(owner: type[Any]) -> str:
    return inspect.cleandoc(owner.__doc__ or "")


def _name(key: Key) -> str:
    return key.path.rpartition(".")[2]


def _kind(key: Key) -> str:
    choices = ", ".join(f"`{toml_value(choice)}`" for choice in key.choices)
    return " ".join(part for part in (key.type_name, key.range, f"({choices})" if choices else "") if part)


def _default(key: Key) -> str:
    return "not set" if key.default is None else f"`{toml_value(key.default)}`"


def _assignment(key: Key) -> str:
    return f'# {_name(key)} = ""' if key.default is None else f"{_name(key)} = {toml_value(key.default)}"


if __name__ == "__main__":
    raise SystemExit(main())
