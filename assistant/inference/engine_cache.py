"""Engines on this machine, each published whole or not at all.

<root>/<recipe>/choice.json        the last to be written: which engine won, on what machine, from which bundle
<root>/<recipe>/<key>.engine       an engine, named by its key's digest
<root>/<recipe>/<key>.json         its sidecar: the key, SHA-256, size
<root>/<recipe>/.lock              held while engines of that recipe are built
<root>/timing/<host>.cache         TensorRT's timing cache, one a machine
<root>/quarantine/<time>-<recipe>/ what did not fit, with the reason; the newest four

A cache holds the engine of one bundle a recipe: publishing drops those of an earlier one, so it does not grow.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal, TypeVar

from filelock import FileLock, Timeout
from pydantic import ValidationError

from assistant.atomic import write_text
from assistant.inference.bundle import Bundle, OutputParity, Precision
from assistant.inference.fallback import EngineError, Fallback, FallbackReason
from assistant.inference.fingerprint import EngineKey, HostFingerprint, Table
from assistant.kept import file_identity
from assistant.models.hashing import hash_file

_QUARANTINED = 4
"""Engines that are kept for inspection; one can have hundreds of megabytes."""


class Sidecar(Table):
    """What lies beside an engine."""

    key: EngineKey
    sha256: str
    size: int
    workspace_bytes: int
    """What the build really used as its limit."""


class Attempt(Table):
    """One build."""

    workspace_bytes: int
    outcome: Literal["built", "refused", "out-of-memory", "crashed", "killed", "timed-out"]
    message: str
    seconds: float


class VariantResult(Table):
    """What became of one precision."""

    precision: Precision
    status: Literal["won", "lost", "rejected", "failed"]
    """"rejected": built, and its answers are wrong; "failed": there is no engine."""
    reason: str
    attempts: tuple[Attempt, ...] = ()
    parity: tuple[OutputParity, ...] = ()
    """Of the engine against the golden pairs, the worst of each output."""
    median_ms: float | None = None
    p95_ms: float | None = None


class Choice(Table):
    """What a compilation came to: an engine, or onnxruntime and why."""

    schema_version: Literal[1] = 1
    recipe: str
    bundle_sha256: str
    """Of the bundle's manifest, which vouches for the rest."""
    options: str
    """What the build was told, in JSON."""
    host: HostFingerprint
    power_mode: str
    """While the timings were taken."""
    built_at: datetime
    winner: Precision | None
    """None means onnxruntime."""
    engine: str | None
    """Digest of the winner's key."""
    reason_code: FallbackReason | None
    """Why onnxruntime."""
    reason: str
    variants: tuple[VariantResult, ...]


TableT = TypeVar("TableT", bound=Table)


class EngineCache:
    """The engines below one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, recipe: str) -> Path:
        """Where the engines of a recipe lie. Recipes are named in words: anything else could lead out of the cache."""
        if not re.fullmatch(r"[\w.-]+", recipe) or recipe in (".", "..", "timing", "quarantine"):
            raise EngineError(
                FallbackReason.BUILD_FAILED,
                f"'{recipe}' cannot name a folder of the engine cache.",
                remedy="Name the recipe in letters, digits and dashes.",
            )
        return self.root / recipe

    def engine(self, recipe: str, digest: str) -> Path:
        return self.folder(recipe) / f"{digest}.engine"

    def timing_cache(self, host: HostFingerprint) -> Path:
        """Tactic timings hold for one machine only."""
        return self.root / "timing" / f"{hashlib.sha256(host.model_dump_json().encode()).hexdigest()[:32]}.cache"

    def choice(self, recipe: str) -> Choice | None:
        """What was chosen, None if nothing was built. Raises `EngineError` when it cannot be read."""
        return _read(self.folder(recipe) / "choice.json", Choice)

    def sidecar(self, recipe: str, digest: str) -> Sidecar | None:
        """An engine's sidecar, None if there is none. Raises `EngineError` when it cannot be read."""
        return _read(self.folder(recipe) / f"{digest}.json", Sidecar)

    def published(self, recipe: str, key: EngineKey) -> Sidecar | None:
        """The sidecar of an engine that is complete, None if it has to be built."""
        try:
            sidecar = self.sidecar(recipe, key.digest)
        except EngineError:
            return None
        engine = self.engine(recipe, key.digest)
        if sidecar is None or sidecar.key != key or not engine.is_file():
            return None
        return sidecar if hash_file(engine) == (sidecar.sha256, sidecar.size) else None

    @contextmanager
    def building(self, recipe: str, *, wait_s: float) -> Iterator[None]:
        """Be the only process that builds this recipe; the lock goes with the process. Raises `EngineError` when
        another still builds after `wait_s`."""
        folder = self.folder(recipe)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(folder / ".lock", timeout=wait_s):
                for left_over in folder.glob(".*.part"):
                    left_over.unlink(missing_ok=True)
                yield
        except Timeout:
            raise EngineError(
                FallbackReason.NOT_BUILT,
                f"Another process still builds '{recipe}' after {wait_s:g} s.",
                remedy="Wait for it.",
            ) from None

    def publish_engine(self, recipe: str, key: EngineKey, workspace_bytes: int) -> Sidecar:
        """Vouch for an engine that has just been built at its place."""
        sha256, size = hash_file(self.engine(recipe, key.digest))
        sidecar = Sidecar(key=key, sha256=sha256, size=size, workspace_bytes=workspace_bytes)
        self._write(recipe, f"{key.digest}.json", sidecar)
        return sidecar

    def publish_choice(self, choice: Choice) -> None:
        """Make a choice the current one and drop all other engines of its recipe."""
        self._write(choice.recipe, "choice.json", choice)
        kept = {f"{choice.engine}.engine", f"{choice.engine}.json", "choice.json", ".lock"}
        for path in self.folder(choice.recipe).iterdir():
            if path.name not in kept:
                path.unlink()

    def state(self, recipe: str) -> Hashable:
        """Differs once another choice was published."""
        return file_identity(self.folder(recipe) / "choice.json")

    def quarantine(self, recipe: str, fallback: Fallback, judged: Hashable) -> None:
        """Put a recipe's choice and engines out of the way, with the reason, if they are still those of `judged`, its
        `state` when it was looked at. Does nothing while somebody builds it: the build replaces them. Never raises: an
        assistant that cannot tidy up can still run."""
        with contextlib.suppress(OSError, EngineError), self.building(recipe, wait_s=0):
            if judged is None or self.state(recipe) != judged:
                return
            target = self.root / "quarantine" / f"{time.time_ns()}-{recipe}"
            target.mkdir(parents=True)
            # The choice goes first: without it, nobody looks at the rest.
            for path in sorted(self.folder(recipe).iterdir(), key=lambda path: path.name != "choice.json"):
                if path.name != ".lock":
                    path.rename(target / path.name)
            facts = {"code": fallback.reason.value, "reason": fallback.sentence, "at": now().isoformat()}
            write_text(target / "reason.txt", "".join(f"{name}: {value}\n" for name, value in facts.items()))
            for old in sorted(target.parent.iterdir(), reverse=True)[_QUARANTINED:]:
                shutil.rmtree(old)

    def _write(self, recipe: str, name: str, content: Table) -> None:
        folder = self.folder(recipe)
        write_text(folder / name, content.model_dump_json(indent=2) + "\n")
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)  # the new names, after a power cut
        finally:
            os.close(descriptor)


def now() -> datetime:
    """For records that people read."""
    return datetime.now(timezone.utc)


def bundle_sha256(bundle: Bundle) -> str:
    """Hash of a bundle's manifest."""
    return hash_file(bundle.path / "manifest.json")[0]


def _read(path: Path, kind: type[TableT]) -> TableT | None:
    try:
        return kind.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise EngineError(
            FallbackReason.SIDECAR_DAMAGED, f"{path} cannot be read: {error}", remedy="It is built again."
        ) from error
