"""Everybody who was introduced."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from assistant.config import Config
from assistant.errors import ConfigError
from assistant.people.matching import Descriptor, Person
from assistant.people.vault import Vault
from assistant.state import SERVICE_STATE, state_path

MOST_DESCRIPTORS = 12
"""Kept of one person; older ones go."""
_MOST_NAME = 40
_VERSION = 1


class Album:
    """Reads what another process writes: `assistant people add` while the assistant runs."""

    def __init__(self, folder: Path) -> None:
        self._vault = Vault(folder)
        self._read_version: tuple[int, int, int] | None = None
        self._people: tuple[Person, ...] = ()

    @classmethod
    def of(cls, config: Config) -> Album:
        """In the state folder. For root without one of its own configured, that of the installed service, which is
        whom an introduction is for."""
        folder = state_path(config)
        own = config.state.dir or os.environ.get("STATE_DIRECTORY")
        if not own and os.geteuid() == 0 and SERVICE_STATE.is_dir():
            folder = SERVICE_STATE
        return cls(folder / "people")

    @property
    def version(self) -> tuple[int, int, int] | None:
        """Different after every change; None while nobody is known. Cheap."""
        return self._vault.version()

    def people(self) -> tuple[Person, ...]:
        """Everybody, in the order of their introduction; read anew when the file has changed. Raises `ConfigError`."""
        version = self._vault.version()
        if version != self._read_version:
            content = self._vault.read()
            self._people = () if content is None else _decoded(content)
            self._read_version = version
        return self._people

    def close(self) -> None:
        """Keep nothing of what was read in memory; it is read again when it is wanted."""
        self._people, self._read_version = (), None

    def add(self, name: str, descriptors: Sequence[Descriptor], added_on: str) -> Person:
        """Introduce somebody, or add looks to who has this name already. Raises `ConfigError`."""
        with self._alone():
            known = {person.name: person for person in self.people()}
            person = known.get(name) or Person(name, added_on, ())
            looks = (*person.descriptors, *descriptors)[-MOST_DESCRIPTORS:]
            known[name] = replace(person, descriptors=looks)
            self._vault.write(_encoded(known.values()))
            return known[name]

    def forget(self, name: str) -> bool:
        """Whether somebody of this name was known. With the last one the key goes too. Raises `ConfigError`."""
        if self.version is None:
            return False
        with self._alone():
            left = [person for person in self.people() if person.name != name]
            if len(left) == len(self.people()):
                return False
            if left:
                self._vault.write(_encoded(left))
            else:
                self._vault.wipe()
            return True

    def forget_all(self) -> None:
        """Also what cannot be read any more. Raises `ConfigError`."""
        self._vault.wipe()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two commands at once must not undo each other."""
        try:
            self._vault.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = FileLock(self._vault.folder / "lock", timeout=10.0, mode=0o600)
            with lock:
                yield
        except OSError as error:  # also a lock that nobody gives back in time
            raise ConfigError(
                f"{self._vault.folder} cannot be written to: {error.strerror or error}.",
                remedy="Run it as the user that the assistant runs as, or with sudo.",
            ) from error


def checked_name(name: str) -> str:
    """A name as it is said. Raises `ConfigError` for what is none."""
    plain = " ".join(name.split())
    letters = any(character.isalpha() for character in plain)
    if not letters or len(plain) > _MOST_NAME or not all(c.isalnum() or c in " '’-.·" for c in plain):
        raise ConfigError(
            f"{name!r} is no name: expected 1 to {_MOST_NAME} letters, digits, spaces, hyphens or apostrophes.",
            remedy="Give the name as the assistant should say it: assistant people add Anna",
        )
    return plain


def _encoded(people: Any) -> bytes:
    listed = [
        {
            "name": person.name,
            "added_on": person.added_on,
            "descriptors": [base64.b64encode(d.astype("<f2").tobytes()).decode() for d in person.descriptors],
        }
        for person in people
    ]
    return json.dumps({"version": _VERSION, "people": listed}, ensure_ascii=False).encode()


def _decoded(content: bytes) -> tuple[Person, ...]:
    try:
        document = json.loads(content)
        if document["version"] != _VERSION:
            raise ValueError(f"version {document['version']}")
        return tuple(
            Person(str(item["name"]), str(item["added_on"]), tuple(map(_descriptor, item["descriptors"])))
            for item in document["people"]
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"The file of known people does not hold what it should: {error}.",
            remedy="A newer assistant may have written it; or start anew: assistant people forget --all",
        ) from error


def _descriptor(text: str) -> Descriptor:
    values = np.frombuffer(base64.b64decode(text, validate=True), "<f2").astype(np.float32)
    length = float(np.linalg.norm(values))
    if values.shape != (1024,) or not np.isfinite(length) or length < 0.5:
        raise ValueError(f"a descriptor of {values.size} numbers and length {length:.2f}")
    return np.asarray(values / length, np.float32)
