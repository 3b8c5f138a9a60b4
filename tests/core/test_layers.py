"""Imports go one way, those for type checks too: from the command line down, and nowhere in a circle."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ABOVE = ("assistant.commands", "assistant.cli", "assistant.__main__")


def _name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {_name(path): path for path in (ROOT / "assistant").rglob("*.py")}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, (ast.Import, ast.ImportFrom)) else []
        if isinstance(node, ast.ImportFrom):
            members = [f"{node.module}.{name}" for name in names]
            names = [member if member in MODULES else str(node.module) for member in members]
        yield from (name for name in names if name in MODULES)


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Module → what it imports of the assistant."""
    return {name: set(_imports(path)) for name, path in MODULES.items()}


def test_there_is_no_circle(imports: dict[str, set[str]]) -> None:
    assert list(TopologicalSorter(imports).static_order())


def test_nothing_below_the_command_line_imports_a_command(imports: dict[str, set[str]]) -> None:
    upward = {name: found for name, found in imports.items() if any(each.startswith(ABOVE) for each in found)}
    assert [name for name in upward if not name.startswith(ABOVE)] == []
