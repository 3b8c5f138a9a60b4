"""`assistant doctor`: what is there, what is missing, and how to get it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from assistant.config import Config
from assistant.doctor import TOPICS
from assistant.doctor.check import Check, Patient
from assistant.doctor.examination import examine_all
from assistant.errors import AssistantError
from assistant.settings import load_config, search_paths

_WITHOUT_CONFIGURATION = ("software", "service", "machine", "time")


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
    path, topics = config_path, TOPICS
    try:
        path = config_path or next((path for path in search_paths() if path.exists()), None)
        config = load_config(config_path)
        check = Check("configuration", True, f"{path} is valid" if path else "there is none; the defaults hold")
    except AssistantError as error:
        config, follows = Config(), "What follows is about the defaults."
        if path is not None and not os.access(path, os.R_OK):
            # Somebody else's: what is wrong with the defaults is no news to whoever asks about that.
            path, follows = None, "What follows does not need it."
            topics = {topic: TOPICS[topic] for topic in _WITHOUT_CONFIGURATION}
        remedy = f"{error.remedy or ''} {follows}".strip()
        check = Check("configuration", False, error.message, remedy)
    yield "configuration", [check]
    yield from examine_all(Patient(config, path), topics)


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
