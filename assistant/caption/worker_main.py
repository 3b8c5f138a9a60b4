"""The captioner's process: `python -m assistant.caption.worker_main`, started by `assistant.caption.process` alone.

Requests:
    configure (config, writer)             the first, without a reply; `writer` is "module:Class"
    write (height, width; bytes)           a picture, uint8 (height, width, 3); for the first one the writer is opened
Replies, one a picture, in their order:
    written (text) · failed
"""

from __future__ import annotations

from typing import Any

import numpy as np

from assistant.child.serving import begin_serving
from assistant.child.wire import Header, failed
from assistant.config import Config
from assistant.errors import AssistantError, StageError
from assistant.heap import trim_heap
from assistant.registry import resolve


def main() -> None:
    """Serve until the input ends."""
    inbox, outbox = begin_serving()
    configuration, _ = inbox.next()
    writer: Any = None
    while True:
        request, payload = inbox.next()
        try:
            writer = writer or _open(configuration)
            picture = np.frombuffer(payload, np.uint8).reshape(request["height"], request["width"], 3)
            reply: Header = {"kind": "written", "text": writer.write(picture)}
        except AssistantError as error:
            reply = failed(error)
        except Exception as error:  # a library raises whatever it likes; the picture fails, the process goes on
            reply = failed(StageError(f"The neural captioner failed: {error!r}"))
        outbox.send(reply)
        trim_heap()  # now that nobody waits


def _open(configuration: Header) -> Any:
    """The writer. Raises `AssistantError`."""
    writer = resolve({"writer": configuration["writer"]}, "writer", kind="writer")
    return writer.create(Config.model_validate(configuration["config"]))


if __name__ == "__main__":
    main()
