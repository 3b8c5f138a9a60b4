"""What objects keep in memory."""

from __future__ import annotations

import gc
import types
from typing import Any

import numpy as np

_PASSAGES = (types.ModuleType, type, types.FrameType, types.CodeType)
"""From these everything can be reached."""


def shapes_reachable_from(*roots: object) -> set[tuple[int, ...]]:
    """The shapes of all arrays of two dimensions and more that these objects hold, however indirectly."""
    found: set[tuple[int, ...]] = set()
    seen: set[int] = set()
    waiting: list[Any] = list(roots)
    while waiting:
        item = waiting.pop()
        if id(item) in seen or isinstance(item, _PASSAGES):
            continue
        seen.add(id(item))
        if isinstance(item, np.ndarray) and item.ndim >= 2:
            found.add(item.shape)
        if isinstance(item, types.FunctionType):  # its module holds everything too
            waiting += [item.__closure__, item.__defaults__, item.__kwdefaults__]
        else:
            waiting += gc.get_referents(item)
    return found
