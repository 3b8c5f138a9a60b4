"""What skills may do to the assistant: `assistant.skills.Controls`, live."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
from anyio.abc import TaskGroup

from assistant.audio.listener import Listener
from assistant.common import Common
from assistant.dialogue.memory import ConversationMemory
from assistant.errors import AssistantError, ControlError
from assistant.events import Notice
from assistant.ports import AudioSink
from assistant.run_memory import RunMemory, Unkept
from assistant.stages import KEPT, STATE
from assistant.turn import Turns
from assistant.vision.watcher import SceneWatcher

_AGAIN_S = 2.5
"""What could not be kept is tried again so often: a full disk may have room again, and then a power cut loses nothing.
"""

T = TypeVar("T")


class LiveControls:
    """Volume, mute, the last reply, announcements and background tasks of a running assistant."""

    def __init__(
        self,
        common: Common,
        sink: AudioSink,
        listener: Listener,
        watcher: SceneWatcher | None,
        memory: ConversationMemory,
        run_memory: RunMemory,
    ) -> None:
        """`run_memory` is what the assistants of a run share."""
        self._clock, self._emit, self._stages = common.clock, common.emit, common.stages
        self._sink = sink
        self._listener = listener
        self._watcher = watcher
        self._unkept, self._mute_memory = run_memory.unkept, run_memory.mute
        self._some_unkept = anyio.Event()
        self._memory = memory
        self._turns: Turns | None = None
        self._group: TaskGroup | None = None
        self.muted = self._mute_memory.recall()
        if self.muted:
            listener.forbid()
            if watcher is not None:
                watcher.pause()

    def attach(self, turns: Turns, group: TaskGroup) -> None:
        """Complete the circle: skills act on the conversation that calls them."""
        self._turns, self._group = turns, group
        group.start_soon(self._keep_again)
        if self.muted:
            turns.mute()
        # What the last assistant could not keep, or, of the mute, what was asked for before this one.
        self._unkept.pop("mute", None)
        for what, (value, write) in list(self._unkept.items()):
            self.keep(what, value, write)
        if not self._mute_memory.is_kept:
            self._keep_mute()

    def volume(self) -> float:
        """Loudness of the replies, 0 to 1."""
        return self._sink.volume

    def set_volume(self, volume: float) -> None:
        """Set it; clipped to 0…1."""
        self._sink.set_volume(min(max(volume, 0.0), 1.0))

    async def mute(self) -> None:
        """Close microphone and camera until `unmute`."""
        self.muted = True
        if self._turns is not None:
            self._turns.mute()
        if self._watcher is not None:
            self._watcher.pause()
        # First: should a driver hang now, the restart that this calls for is a muted one.
        self._keep_mute()
        await self._listener.pause()
        if self.muted:  # still: whoever pressed again meanwhile has unmuted it
            self.tell_muted()

    async def unmute(self) -> None:
        """Open them again."""
        self.muted = False
        if self._turns is not None:
            self._turns.unmute()
        self._listener.resume()
        if self._watcher is not None:
            self._watcher.resume()
        self._emit(Notice(self._clock.monotonic_s(), "unmuted", "Listening again."))
        self._keep_mute()

    def _keep_mute(self) -> None:
        self.keep("mute", self.muted, self._mute_memory.remember)

    def tell_muted(self) -> None:
        """Have everybody who watches know that it neither hears nor sees."""
        self._emit(Notice(self._clock.monotonic_s(), "muted", "Microphone and camera are closed."))

    async def toggle_mute(self) -> None:
        """Mute, or unmute."""
        await (self.unmute() if self.muted else self.mute())

    async def listen_now(self) -> None:
        """Listen to what is said next without a wake phrase. Muted, it stays so, and says it: only unmuting undoes
        that. Raises `ControlError` before `attach`, and if the assistant ends meanwhile."""
        if self.muted:
            self._emit(Notice(self._clock.monotonic_s(), "muted", "Microphone and camera are closed; unmute first."))
        elif not await self._while_it_lives("listen now", self._attached()[0].listen_now):
            raise _ending()

    def last_reply(self) -> str:
        """What the assistant said last, as far as it was played."""
        return self._memory.last_reply()

    def unsaid(self) -> str:
        """What it had still to say then, from the sentence on that was broken off; empty if nothing."""
        return self._memory.unsaid()

    async def announce(self, text: str, language: str, still: Callable[[], bool] = lambda: True) -> bool:
        """Say something as soon as nobody else speaks, if it is `still` to be said then; whether it could be heard.
        Raises `ControlError` before `attach`."""
        return await self._attached()[0].announcer.announce(text, language, still)

    async def ring(self, text: str, language: str, rung: Callable[[], None]) -> bool:
        """Say something again and again until somebody reacts, for some two minutes at most; whether it could be heard.
        `rung` is called after the first time, if that could be. Raises `ControlError` before `attach`."""
        return await self._attached()[0].announcer.ring(text, language, rung)

    async def say(self, text: str, language: str) -> bool:
        """`announce` for somebody who is no part of the assistant: what they have it say ends with it, and was then not
        heard. Raises `ControlError` before `attach`."""
        heard = False

        async def announce() -> None:
            nonlocal heard
            heard = await self.announce(text, language)

        await self._while_it_lives("say", announce)
        return heard

    def keep(self, what: str, value: T, write: Callable[[T], None]) -> None:
        """Have `write` keep `value` across restarts. When it raises an `AssistantError`, that is told, and it is called
        again and again, until what is called `what` is kept; until then the run remembers it."""
        if (error := self._try_to_keep(what, Unkept(value, write))) is not None:
            self._stages.failed(STATE, error)

    def recall(self, what: str, read: Callable[[], T], otherwise: T) -> T:
        """What was to be kept last, which `read` reads if it was; when that raises an `AssistantError`, that is told,
        until what is called `what` is kept anew, and it is `otherwise`."""
        if what in self._unkept:
            value: T = self._unkept[what].value
            return value
        try:
            return read()
        except AssistantError as error:
            self._stages.failed(f"{KEPT} {what}", error)
            return otherwise

    def _try_to_keep(self, what: str, unkept: Unkept) -> AssistantError | None:
        try:
            unkept.write(unkept.value)
        except AssistantError as error:
            self._unkept[what] = unkept
            self._some_unkept.set()
            return error
        self._unkept.pop(what, None)
        self._stages.works(f"{KEPT} {what}")
        if not self._unkept:
            self._stages.works(STATE)
        return None

    async def _keep_again(self) -> None:
        while True:
            await self._some_unkept.wait()
            while self._unkept:
                await self._clock.sleep_until(self._clock.monotonic_s() + _AGAIN_S)
                for what, unkept in list(self._unkept.items()):
                    self._try_to_keep(what, unkept)
            self._some_unkept = anyio.Event()

    def start(self, name: str, task: Callable[[], Awaitable[None]]) -> Callable[[], None]:
        """Run `task` beside the conversation; the result cancels it. Raises `ControlError` before `attach`, and when
        the assistant has ended."""
        _, group = self._attached()
        scope = anyio.CancelScope()

        async def run() -> None:
            with scope:
                await task()

        try:
            group.start_soon(run, name=name)
        except RuntimeError:  # the group's way of saying that it has ended
            raise _ending() from None
        return scope.cancel

    async def _while_it_lives(self, name: str, task: Callable[[], Awaitable[None]]) -> bool:
        """Run `task`, for somebody who is no part of the assistant: it ends with it. Whether it came to its own end.
        Raises what it raises, and what `start` does."""
        done, over = False, anyio.Event()
        failure: Exception | None = None

        async def run() -> None:
            nonlocal done, failure
            try:
                await task()
                done = True
            except Exception as error:  # theirs to know, and not the assistant's end
                failure = error
            finally:
                over.set()

        cancel = self.start(name, run)
        try:
            await over.wait()
        finally:
            cancel()
        if failure is not None:
            raise failure
        return done

    def _attached(self) -> tuple[Turns, TaskGroup]:
        if self._turns is None or self._group is None:
            raise ControlError("The assistant is still starting.", remedy="Try again in a few seconds.")
        return self._turns, self._group


def _ending() -> ControlError:
    return ControlError("The assistant is ending.", remedy="Try again in a few seconds.")
