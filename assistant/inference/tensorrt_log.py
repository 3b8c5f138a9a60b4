"""What TensorRT says while it works.

TensorRT has no error values worth reading: it returns None or False and explains itself to a logger. It keeps the
first logger that a process gives it, so there is one a module here, and each call collects its own part of it.
"""

from __future__ import annotations

import functools
import logging
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LOG = logging.getLogger(__name__)
_KEPT_LINES = 40
_LEVELS = {
    "INTERNAL_ERROR": logging.ERROR,
    "ERROR": logging.ERROR,
    "WARNING": logging.WARNING,
    "INFO": logging.DEBUG,
    "VERBOSE": logging.DEBUG,
}


class TensorRtLog:
    """TensorRT's logger, and its last words."""

    def __init__(self, tensorrt: Any) -> None:
        lines: deque[str] = deque(maxlen=_KEPT_LINES)

        class Logger(tensorrt.ILogger):  # type: ignore[misc]  # the base is only known at run time
            def __init__(self) -> None:
                tensorrt.ILogger.__init__(self)  # TensorRT's bindings refuse a base that was not initialised so

            def log(self, severity: Any, msg: str) -> None:
                level = _LEVELS.get(severity.name, logging.ERROR)
                _LOG.log(logging.DEBUG if level < logging.ERROR else logging.INFO, "%s", msg)
                if level >= logging.WARNING:
                    lines.append(msg)

        self.logger = Logger()
        self._lines = lines

    @contextmanager
    def collecting(self) -> Iterator[deque[str]]:
        """Forget what was said before; the result fills with warnings and errors, the last forty."""
        self._lines.clear()
        yield self._lines

    def said(self) -> str:
        """The warnings and errors since `collecting` began, in one line; a note if there were none."""
        return "; ".join(self._lines) or "it gave no reason"


@functools.lru_cache(maxsize=4)
def log_of(tensorrt: Any) -> TensorRtLog:
    """The one log of this module."""
    return TensorRtLog(tensorrt)
