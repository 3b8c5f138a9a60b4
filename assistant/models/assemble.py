"""From verified archives to the files of a model, in a folder that nobody sees yet."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from assistant.errors import AssistantError, IntegrityError, ModelError
from assistant.models.hashing import hash_file, mismatch
from assistant.models.manifest import Manifest, StoreFile
from assistant.models.progress import Progress
from assistant.models.record import Fingerprint
from assistant.models.unpack import members_below, unpack


def assemble(
    manifest: Manifest, archives: Mapping[str, Path], target: Path, scratch: Path, progress: Progress
) -> dict[str, Fingerprint]:
    """Make every file of a model below `target` and return their fingerprints.

    `archives` maps source ids to paths; `scratch` is an empty folder on the same filesystem. Raises `IntegrityError`
    when a file is not what the manifest names, `ModelError` when a conversion fails.
    """
    alone = next(iter(archives.values()))
    archives = archives if len(archives) > 1 else {"": alone, **archives}
    _unpack_members(manifest, archives, target)
    for file in manifest.files:
        (target / file.name).parent.mkdir(parents=True, exist_ok=True)
        if file.parts and file.convert is None:
            _join(manifest, file, archives, target / file.name, scratch)
        elif file.convert is not None:
            with progress.task(f"convert {manifest.name}/{file.name}", None) as advance:
                _convert(manifest, file, archives, target / file.name, scratch)
                advance((target / file.name).stat().st_size)
        elif file.member is None:
            shutil.copyfile(archives[file.source], target / file.name)
    for tree in manifest.trees:
        archive = archives[tree.source]
        names = members_below(archive, tree.member)
        paths = {name: target / PurePosixPath(name).relative_to(tree.member) for name in names}
        unpack(archive, paths, max_bytes=manifest.source(tree.source).max_size)
    return _fingerprints(manifest, target)


def _unpack_members(manifest: Manifest, archives: Mapping[str, Path], target: Path) -> None:
    """All plain members, in one pass an archive."""
    for id, archive in archives.items():
        wanted = [file for file in manifest.files if file.member is not None and file.source == id]
        if wanted:
            limit = sum(file.size if file.size is not None else manifest.source(id).max_size for file in wanted)
            unpack(archive, {str(file.member): target / file.name for file in wanted}, max_bytes=limit)


def _join(manifest: Manifest, file: StoreFile, archives: Mapping[str, Path], target: Path, scratch: Path) -> None:
    with target.open("wb") as joined:
        for part in file.parts:
            id, _, member = part.partition(":")
            piece = scratch / "part"
            limit = file.size if file.size is not None else manifest.source(id).max_size
            unpack(archives[id], {member: piece}, max_bytes=limit)
            with piece.open("rb") as content:
                shutil.copyfileobj(content, joined, 1 << 20)
            piece.unlink()


def _convert(manifest: Manifest, file: StoreFile, archives: Mapping[str, Path], target: Path, scratch: Path) -> None:
    assert file.convert is not None
    module_name, _, function = file.convert.partition(":")
    if file.parts:
        inputs = [scratch / PurePosixPath(file.name).name]
        _join(manifest, file, archives, inputs[0], scratch)
    else:
        members = {member: scratch / PurePosixPath(member).name for member in file.inputs}
        unpack(archives[file.source], members, max_bytes=manifest.source(file.source).max_size)
        inputs = list(members.values())
    try:
        convert = getattr(importlib.import_module(module_name), function)
        convert(inputs[0], target)
    except (AssistantError, OSError):
        raise
    except Exception as error:
        raise ModelError(f"'{manifest.name}' could not be converted by {file.convert}: {error}.") from error
    if not target.is_file():
        raise ModelError(f"'{file.name}' of '{manifest.name}' was not made: {file.convert} left no file.")
    for path in inputs:
        path.unlink()


def _fingerprints(manifest: Manifest, target: Path) -> dict[str, Fingerprint]:
    """Hash everything below `target` and compare it with what the manifest names."""
    named = {file.name: file for file in manifest.files}
    fingerprints = {}
    for path in sorted(path for path in target.rglob("*") if path.is_file()):
        name = path.relative_to(target).as_posix()
        sha256, size = hash_file(path)
        expected = named.get(name)
        problem = mismatch(sha256, size, expected.sha256, expected.size) if expected else None
        if problem is not None:
            raise IntegrityError(f"'{name}' of '{manifest.name}': {problem}.", remedy="Nothing was installed.")
        fingerprints[name] = Fingerprint(sha256=sha256, size=size)
    return fingerprints
