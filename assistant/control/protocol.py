"""What is sent over the control socket: one JSON object a line, a request and then its reply.

    {"version": 1, "command": "say", "text": "Dinner is ready."}
    {"version": 1, "ok": true, "result": {}}
    {"version": 1, "ok": false, "error": {"code": "control", "message": "…", "remedy": "…"}}

A new command, a new optional field or a new field of a result keeps the version; everything else raises it.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from assistant.errors import AssistantError

VERSION = 1
MAX_LINE_BYTES = 16_384
"""A longer request is refused and its connection closed."""
MAX_TEXT = 2_000
"""Characters that may be said at once."""


class Request(BaseModel):
    """What every request has. Strict: an unknown field or a value of the wrong type is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)

    version: Literal[1] = 1


class Ping(Request):
    """Answers at once, also while the assistant starts; `pid` tells who."""

    command: Literal["ping"] = "ping"


class Status(Request):
    """How it is: see the result's fields."""

    command: Literal["status"] = "status"


class Say(Request):
    """Say a text as soon as nobody else speaks; answered when it has been said."""

    command: Literal["say"] = "say"
    text: Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
    """What is to be said."""
    language: Literal["en", "zh"] | None = None
    """Taken from the script if not given."""


class Mute(Request):
    """Close microphone and camera."""

    command: Literal["mute"] = "mute"


class Unmute(Request):
    """Open them again."""

    command: Literal["unmute"] = "unmute"


class Listen(Request):
    """Take what is said next as addressed to the assistant, without a wake phrase: push-to-talk. Answered when it
    listens; who begins to speak within `wake.follow_up_s` from then on (5 s at least) is heard to the end."""

    command: Literal["listen"] = "listen"


class Volume(Request):
    """Set the loudness of the replies until the assistant ends."""

    command: Literal["volume"] = "volume"
    volume: Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
    """0 (silent) to 1."""


class Reload(Request):
    """Read the configuration again. A wrong one changes nothing; answered when the new one is in force."""

    command: Literal["reload"] = "reload"


class Dump(Request):
    """Write what was heard and seen in the last `recorder.seconds`, and what came of it, into the folder `recording` of
    the state folder, in the place of what was written there before."""

    command: Literal["dump"] = "dump"


AnyRequest = Annotated[
    Ping | Status | Say | Mute | Unmute | Listen | Volume | Reload | Dump,
    Field(discriminator="command"),
]
REQUESTS: TypeAdapter[Any] = TypeAdapter(AnyRequest)
COMMANDS: dict[str, type[Request]] = {
    kind.model_fields["command"].default: kind
    for kind in (Ping, Status, Say, Mute, Unmute, Listen, Volume, Reload, Dump)
}


class Result(BaseModel):
    """What every result has. A reader ignores fields that it does not know: newer assistants may have more."""

    model_config = ConfigDict(extra="ignore", frozen=True, use_attribute_docstrings=True)


class Done(Result):
    """It is done."""


class Pong(Result):
    """Who answered."""

    pid: int
    """The process that answered."""


class LastFailure(Result):
    """How something failed when it was asked for last."""

    reason: str
    """What happened."""
    ago_s: float
    """How many seconds ago that was."""


class HealthState(Result):
    """Whether it does what it is there for, computed from the path itself."""

    ok: bool
    """Whether a supervisor may leave it alone: no restart would help. It hears, was muted on purpose, or waits for a
    microphone or a recogniser that is behind; and nothing hangs."""
    hears: bool
    """Fresh sound passes the voice-activity detector."""
    reason: str
    """Why it does not hear, and what hangs; empty while neither is so."""
    muted: bool
    """Microphone and camera are closed, because somebody asked for that."""
    unavailable: dict[str, str]
    """What else does not work: stage → reason."""
    last_failures: dict[str, LastFailure] = {}
    """What failed when it was asked for last, by stage. Nothing tries it meanwhile, so it may work again."""

    @property
    def well(self) -> bool:
        """Whether it does what it is there for: it hears, unless it was muted, and nothing hangs."""
        return self.ok and (self.hears or self.muted)


class Latency(Result):
    """How the durations of one stage are distributed over the newest turns."""

    count: int
    """Turns that were measured: the newest 500 at most."""
    p50_s: float
    """Median, in seconds."""
    p95_s: float
    """95th percentile, in seconds."""


class StatusResult(Result):
    """How the assistant is."""

    pid: int
    """The process that answered."""
    state: Literal["starting", "running", "reloading", "stopping"]
    """What it does. One that has been starting for long may be waiting for its microphone: see `health`."""
    uptime_s: float
    """Seconds since the process began to start."""
    health: HealthState
    """Whether it hears, and what does not work."""
    attentive: bool = False
    """Whether what is said now needs no wake phrase: in a follow-up window, during a turn, or always."""
    volume: float | None
    """0 to 1; null before it has started."""
    config_file: str | None
    """The configuration that was read; null for the defaults."""
    config_error: str
    """What was wrong with the configuration when it was last read again; empty if it is in force."""
    versions: dict[str, str]
    """Package → version."""
    latency: dict[str, Latency]
    """Stage → durations; `mouth_to_ear` is from the end of speech to the first sound. Kept across restarts."""
    networks: dict[str, str] = {}
    """Network → what it runs on: "tensorrt", or "onnxruntime: " and why."""
    saving: str = ""
    """What it does without to spare the machine, and why; empty before it has started."""
    recorder_s: int = 0
    """So many of the last seconds of sound and pictures are kept in memory for `assistant dump`; 0 for none. Muted, it
    keeps nothing."""
    dropped: dict[str, int]
    """What was lost, the machine being too slow, a disk full, or what hears or recognises failing: name → count since
    the start."""


class ReloadResult(Result):
    """What came of it."""

    changed: list[str]
    """Keys that have another value now."""
    restarted: bool
    """Whether the assistant was started anew for it; devices and networks that did not change were kept."""
    after_restart: list[str]
    """Keys whose new value holds only once the whole process has been started anew."""


class DumpResult(Result):
    """What was written."""

    folder: str
    """Readable by the assistant's own user only."""
    sound_s: float
    """Seconds of sound."""
    pictures: int
    """How many pictures were written."""
    config_file: str | None
    """The configuration that was in force; null for the defaults."""


RESULTS: dict[str, type[Result]] = {
    "ping": Pong,
    "status": StatusResult,
    "say": Done,
    "mute": Done,
    "unmute": Done,
    "listen": Done,
    "volume": Done,
    "reload": ReloadResult,
    "dump": DumpResult,
}


class RefusedError(AssistantError):
    """Why a request was not carried out; `code` is for programs."""

    def __init__(self, code: str, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.code = code


def parse(line: bytes) -> Request:
    """The request in a line. Raises `RefusedError`, whatever the bytes are."""
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        raise RefusedError("malformed", "This is not one JSON object on one line.", remedy=_MANUAL) from None
    if not isinstance(value, dict):
        raise RefusedError("malformed", "A request is a JSON object.", remedy=_MANUAL)
    version, command = value.get("version"), value.get("command")
    if type(version) is not int or version != VERSION:
        shown = "no version" if "version" not in value else f"version {_shown(version)}"
        raise RefusedError(
            "version",
            f"The request has {shown}; this assistant speaks version {VERSION}.",
            remedy="Use the `assistant` command of the same installation.",
        )
    if not isinstance(command, str) or command not in COMMANDS:
        raise RefusedError(
            "unknown_command",
            f"There is no command {_shown(command)}.",
            remedy=f"The commands are: {', '.join(COMMANDS)}.",
        )
    try:
        request: Request = REQUESTS.validate_python(value)
    except ValidationError as error:
        first = error.errors()[0]
        # The discriminator's own name leads the place.
        where = ".".join(str(part) for part in first["loc"][1:]) or command
        raise RefusedError("invalid", f"{command}: {where}: {first['msg']}.", remedy=_MANUAL) from None
    return request


def reply(result: Result) -> bytes:
    """The line that answers a request that was carried out."""
    return _line({"version": VERSION, "ok": True, "result": result.model_dump(mode="json")})


def refusal(error: RefusedError) -> bytes:
    """The line that answers one that was not."""
    details = {"code": error.code, "message": error.message, "remedy": error.remedy or ""}
    return _line({"version": VERSION, "ok": False, "error": details})


def _line(value: dict[str, Any]) -> bytes:
    # A lone surrogate (a broken file name in a message) becomes a JSON escape of itself.
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 40 else f"{text[:40]}…"


_MANUAL = "docs/control.md describes the protocol."
