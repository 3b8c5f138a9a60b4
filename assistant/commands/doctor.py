"""`assistant doctor`: what is there, what is missing, and how to get it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from assistant.audio import portaudio
from assistant.commands.devices import cameras
from assistant.config import Config
from assistant.errors import AssistantError
from assistant.models.store import ModelStore
from assistant.models.used import used_models
from assistant.settings import load_config

_NEEDED_BYTES = 1_000_000_000
"""Free space that a pull of the default models needs at its peak, archives and conversions included."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    found: str
    remedy: str = ""
    needed: bool = True
    """Whether the assistant cannot run without it."""


def examine(config_path: Path | None, as_json: bool) -> int:
    """Print every check with its remedy; the exit code is 1 when something needed is missing."""
    checks = list(_checks(config_path))
    if as_json:
        print(json.dumps([asdict(check) for check in checks], indent=2, ensure_ascii=False))
    else:
        console = Console(highlight=False, soft_wrap=True)
        for check in checks:
            console.print(_mark(check, console.encoding), f"{check.name}:", end=" ")
            console.print(check.found, markup=False)
            if not check.ok and check.remedy:
                console.print(f"    {check.remedy}", markup=False, style="dim")
    return int(any(check.needed and not check.ok for check in checks))


def _mark(check: Check, encoding: str) -> str:
    color, mark, plain = (
        ("green", "✓", "ok") if check.ok else ("red", "✗", "!!") if check.needed else ("yellow", "–", "--")
    )
    try:
        mark.encode(encoding)
    except UnicodeEncodeError:
        mark = plain
    return f"[{color}]{mark}[/]"


def _checks(config_path: Path | None) -> Iterator[Check]:
    yield Check(
        "Python", (3, 10) <= sys.version_info[:2] <= (3, 13), sys.version.split()[0], "Use Python 3.10 to 3.13."
    )
    try:
        config = load_config(config_path)
        yield Check("configuration", True, str(config_path or "valid"))
    except AssistantError as error:
        yield Check("configuration", False, error.message, error.remedy or "")
        config = Config()
    yield from _devices(config)
    yield from _models(config)
    yield from _programs()
    yield from _accelerator()


def _devices(config: Config) -> Iterator[Check]:
    for name, wanted, direction in (
        ("microphone", config.audio.input, "input"),
        ("speaker", config.audio.output, "output"),
    ):
        needed = direction == "input"
        if wanted == "none":
            found = "switched off by the configuration"
            yield Check(name, not needed, found, 'A live conversation needs one: set audio.input = "default".')
            continue
        try:
            device = portaudio.find(wanted, "input" if needed else "output")
            yield Check(name, True, f"{device.name} through {device.host}")
        except AssistantError as error:
            yield Check(name, False, error.message, error.remedy or "", needed=needed)
    listed = ", ".join(f"{path} ({name})" for path, name in cameras())
    if config.vision.camera == "none":
        yield Check("camera", True, "switched off by the configuration")
    elif config.vision.camera.isdecimal():
        path = f"/dev/video{config.vision.camera}"
        yield Check(
            "camera",
            Path(path).exists(),
            listed or "none",
            'Plug one in, or set vision.camera = "none"; without one the assistant says that it cannot see.',
            needed=False,
        )
    else:
        yield Check("camera", True, f"{config.vision.camera} (not opened)")


def _models(config: Config) -> Iterator[Check]:
    store = ModelStore(config.models.dir)
    used = used_models(config)
    for name in (*used, *(name for name in store.default_names() if name not in used)):
        try:
            state = store.state(name).state
        except AssistantError as error:  # the configuration may name a model that does not exist
            yield Check(f"model {name}", False, error.message, error.remedy or "")
            continue
        found = state if name in used else f"{state}; this configuration does not use it"
        remedy = f"Run: assistant models pull {name}"
        yield Check(f"model {name}", state == "installed", found, remedy, needed=name in used)
    parent = next(path for path in (store.root, *store.root.parents) if path.exists())
    free = shutil.disk_usage(parent).free
    yield Check("disk", free > _NEEDED_BYTES, f"{free / 1e9:.1f} GB free at {parent}", "Free some space.", needed=False)


def _programs() -> Iterator[Check]:
    yield Check(
        "espeak-ng",
        shutil.which("espeak-ng") is not None,
        shutil.which("espeak-ng") or "not installed",
        "The fallback voice needs it: sudo apt-get install espeak-ng",
        needed=False,
    )


def _accelerator() -> Iterator[Check]:
    import ctypes

    try:
        driver = ctypes.CDLL("libcuda.so.1")
        found = "a driver is there" if driver.cuInit(0) == 0 else "a driver is there but does not start"
    except OSError:
        found = "no NVIDIA driver; everything runs on the processor"
    yield Check("NVIDIA GPU", "no NVIDIA driver" not in found, found, needed=False)
