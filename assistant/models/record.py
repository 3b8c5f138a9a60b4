"""What the store writes down: what it installed, and which hash an unpinned source had at its first pull."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from assistant.atomic import write_text
from assistant.errors import IntegrityError

RECORD_FILE = ".record.json"
TRUSTED_FILE = ".trusted.json"


class Fingerprint(BaseModel):
    """SHA-256 and size of a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sha256: str
    size: int


class Record(BaseModel):
    """One installed model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    version: str
    manifest: str
    """The manifest's fingerprint at the time."""
    files: dict[str, Fingerprint]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files.values())


class _Trusted(BaseModel):
    sources: dict[str, Fingerprint] = {}


def read_record(folder: Path) -> Record | None:
    """The record of a model's folder, None if there is none. Raises `IntegrityError` if it cannot be understood."""
    try:
        return Record.model_validate_json((folder / RECORD_FILE).read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValidationError as error:
        raise IntegrityError(f"{folder / RECORD_FILE} is damaged.") from error


def write_record(folder: Path, record: Record) -> None:
    """Write the record of a model's folder."""
    write_text(folder / RECORD_FILE, record.model_dump_json(indent=1))


class TrustedSources:
    """Hashes of sources whose manifest names none: the first pull's, enforced from then on."""

    def __init__(self, root: Path) -> None:
        self._path = root / TRUSTED_FILE

    def get(self, uri: str) -> Fingerprint | None:
        """What the source was at its first pull, None before it."""
        return self._read().sources.get(uri)

    def add(self, uri: str, fingerprint: Fingerprint) -> None:
        """Trust a source from now on."""
        self._write(self._read().sources | {uri: fingerprint})

    def forget(self, uri: str) -> None:
        """Trust whatever the source is at its next pull."""
        sources = self._read().sources
        if sources.pop(uri, None) is not None:
            self._write(sources)

    def _read(self) -> _Trusted:
        try:
            return _Trusted.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return _Trusted()
        except ValidationError as error:
            raise IntegrityError(
                f"{self._path} is damaged, so hashes recorded at first pulls are unknown.",
                remedy="Delete it to trust those sources anew.",
            ) from error

    def _write(self, sources: dict[str, Fingerprint]) -> None:
        write_text(self._path, _Trusted(sources=sources).model_dump_json(indent=1))
