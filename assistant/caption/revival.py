"""Has a slow captioner begin before somebody asks; one that failed is tried again, and one that died begins anew."""

from __future__ import annotations

from collections.abc import Callable

from assistant.errors import AssistantError, StageError
from assistant.events import SceneState
from assistant.ports import Clock, PreparingCaptioner
from assistant.stages import NEURAL_CAPTIONER, StageReports

_HANGS_CHECKED_S = 1.0
_LOSS_NOTICED_S = 0.5
_TRIED_AGAIN_S = 3.0


class CaptionerRevival:
    """Tells of the captioner's failures, and of its recovery."""

    def __init__(
        self,
        captioner: PreparingCaptioner,
        stages: StageReports,
        clock: Clock,
        scene: Callable[[], SceneState | None],
    ) -> None:
        """`scene` gives the newest one, None before the first."""
        self._captioner = captioner
        self._stages = stages
        self._clock = clock
        self._scene = scene
        self._raised = self._is_tried = False

    async def prepare(self, scene: SceneState | None) -> bool:
        """Have it begin, so that it is done by the time somebody asks. Whether nothing failed."""
        try:
            if scene is None or not await self._captioner.prepare(scene):
                return True
        except AssistantError as error:
            self._raised = isinstance(error, StageError)  # one that was not pulled is not tried again
            self._stages.still_failing(NEURAL_CAPTIONER, error)
            return False
        self._raised = False
        self._stages.works(NEURAL_CAPTIONER)
        return True

    async def watch(self) -> None:
        """Have one that died while nobody spoke tell of it and begin anew; runs for ever."""
        while True:
            await self._clock.sleep_until(self._clock.monotonic_s() + _LOSS_NOTICED_S)
            if self._captioner.lost:
                await self.prepare(self._scene())
                await self.try_again()

    async def try_again(self) -> None:
        """Try one that failed again, though nobody speaks: what works again must not be shown as failing. One that
        raises is tried at once and then every few seconds, one that hangs as soon as it can work, but no more than
        once: one that is always too slow rests until somebody speaks. No picture is held meanwhile."""
        if self._is_tried:
            return
        self._is_tried = True
        wait_s = 0.0  # what ran in a process that was lost has another one now
        try:
            while self._raised:
                has_hung = self._captioner.hangs
                while self._captioner.hangs:
                    await self._clock.sleep_until(self._clock.monotonic_s() + _HANGS_CHECKED_S)
                if not has_hung:
                    await self._clock.sleep_until(self._clock.monotonic_s() + wait_s)
                    wait_s = _TRIED_AGAIN_S
                if not await self.prepare(self._scene()) and has_hung:
                    return
        finally:
            self._is_tried = False
