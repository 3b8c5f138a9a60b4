"""What travels between the assistant and a process of its own: a JSON header and, after it, raw samples.

    length of the header (4 bytes, little endian) | header (UTF-8 JSON) | header["bytes"] bytes of payload

Each process says in its own `worker_main.py` what it is asked and what it answers. An error is answered by
`failed (error, message, remedy, exit_code)`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

import assistant.errors
from assistant.errors import AssistantError, StageError

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


def failed(error: AssistantError) -> Header:
    """The reply that tells of an error."""
    return {
        "kind": "failed",
        "error": type(error).__name__,
        "message": error.message,
        "remedy": error.remedy,
        "exit_code": error.exit_code,
    }


def error_from(reply: Header) -> AssistantError:
    """The error of a `failed` reply: of its own class if that is one of `assistant.errors`, else a `StageError`."""
    named = getattr(assistant.errors, reply["error"], None)
    kind = named if isinstance(named, type) and issubclass(named, AssistantError) else StageError
    error: AssistantError = kind(reply["message"], remedy=reply["remedy"])
    error.exit_code = reply["exit_code"]
    return error
