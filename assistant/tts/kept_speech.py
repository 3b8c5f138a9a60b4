"""Sound that a voice has made, kept in a folder: a file a sound, with a checksum before the samples."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from assistant.atomic import replace_file
from assistant.events import AudioArray

_FORMAT = 1
_SUFFIX = ".pcm"
_CHECKSUM_BYTES = 4
_FULL_SCALE = 32_767


class KeptSpeech:
    """Each sound under a key, which says all that it depends on."""

    def __init__(self, folder: Path) -> None:
        """The folder, which may not exist, is nobody else's."""
        self._folder = folder

    def get(self, key: str) -> AudioArray | None:
        """A sound, (n,) float32 mono in [-1, 1]; None if it is not kept, or not as it was written."""
        try:
            data = self._file(key).read_bytes()
        except OSError:
            return None
        samples = data[_CHECKSUM_BYTES:]
        if not samples or len(samples) % 2 or data[:_CHECKSUM_BYTES] != _checksum(samples):
            return None
        sound: AudioArray = np.frombuffer(samples, "<i2").astype(np.float32) / np.float32(_FULL_SCALE)
        return sound

    def put(self, key: str, samples: AudioArray) -> None:
        """Keep a sound, (n,) float32 mono. Raises `OSError` where nothing can be written."""
        data = np.round(np.clip(samples, -1.0, 1.0) * _FULL_SCALE).astype("<i2").tobytes()
        with replace_file(self._file(key)) as temporary:
            temporary.write_bytes(_checksum(data) + data)

    def keep_only(self, keys: Iterable[str]) -> None:
        """Remove the others. Raises `OSError` where that is not possible."""
        wanted = {self._file(key) for key in keys}
        for file in self._folder.glob(f"*{_SUFFIX}"):
            if file not in wanted:
                file.unlink(missing_ok=True)

    def _file(self, key: str) -> Path:
        return self._folder / f"{hashlib.sha256(f'{_FORMAT} {key}'.encode()).hexdigest()[:32]}{_SUFFIX}"


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(_CHECKSUM_BYTES, "little")
