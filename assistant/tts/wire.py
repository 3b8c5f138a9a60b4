"""What travels between the assistant and its speech process: a JSON header and, after it, raw samples.

    length of the header (4 bytes, little endian) | header (UTF-8 JSON) | header["bytes"] bytes of payload

Requests, all with a `generation` that rises with each:
    configure (config, models_root, registry) · warm (engine) · speak (engine, text, language, style) · cancel
Replies, with the generation of their request:
    audio (bytes) · done · failed (message, remedy, exit_code)
A cancel stops its own generation and all before it; the reply of a cancelled sentence is still a `done`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

MAX_HEADER_BYTES = 1 << 20
MAX_PAYLOAD_BYTES = 1 << 28

Header = dict[str, Any]


class FramingError(ValueError):
    """The bytes are no frame: the other side is broken."""


def packed(header: Header, payload: bytes = b"") -> bytes:
    """A frame."""
    text = json.dumps({**header, "bytes": len(payload)}).encode()
    return struct.pack("<I", len(text)) + text + payload


def read_frame(read: Callable[[int], bytes]) -> tuple[Header, bytes]:
    """The next frame. `read(n)` returns exactly n bytes, or raises. Raises `FramingError` if they make no sense."""
    (length,) = struct.unpack("<I", read(4))
    if not 2 <= length <= MAX_HEADER_BYTES:
        raise FramingError(f"A header of {length} bytes.")
    try:
        header = json.loads(read(length))
        size = header["bytes"]
    except (ValueError, KeyError, TypeError) as error:
        raise FramingError("A header that is not JSON.") from error
    if not isinstance(size, int) or not 0 <= size <= MAX_PAYLOAD_BYTES:
        raise FramingError(f"A payload of {size!r} bytes.")
    return header, read(size)
