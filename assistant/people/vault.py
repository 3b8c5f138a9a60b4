"""Faces on the disk: one file, encrypted, written whole or not at all.

The key is the systemd credential `edge-assistant-people-key` where the service was given one, else a file beside the
data that only its owner may read. docs/people.md says what that protects from, and what not.
"""

from __future__ import annotations

import os
from pathlib import Path

from assistant.atomic import replace_file
from assistant.errors import ConfigError

CREDENTIAL = "edge-assistant-people-key"
"""A Fernet key, 32 bytes in URL-safe base64: `head -c 32 /dev/urandom | base64 | tr +/ -_`."""
_KEY, _DATA = "key", "people.bin"
_HEADER = b"edge-assistant people 1\n"


class Vault:
    """One encrypted file in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._data = folder / _DATA

    def version(self) -> tuple[int, int, int] | None:
        """Different after every change; None while there is nothing. Costs one look at the folder."""
        try:
            status = self._data.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    def read(self) -> bytes | None:
        """The content; None where there is none. Raises `ConfigError` when it cannot be read with this key."""
        from cryptography.fernet import Fernet, InvalidToken

        try:
            stored = self._data.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(
                f"{self._data} cannot be read: {error.strerror}.", remedy="Run it as the user that owns the file."
            ) from error
        if not stored.startswith(_HEADER):
            raise ConfigError(
                f"{self._data} is no file of known people in version 1: it begins with {stored[:32]!r}.",
                remedy="A newer assistant may have written it; or start anew: assistant people forget --all",
            )
        try:
            return Fernet(self._key()).decrypt(stored[len(_HEADER) :])
        except InvalidToken as error:
            raise ConfigError(
                f"{self._data} was damaged or encrypted with another key.",
                remedy="Give the key that it was written with, or start anew: assistant people forget --all",
            ) from error

    def write(self, content: bytes) -> None:
        """Replace the content. Raises `ConfigError` when the folder cannot be written to."""
        from cryptography.fernet import Fernet

        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            encrypted = Fernet(self._key(make=True)).encrypt(content)
            self._write(self._data, _HEADER + encrypted)
            self._hand_over()
        except OSError as error:
            raise ConfigError(
                f"{self.folder} cannot be written to: {error.strerror}.",
                remedy="Run it as the user that the assistant runs as, or with sudo.",
            ) from error

    def wipe(self) -> None:
        """Remove the content and its key. Raises `ConfigError` when that is not possible."""
        try:
            for path in (self._data, self.folder / _KEY):
                path.unlink(missing_ok=True)
        except OSError as error:
            raise ConfigError(
                f"{error.filename} cannot be removed: {error.strerror}.",
                remedy="Run it as the user that the assistant runs as, or with sudo.",
            ) from error

    def _key(self, *, make: bool = False) -> bytes:
        credentials = os.environ.get("CREDENTIALS_DIRECTORY", "")
        given = Path(credentials) / CREDENTIAL
        path = given if credentials and given.exists() else self.folder / _KEY
        if make and path != given and not path.exists():
            from cryptography.fernet import Fernet

            if self._data.exists():
                raise self._no_key(path)  # a new key would lock away what is there
            self._write(path, Fernet.generate_key())
        try:
            key = path.read_bytes().strip()
        except OSError as error:
            raise self._no_key(path) from error
        _check(key, path)
        return key

    def _no_key(self, path: Path) -> ConfigError:
        return ConfigError(
            f"The key {path}, with which {self._data.name} was encrypted, is missing or cannot be read.",
            remedy=f"Bring it back, pass it as the credential {CREDENTIAL}, or start anew: "
            "assistant people forget --all",
        )

    def _write(self, path: Path, content: bytes) -> None:
        """For the owner only, whatever the umask; the folder is too, so nobody can be quicker."""
        with replace_file(path) as temporary:
            temporary.write_bytes(content)
        path.chmod(0o600)

    def _hand_over(self) -> None:
        """What root writes into a service's folder belongs to the service, or it could not read it."""
        owner = self.folder.parent.stat()
        if os.geteuid() == 0 and owner.st_uid != 0:
            for path in (self.folder, *self.folder.iterdir()):
                os.chown(path, owner.st_uid, owner.st_gid)


def _check(key: bytes, path: Path) -> None:
    from cryptography.fernet import Fernet

    try:
        Fernet(key)
    except ValueError as error:
        raise ConfigError(
            f"{path} holds no key: expected 32 bytes in URL-safe base64, got {len(key)} characters.",
            remedy="Bring the right one back, or start anew: assistant people forget --all",
        ) from error
