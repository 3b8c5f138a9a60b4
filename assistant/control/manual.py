"""`docs/control.md`, from the models of the protocol. Written by `python -m assistant.docs`."""

from __future__ import annotations

import inspect
import json
from typing import Any

from pydantic import BaseModel

from assistant.control.protocol import (
    COMMANDS,
    MAX_LINE_BYTES,
    RESULTS,
    VERSION,
    HealthState,
    LastFailure,
    Latency,
    Request,
)

_EXAMPLES: dict[str, dict[str, Any]] = {
    "say": {"text": "Dinner is ready."},
    "volume": {"volume": 0.4},
}

_INTRODUCTION = f"""# The control socket

Generated from `assistant/control/protocol.py` by `python -m assistant.docs`; do not edit.

A running assistant listens on a Unix socket. The commands `assistant status`, `say`, `mute`, `unmute`, `listen-now`,
`volume`, `reload` and `dump` use it, and so may other programs of the same machine.

```sh
echo '{{"version": 1, "command": "status"}}' | socat -t 5 - UNIX-CONNECT:/run/edge-assistant/edge-assistant.sock
```

## Where it is, and who may use it
`control.socket` names it; else it is `edge-assistant.sock` in the service's runtime folder (`/run/edge-assistant`), or
in that of the user who typed `assistant run` (`$XDG_RUNTIME_DIR`, or `/tmp/edge-assistant-<uid>` where there is none).
Its mode is 0660, and the kernel is asked who connects: root, the assistant's own user, and the members of the socket's
group are let in. For the service: `sudo usermod -aG edge-assistant $USER`, then log in again.

A second assistant on the same socket ends with status 10 and names the process that holds it; so does `assistant run`
beside the installed service, for both would answer, unless it has a `control.socket` of its own. Who is not in the
service's group is told that it runs, without its process. A socket that a dead assistant left behind is taken over.

## Exit codes of the commands
| code | means |
| --- | --- |
| 0 | done |
| 1 | `status`: the assistant does not hear, or something in it hangs |
| 8 | no assistant runs, or you may not talk to it |
| 9 | it did not answer, still starts, or refused |
| 10 | `run`: another one runs already |
| 2 | the configuration or an option is wrong |
| 3 | a recording, a picture or a folder that was named cannot be used |
| 4, 5, 6, 7 | a device, a model, a program or a voice is missing or failed there |
| 130 | it was ended by Ctrl-C |

## The protocol
One JSON object a line, in UTF-8, at most {MAX_LINE_BYTES} bytes; each request is answered by one line, in order, over
the same connection. A client that sends no complete request for 30 s is sent away, and so is one that does not take its
answers; 16 may be connected at once. `version` is {VERSION}. A new command, a new optional field or a new field of a
result keeps the version, so ignore what you do not know; everything else raises it.

```json
{{"version": 1, "ok": true, "result": {{}}}}
{{"version": 1, "ok": false, "error": {{"code": "control", "message": "…", "remedy": "…"}}}}
```

`message` and `remedy` are for people, `code` is for programs: `malformed`, `version`, `unknown_command` and `invalid`
for a request that is wrong; `forbidden` and `busy` for a client that is sent away; `control` while the assistant starts
or is muted; `config`, `device`, `media`, `model_missing`, `stage` … for what failed in carrying it out; `internal` for
a bug.

## What a reload does
`reload`, `SIGHUP` and `systemctl reload edge-assistant` read the configuration again.

| changed | what happens |
| --- | --- |
| nothing | another camera that was put in the place of one that is gone is used; else nothing |
| `audio.volume` | it is set while the conversation goes on |
| `control.*`, `state.*`, `service.*` | the new value holds from the next start of the process; the answer lists it |
| anything else | when nobody speaks, or after 10 s, the assistant is started anew in the same process |

What did not change is kept for it: microphone, speaker and camera stay open, the voices' process goes on, and no
network that takes long is loaded again, so that another follow-up time, wake phrase or log takes a blink, and what is
said meanwhile is heard. A loudness that was asked for stays until `audio.volume` is changed. The small networks of the
wake word are loaded anew, and those that are first loaded when somebody needs them (poses, text that is read, the
neural captioner) are again loaded then.

Another microphone, model or voice takes the place of the old one, which is let go first: for as long as a network takes
to load, the assistant is deaf. Model files that were replaced are loaded anew. Timers go on, also those that a full
disk could not take; what was said, seen and recorded before is forgotten. What is still being said after 10 s is broken
off, and whoever had it said by `assistant say` is told.

A configuration that is wrong changes nothing: the answer, the log, `assistant status` and `systemctl status` name the
file, the line and the key. One with which the assistant does not start (a device that is missing, a model that was not
pulled) is taken back, and the old one is in force again.

## Signals
| signal | does |
| --- | --- |
| SIGTERM, SIGINT | ends it within 5 s; what was measured and recorded is kept |
| SIGHUP | reloads; without a service, on a terminal that closes, it ends |
| SIGUSR1 | mutes and unmutes; while it starts or reloads, before it listens |
| SIGUSR2 | is the talk button, as `listen` is |

## Commands
"""


def control_page() -> str:
    """The whole page."""
    parts = [_INTRODUCTION]
    for name, request in COMMANDS.items():
        example = {"version": VERSION, "command": name, **_EXAMPLES.get(name, {})}
        parts.append(f"### {name}\n\n{_doc(request)}\n\n```json\n{json.dumps(example)}\n```\n")
        if own := _table(request, hidden=frozenset(Request.model_fields) | {"command"}):
            parts.append(own)
        if result := _table(RESULTS[name]):
            parts.append(f"The result:\n\n{result}")
    parts.append("## Parts of results\n")
    for part in (HealthState, LastFailure, Latency):
        parts.append(f"### {part.__name__}\n\n{_doc(part)}\n\n{_table(part)}")
    return "\n".join(parts)


def _doc(model: type[BaseModel]) -> str:
    return inspect.cleandoc(model.__doc__ or "")


def _table(model: type[BaseModel], hidden: frozenset[str] = frozenset()) -> str:
    """The fields of a model; nothing if it has none."""
    schema = model.model_json_schema()
    properties: dict[str, Any] = schema.get("properties", {})
    rows = [
        f"| `{name}` | {_type(field)} | {' '.join(field.get('description', '').split())} |"
        for name, field in properties.items()
        if name not in hidden
    ]
    return "\n".join(["| field | type | meaning |", "| --- | --- | --- |", *rows]) + "\n" if rows else ""


def _type(field: dict[str, Any]) -> str:
    if "anyOf" in field:
        return " or ".join(_type(choice) for choice in field["anyOf"])
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in field:
        return "one of " + ", ".join(f"`{json.dumps(value)}`" for value in field["enum"])
    kind = str(field["type"])
    if kind == "array":
        return f"list of {_type(field['items'])}"
    if kind == "object":
        return f"object of {_type(field['additionalProperties'])}"
    bounds = [
        f"{word} {field[key]}"
        for key, word in (("minimum", "from"), ("maximum", "to"), ("minLength", "from"), ("maxLength", "to"))
        if key in field
    ]
    unit = " characters" if "maxLength" in field else ""
    return f"{kind} {' '.join(bounds)}{unit}".strip() if bounds else kind
