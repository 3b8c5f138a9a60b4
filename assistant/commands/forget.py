"""`assistant forget`: wipes what the assistant has kept about people and conversations, and tells what it wiped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from assistant.config import Config
from assistant.control.client import ask
from assistant.control.protocol import Status, StatusResult
from assistant.errors import AssistantError, ConfigError, NotRunningError
from assistant.settings import load_config
from assistant.state import SERVICE_STATE, state_dir

KEPT = frozenset({"muted"})
"""Files of the state folder that are wishes, not memories: forgetting must not open a camera that was closed."""
_WHAT = {
    "people": "people who were introduced",
    "latency.json": "how fast the stages were",
    "timers.json": "running timers",
    "echo.npz": "how its own voice sounds at the microphone",
    "recording": "what was heard and seen, written by `assistant dump`",
}
"""What is known to be ours by its name, wherever the state folder is."""
_OURS = "edge-assistant"
"""A folder with this in its path is ours as a whole."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Something that is kept."""

    path: Path
    what: str
    size: int
    """Bytes, everything inside it included."""


def memories(config: Config) -> list[Memory]:
    """Everything that is kept, as docs/privacy.md lists it."""
    found = [*_in_state(config), *_events(config)]
    return [Memory(path, what, _size(path)) for path, what in found]


def forget(config_path: Path | None, *, yes: bool, as_json: bool) -> int:
    """Ask, and wipe. Raises `ConfigError` when a file cannot be wiped, after all others were, and when the assistant
    runs: it would write again what it remembers."""
    config = load_config(config_path)
    found = memories(config)
    _refuse_while_running(config_path)
    console = Console(highlight=False, soft_wrap=True, stderr=as_json)
    if not found:
        console.print("There is nothing to forget.")
    elif not yes and not _agreed(console, found):
        console.print("Nothing was removed.")
        return 1
    failures = [failure for memory in found if (failure := _wipe(memory)) is not None]
    removed = [memory for memory in found if not memory.path.exists()]
    if as_json:
        print(json.dumps([{"path": str(m.path), "what": m.what, "bytes": m.size} for m in removed], ensure_ascii=False))
    else:
        for memory in removed:
            console.print(f"Removed {memory.path}: {memory.what}, {memory.size:,} bytes", markup=False)
    if failures:
        raise ConfigError(
            f"Not everything could be removed: {'; '.join(failures)}.",
            remedy="Run it as the user that the assistant runs as, or with sudo.",
        )
    return 0


def _in_state(config: Config) -> Iterator[tuple[Path, str]]:
    """The state folder's content. Of a folder that was configured and is not ours by its name, only what we know: a
    slip in the configuration must not wipe somebody's documents."""
    folders = [state_dir(config)] if config.state.dir else [state_dir(config), SERVICE_STATE]
    for folder in dict.fromkeys(folders):
        if not folder.is_dir():
            continue
        ours = any(_OURS in part for part in folder.resolve().parts)
        for path in sorted(folder.iterdir()):
            if path.name not in KEPT and (ours or path.name in _WHAT):
                yield path, _WHAT.get(path.name, "state")


def _events(config: Config) -> Iterator[tuple[Path, str]]:
    path = config.telemetry.events
    if path is not None and path.is_file() and _is_ours(path):
        yield path, "events"


def _is_ours(path: Path) -> bool:
    """Whether a file begins like an events file, and not like something that telemetry.events names by mistake."""
    with path.open("rb") as file:
        beginning = file.read(64)
    return not beginning or beginning.startswith(b'{"event":')


def _size(path: Path) -> int:
    if path.is_symlink() or path.is_file():
        return path.lstat().st_size
    return sum(inside.lstat().st_size for inside in path.rglob("*") if not inside.is_dir())


def _wipe(memory: Memory) -> str | None:
    """Remove it; the reason if that is not possible. A link is removed, never what it points to."""
    try:
        if memory.path.is_dir() and not memory.path.is_symlink():
            shutil.rmtree(memory.path)
        else:
            memory.path.unlink()
    except OSError as error:
        return f"{error.filename or memory.path}: {error.strerror}"
    return None


def _refuse_while_running(config_path: Path | None) -> None:
    try:
        status = ask(Status(), StatusResult, config_path, timeout_s=3.0)
    except NotRunningError:
        return
    except AssistantError:
        status = None
    process = f" as process {status.pid}" if status else ""
    raise ConfigError(
        f"The assistant is running{process}: it would keep on writing what it remembers.",
        remedy="Stop it first: sudo systemctl stop edge-assistant, or Ctrl-C where it runs.",
    )


def _agreed(console: Console, found: list[Memory]) -> bool:
    for memory in found:
        console.print(f"{memory.path}: {memory.what}, {memory.size:,} bytes", markup=False)
    console.print("Remove all of this for good? [y/N]", end=" ", markup=False)
    try:
        return input().strip().lower() in ("y", "yes", "是", "好")
    except EOFError:
        return False
