"""The archives of one pull: each is fetched once, whatever number of models it serves, and verified before use.

They lie in `<root>/.archives/` under their hash (or their address's, if unpinned) until the pull that needs them is
complete, so that an interrupted pull does not fetch again what it had.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from assistant.errors import IntegrityError
from assistant.models.hashing import hash_file, mismatch
from assistant.models.manifest import Manifest, Source
from assistant.models.progress import Progress
from assistant.models.record import Fingerprint, TrustedSources


class ArchiveCache:
    """Verified archives on disk. Used under the store's lock."""

    def __init__(self, root: Path) -> None:
        self._folder = root / ".archives"
        self._trusted = TrustedSources(root)
        self._new_fingerprints: dict[str, Fingerprint] = {}

    def get(self, manifest: Manifest, source: Source, progress: Progress) -> Path:
        """The archive of a source, fetched if need be.

        Raises `SourceError` when it cannot be reached and `IntegrityError` when it is not what it was or should be;
        then it is not kept.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        archive = self._path(source)
        title = source.uri if len(source.uri) <= 60 else "…" + source.uri[-59:]
        if not archive.exists():
            # Here, for it loads HTTP and TLS, which whoever only uses the models does without.
            from assistant.models.sources import fetch

            incoming = archive.with_name(archive.name + ".incoming")
            with progress.task(title, source.size) as advance:
                fetch(source, incoming, advance, manifest_folder=manifest.folder)
                advance(incoming.stat().st_size)
            incoming.replace(archive)
        fingerprint = Fingerprint.model_validate(dict(zip(("sha256", "size"), hash_file(archive), strict=True)))
        self._compare(source, archive, fingerprint)
        if source.sha256 is None:
            self._new_fingerprints[source.uri] = fingerprint
        return archive

    def trust(self, manifest: Manifest) -> None:
        """Record the hashes of a model's unpinned sources, now that it was installed from them."""
        for source in manifest.sources:
            if source.uri in self._new_fingerprints:
                self._trusted.add(source.uri, self._new_fingerprints[source.uri])

    def distrust(self, manifest: Manifest) -> None:
        """Delete unpinned archives that a model could not be made from, so that the next pull fetches them anew."""
        for source in manifest.sources:
            if source.sha256 is None:
                self._path(source).unlink(missing_ok=True)

    def missing_bytes(self, sources: Iterable[Source]) -> int:
        """Bytes still to be fetched, as far as manifests name them."""
        return sum(source.size or 0 for source in sources if not self._path(source).exists())

    def keep_only(self, sources: Iterable[Source]) -> None:
        """Delete archives that none of these sources is."""
        wanted = {self._path(source).name for source in sources}
        for path in self._folder.iterdir() if self._folder.is_dir() else ():
            if path.name not in wanted and not path.name.endswith((".part", ".tag")):
                path.unlink() if path.is_file() else shutil.rmtree(path)

    def clear(self) -> None:
        """Delete everything, what was half fetched too."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _path(self, source: Source) -> Path:
        return self._folder / (source.sha256 or sha256(source.uri.encode()).hexdigest())

    def _compare(self, source: Source, archive: Path, got: Fingerprint) -> None:
        expected = self._trusted.get(source.uri) if source.sha256 is None else None
        if expected is not None:
            problem = mismatch(got.sha256, got.size, expected.sha256, expected.size)
            remedy = "It is not what it was at the first pull. `assistant models remove --forget NAME` trusts it anew."
        else:
            problem = mismatch(got.sha256, got.size, source.sha256, source.size)
            remedy = "Nothing was installed. Try again; if it stays so, the source was altered."
        if problem is not None:
            archive.unlink()
            raise IntegrityError(f"{source.uri} is not what was expected: {problem}.", remedy=remedy)
