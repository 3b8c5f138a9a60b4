"""A module that stands in for `tensorrt`, with exactly the members that one real version has.

`tensorrt_api/<version>.json` lists the classes and members of the real bindings, read from their wheels. Each class
here gets those names and no other: touching a member that the version lacks raises AttributeError, so does setting
one. Behaviour comes from `tensorrt_behaviour.py`, where a member that nobody needed yet says so.
"""

from __future__ import annotations

import enum
import json
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.doubles import tensorrt_behaviour as behaviour
from tests.doubles.cuda import FakeCuda

VERSIONS = ("10.3.0", "10.13.3.9", "11.4.0")
_API = Path(__file__).parent / "tensorrt_api"


class _Enum(enum.Enum):
    def __int__(self) -> int:
        return int(self.value)


def tensorrt_module(version: str, cuda: FakeCuda, sm: str) -> Any:
    """A fresh module of that version, on that GPU."""
    api = json.loads((_API / f"{version}.json").read_text())
    module = ModuleType("tensorrt")
    module.__version__ = api["version"]  # type: ignore[attr-defined]
    platform = behaviour.Platform(module, api["version"], cuda, sm)
    for name, members in api["classes"].items():
        setattr(module, name, _class(name, members.split(), platform))
    module.ILogger.Severity = _enumeration("Severity", ["INTERNAL_ERROR", "ERROR", "WARNING", "INFO", "VERBOSE"])
    return module


def _class(name: str, members: list[str], platform: behaviour.Platform) -> Any:
    implementation = getattr(behaviour, name, None)
    if implementation is None:
        return _enumeration(name, [member for member in members if member not in ("name", "value")])
    allowed = frozenset(members)
    version = platform.version

    def refuse(self: object, member: str) -> None:
        raise AttributeError(f"{name} of TensorRT {version} has no member '{member}'")

    def set_member(self: object, member: str, value: object) -> None:
        if not member.startswith("_") and member not in allowed:
            refuse(self, member)
        object.__setattr__(self, member, value)

    namespace = {
        member: getattr(implementation, member, None) or _unimplemented(name, member)
        for member in allowed
        if member not in vars(implementation).get("__annotations__", {})
    }
    private = {
        member: value
        for member, value in vars(implementation).items()
        if member.startswith("_") and member not in ("__dict__", "__weakref__", "__doc__", "__annotations__")
    }
    guards = {} if name == "ILogger" else {"__setattr__": set_member}
    base = bytes if name == "IHostMemory" else object
    return type(name, (base,), {**private, **namespace, **guards, "__getattr__": refuse, "_platform": platform})


def _enumeration(name: str, members: list[str]) -> Any:
    return _Enum(name, [(member, value) for value, member in enumerate(members)])  # type: ignore[call-arg]


def _unimplemented(name: str, member: str) -> Any:
    def call(self: object, *arguments: object) -> None:
        raise NotImplementedError(f"the double does not implement {name}.{member}")

    return call
