"""`assistant doctor`: what is there, what is missing, and how to get it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from assistant.config import Config
from assistant.doctor.check import Check, Patient
from assistant.doctor.examination import examine_all
from assistant.errors import AssistantError
from assistant.settings import load_config


def examine(config_path: Path | None, as_json: bool) -> int:
    """Print every check with its remedy; the exit code is 1 when something needed is missing."""
    console = Console(highlight=False, soft_wrap=True)
    found = []
    for topic, checks in _checks(config_path):
        found += [{"topic": topic, **asdict(check)} for check in checks]
        if not as_json:
            _show(console, topic, checks)
    if as_json:
        print(json.dumps(found, indent=2, ensure_ascii=False))
    return int(any(check["needed"] and not check["ok"] for check in found))


def _checks(config_path: Path | None) -> Iterator[tuple[str, list[Check]]]:
    try:
        config = load_config(config_path)
        check = Check("configuration", True, str(config_path or "valid"))
    except AssistantError as error:
        config = Config()
        remedy = f"{error.remedy or ''} What follows is about the defaults.".strip()
        check = Check("configuration", False, error.message, remedy)
    yield "configuration", [check]
    yield from examine_all(Patient(config, config_path))


def _show(console: Console, topic: str, checks: list[Check]) -> None:
    console.print(f"\n{topic.capitalize()}", style="bold")
    for check in checks:
        console.print(" ", _mark(check, console.encoding), f"{check.name}:", end=" ")
        console.print(check.found, markup=False)
        if not check.ok and check.remedy:
            console.print(f"      {check.remedy}", markup=False, style="dim")


def _mark(check: Check, encoding: str) -> str:
    color, mark, plain = (
        ("green", "✓", "ok") if check.ok else ("red", "✗", "X") if check.needed else ("yellow", "!", "!")
    )
    try:
        mark.encode(encoding)
    except UnicodeEncodeError:
        mark = plain
    return f"[{color}]{mark}[/]"
