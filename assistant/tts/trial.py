"""Finding out, beside the conversation, whether a voice that has failed works again."""

from __future__ import annotations

import dataclasses
import itertools
import time

import anyio

from assistant.child.process import Child, ChildFailedError
from assistant.child.wire import Header
from assistant.ports import SpeakingStyle
from assistant.tts import PROCESS_MODULE
from assistant.worker import Worker

_EVERY_S = 2.5
"""From the beginning of a try to that of the next, for ever: 5 s after the cause is gone the voice is to be back. After
one that took long the machine is left to others for as long."""
_NICENESS = 10
"""Each try may load a network, which is half a second to several of the processor, and nobody waits for it."""
_WORDS_S = 8.0
"""A voice that takes longer for so few words is of no use in a conversation, though its first ones take longest."""
_WORDS = {"en": "One two three.", "zh": "一 二 三。"}


class Trial:
    """One engine in a process of its own, asked for a few words again and again. `passed` is called once."""

    def __init__(self, configuration: Header, engine: str, language: str, *, load_timeout_s: float) -> None:
        self._configuration = configuration
        self._load = {"kind": "warm", "engine": engine}
        style = dataclasses.asdict(SpeakingStyle())
        self._speak = {**self._load, "kind": "speak", "text": _WORDS[language], "language": language, "style": style}
        self._load_timeout_s = load_timeout_s
        self._worker = Worker("voice's trial", timeout_s=load_timeout_s + 60, restart_helps=False, only_asks=True)
        self._generations = itertools.count(1)
        self._child: Child | None = None
        self._over = False

    async def passed(self) -> None:
        """Return once the words were said; nothing is left of the process then, nor when this is cancelled."""
        try:
            began_s = anyio.current_time()
            while not await self._worker.run(self._speaks):
                ended_s = anyio.current_time()
                await anyio.sleep_until(max(began_s + _EVERY_S, ended_s + (ended_s - began_s)))
                began_s = anyio.current_time()
        finally:
            self._over = True
            if self._child:
                self._child.signal_death()
            await self._worker.end_with(self._end)

    def _speaks(self) -> bool:
        """Whether the words were said. Runs on the worker's thread."""
        try:
            child = self._running_child()
            if self._last_reply(child, self._load, self._load_timeout_s) != "done":
                return False  # nothing of it is loaded: the same process will do for the next time
            if self._last_reply(child, self._speak, _WORDS_S) == "done":
                return True
            child.kill()
        except (ChildFailedError, OSError):  # OSError: no process can be started
            pass
        return False

    def _end(self) -> None:
        """Runs there too, for the thread may be reading what this closes."""
        if self._child:
            self._child.kill()

    def _running_child(self) -> Child:
        if not (self._child and self._child.running):
            self._end()
            self._child = Child(PROCESS_MODULE, self._configuration, niceness=_NICENESS)
            if self._over:  # since this began
                self._child.kill()
        return self._child

    def _last_reply(self, child: Child, request: Header, timeout_s: float) -> str:
        child.send({**request, "generation": next(self._generations)})
        deadline_s = time.monotonic() + timeout_s
        while True:
            reply, _ = child.receive(max(0.0, deadline_s - time.monotonic()), works=True)
            if reply["kind"] != "audio":
                return str(reply["kind"])
