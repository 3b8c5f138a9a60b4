"""The recogniser's process, from one assistant to the next: started, configured, asked, killed and replaced.

What recognises is native code, which hangs and crashes; here it can take nothing with it but itself. All calls but
`close` may block and are made on a thread.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from assistant.asr import RECOGNIZERS
from assistant.child.process import Child, ChildFailedError
from assistant.child.wire import Header, error_from
from assistant.config import AsrConfig, Config
from assistant.errors import AssistantError, StageError

_MODULE = "assistant.asr.worker_main"
STARTS_S = 50.0
"""How long loading may take; longer is no more slow, it hangs."""
_LAST_CALL_S = 2.0
"""How long the call of an assistant that has ended may take before it is broken off for the next one."""


class ProcessLostError(StageError):
    """The process died or was killed, and with it what it knew of the utterance; `restart` starts another."""


class RecognizerProcess:
    """Owns the child. Its own lock has calls take turns."""

    def __init__(self, config: Config, models_root: Path, *, registry: Mapping[str, str] = RECOGNIZERS) -> None:
        """Start it, and have it load the recogniser of `config`; returns before it has."""
        self._registry = dict(registry)
        self._lock = threading.Lock()
        self._closed = False
        self.starts = 0
        """How many processes there have been: what one knew, the next does not."""
        self.languages: frozenset[str] = frozenset()
        self.streams_partials = False
        self._is_loading = False
        """Whether a reply to a configuration is due."""
        self._set(config, models_root)
        self._begin()

    @property
    def pid(self) -> int | None:
        """The child's process number, None while there is none."""
        return self._child.pid if self._child.running else None

    @property
    def asr(self) -> AsrConfig:
        """What it was configured with."""
        return self._asr

    @property
    def failure(self) -> ProcessLostError:
        """Why there is no process, once there is none."""
        return _lost(self._child.ending())

    def load(self, config: Config, models_root: Path) -> None:
        """Return once the recogniser of `config` is loaded; what is loaded and fits is kept. One that dies in this is
        started once more. Raises what the backend's `create` does, and `StageError` when the process fails."""
        with self._turn(breaks_off_after_s=_LAST_CALL_S):
            before = self._configuration
            self._set(config, models_root)
            try:
                self._configure(anew=self._configuration != before)
            except ChildFailedError:
                self._start()
                self._take_ready()

    def restart(self) -> None:
        """Start another in the place of the one there is, dead or alive, and return once it is loaded. Raises as `load`
        does."""
        with self._turn():
            self._start()
            try:
                self._take_ready()
            except AssistantError:
                self._child.kill()  # one that has loaded nothing is of no use
                raise

    def ask(self, request: Header, payload: bytes, timeout_s: float) -> Header:
        """The reply. Raises `ProcessLostError` when there is none in time, and the error that the reply tells of."""
        with self._turn():
            if not self._child.running:
                raise self.failure
            self._child.send(request, payload, timeout_s=timeout_s)
            reply, _ = self._child.receive(timeout_s, works=True)
        if reply["kind"] == "failed":
            raise error_from(reply)
        return reply

    async def close(self) -> None:
        """End the child; safe to call twice, and while a call waits."""
        self._closed = True
        self._break_in(after_s=0.0)
        try:
            self._child.kill()
        finally:
            self._lock.release()

    # The rest has the lock, but for the constructor.

    def _set(self, config: Config, models_root: Path) -> None:
        self._asr = config.asr
        self._configuration: Header = {
            "kind": "configure",
            "config": config.model_dump(mode="json"),
            "models_root": str(models_root),
            "registry": self._registry,
        }

    def _start(self) -> None:
        self._child.kill()
        self._begin()

    def _begin(self) -> None:
        self._child = Child(_MODULE, self._configuration)
        self._is_loading = True
        self.starts += 1

    def _configure(self, *, anew: bool) -> None:
        if self._is_loading and anew:  # what the last assistant did not wait for
            self._receive_ready()
        if not self._is_loading:
            self._child.send(self._configuration)
            self._is_loading = True
        self._take_ready()

    def _take_ready(self) -> None:
        reply = self._receive_ready()
        if reply["kind"] == "failed":
            raise error_from(reply)
        self.languages, self.streams_partials = frozenset(reply["languages"]), reply["streams_partials"]

    def _receive_ready(self) -> Header:
        try:
            reply, _ = self._child.receive(STARTS_S, works=True)
        finally:
            self._is_loading = False
        return reply

    @contextmanager
    def _turn(self, *, breaks_off_after_s: float | None = None) -> Iterator[None]:
        if breaks_off_after_s is None:
            self._lock.acquire()
        else:
            self._break_in(breaks_off_after_s)
        try:
            if self._closed:
                raise StageError("The recogniser has been closed.")
            yield
        except ChildFailedError as error:
            raise _lost(error) from error
        finally:
            self._lock.release()

    def _break_in(self, after_s: float) -> None:
        """Get the lock, by the death of the process if whoever has it asks it for longer."""
        while not self._lock.acquire(timeout=after_s):
            self._child.signal_death()
            after_s = 0.1


def _lost(error: ChildFailedError) -> ProcessLostError:
    return ProcessLostError(
        f"The recogniser failed: {error}.", remedy="It is started anew; a smaller model helps where memory is short."
    )
