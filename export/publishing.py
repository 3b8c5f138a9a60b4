"""Putting a bundle in its place: collected beside the old one, published whole."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from assistant.errors import IntegrityError
from assistant.inference.bundle import MANIFEST_FILE, Bundle, BundleManifest
from assistant.models.changes import staging_in, swap_in
from assistant.models.hashing import hash_file, mismatch
from export.bundle import Draft, manifest_of, manifest_text
from export.errors import ConversionError
from export.known_hashes import KnownHashes
from export.report import MEASUREMENTS_FILE, report_of

REPORT_FILE = "report.html"


def publish(place: Path, draft: Draft, hashes: KnownHashes, note: Callable[[str], object]) -> bool:
    """Put a bundle in its place, whole, on disk before its name appears; False if the very same was there.

    `hashes` spares hashing a bundle that nobody wrote to; `note` is told when another process has to be waited for.
    Raises `ConversionError` when labels do not fit the outputs, or when the place holds something that is no bundle,
    `IntegrityError` when a file is not what its stage made.
    """
    manifest = manifest_of(draft)
    texts = {MANIFEST_FILE: manifest_text(manifest), MEASUREMENTS_FILE: draft.measurements}
    with staging_in(place.parent, f"the bundles in {place.parent}", note) as staging:
        if place.exists() and not (place / MANIFEST_FILE).is_file() and any(place.iterdir()):
            raise ConversionError(f"{place} is there and is no bundle.", remedy="Name another folder: --out DIR.")
        if _is_there(place, manifest, texts, hashes):
            return False
        target = staging / "bundle"
        _write(target, draft, texts, hashes)
        swap_in(target, place, staging)
        for item in Bundle(place, manifest).files():
            hashes.learn(place / item.file, item.sha256)
    return True


def _write(target: Path, draft: Draft, texts: Mapping[str, str], hashes: KnownHashes) -> None:
    for folder in (target / "golden", target / "evidence"):
        folder.mkdir(parents=True)
    for variant in draft.variants:
        _copy(variant.model, target / f"{variant.precision}.onnx", variant.sha256, hashes)
    for path, digest in draft.golden.items():
        _copy(path, target / "golden" / path.name, digest, hashes)
    for path in draft.card.assets:
        (target / "assets").mkdir(exist_ok=True)
        shutil.copyfile(path, target / "assets" / path.name)
    for name, text in draft.evidence.items():
        (target / "evidence" / name).write_text(text, encoding="utf-8")
    for name, text in texts.items():
        (target / name).write_text(text, encoding="utf-8")
    (target / REPORT_FILE).write_text(report_of(Bundle.open(target)), encoding="utf-8")


def _copy(source: Path, target: Path, digest: str, hashes: KnownHashes) -> None:
    """Copy a stage's result, which a failing disk may have altered without a trace in its times."""
    shutil.copyfile(source, target)
    got, size = hash_file(target)
    if problem := mismatch(got, size, digest, None):
        hashes.forget(source)
        raise IntegrityError(
            f"{source} is not what its stage made: {problem}.",
            remedy="Build again: that stage is then done again. If it happens again, the disk or memory is failing.",
        )


def _is_there(place: Path, manifest: BundleManifest, texts: Mapping[str, str], hashes: KnownHashes) -> bool:
    """Whether a bundle is already what it should be."""
    try:
        if any((place / name).read_text(encoding="utf-8") != text for name, text in texts.items()):
            return False
        files = Bundle(place, manifest).files()
        return (
            (place / REPORT_FILE).is_file()
            and all((place / item.file).stat().st_size == item.size for item in files)
            and all(hashes.sha256(place / item.file) == item.sha256 for item in files)
        )
    except (OSError, UnicodeDecodeError):
        return False
