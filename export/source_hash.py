"""What the code of a stage is, as a hash: a module of ours and every module of ours that it imports.

So that a cached result is never older than the code that would make it, and a change to the report's style sheet
calibrates nothing anew.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

_OURS = ("assistant", "export")


def source_hash(modules: Sequence[str | Path]) -> str:
    """SHA-256 over the source of these modules (or files) and of what they import, directly or not, from our own
    packages. A package that is named counts with all its modules, for it may find them by a registry."""
    return _source_hash(tuple(modules))


@cache
def _source_hash(modules: tuple[str | Path, ...]) -> str:
    """Once a process: several stages of a recipe have the same code."""
    paths: dict[str, Path] = {}
    waiting: list[str | Path] = [*modules, *(path for name in modules for path in _members(name))]
    while waiting:
        module = waiting.pop()
        # A file outside our packages counts by its own name: where it lies must not matter.
        name = module if isinstance(module, str) else f"{module.parent.name}/{module.name}"
        path = None if name in paths else _path_of(module) if isinstance(module, str) else module
        if path is not None:
            paths[name] = path
            waiting.extend(imports_of(path))
    digest = sha256()
    for name in sorted(paths):
        digest.update(f"{name}\0{_hash_of(paths[name])}\0".encode())
    return digest.hexdigest()


def _members(module: str | Path) -> list[Path]:
    path = _path_of(module) if isinstance(module, str) else None
    return sorted(path.parent.rglob("*.py")) if path is not None and path.name == "__init__.py" else []


@cache
def imports_of(path: Path) -> tuple[str, ...]:
    """Names in a file's import statements, wherever they stand, that may be modules of ours."""
    return tuple(dict.fromkeys(_imports(ast.parse(path.read_bytes()))))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
            # What follows `import` may be a module or a name in one; the search for its file tells.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        yield from (name for name in names if name.partition(".")[0] in _OURS)


@cache
def _path_of(name: str) -> Path | None:
    """A module's file, found without importing it; None for what is no module."""
    top, _, rest = name.partition(".")
    spec = importlib.util.find_spec(top)
    if spec is None or spec.origin is None:
        return None
    base = Path(spec.origin).parent.joinpath(*rest.split(".")) if rest else Path(spec.origin).parent
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.is_file():
            return path
    return None


@cache
def _hash_of(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
