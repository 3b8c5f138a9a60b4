"""Events as JSON, for files and reports. Generic over dataclasses, so no event can be forgotten."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, TypeAlias

import numpy as np

from assistant.events import Event

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None

CONTENT = ("text", "begun", "slots", "details", "name")
"""Fields that hold what was heard, seen or said, in whichever event they appear."""


def to_json(event: Event, *, log_content: bool = True) -> dict[str, Json]:
    """An event as a JSON object: its class under "event", then its fields.

    Numbers are rounded to six decimals (times: 1 µs); what is not finite becomes null. An array becomes its shape and
    dtype, and its length in seconds where its sample rate stands beside it. Without `log_content` every text that was
    heard or said is replaced by {"characters": n}.
    """
    return {"event": type(event).__name__, **_object(event, log_content)}


def _object(value: Any, log_content: bool) -> dict[str, Json]:
    encoded: dict[str, Json] = {}
    for field in fields(value):
        item = getattr(value, field.name)
        if isinstance(item, np.ndarray):
            encoded[field.name] = _array(item, getattr(value, "sample_rate_hz", None))
        elif field.name in CONTENT and not log_content:
            encoded[field.name] = _redacted(item)
        else:
            encoded[field.name] = _value(item, log_content)
    return encoded


def _value(value: Any, log_content: bool) -> Json:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if isinstance(value, np.ndarray):
        return _array(value, None)
    if is_dataclass(value):
        return _object(value, log_content)
    if isinstance(value, Mapping):
        return {str(key): _value(item, log_content) for key, item in value.items()}
    if isinstance(value, (tuple, list, set, frozenset)):
        return [_value(item, log_content) for item in value]
    return str(value)


def _array(array: np.ndarray[Any, Any], sample_rate_hz: int | None) -> Json:
    described: dict[str, Json] = {"shape": list(array.shape), "dtype": str(array.dtype)}
    if sample_rate_hz:
        described["seconds"] = round(len(array) / sample_rate_hz, 6)
    return described


def _redacted(value: Any) -> Json:
    if isinstance(value, Mapping):
        return {str(key): _redacted(item) for key, item in value.items()}
    return {"characters": len(str(value))}
