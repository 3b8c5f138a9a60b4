"""Loads the networks side by side: the recogniser takes longest, everything else fits into its time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from assistant.asr.loading import load_recognizer
from assistant.asr.process import STARTS_S, RecognizerProcess
from assistant.common import Common
from assistant.dialogue.respond import Responder
from assistant.emotion.monitor import EmotionMonitor
from assistant.errors import ModelError
from assistant.events import Event, StageFailed
from assistant.heap import trim_heap
from assistant.models.store import ModelStore
from assistant.ports import Recognizer
from assistant.stages import CAMERA
from assistant.vision.scene import SceneReader
from assistant.worker import Worker


@dataclass(frozen=True, slots=True)
class Networks:
    """What was loaded; `reader` is None where nothing can be seen with."""

    recognizer: Recognizer
    responder: Responder
    emotions: EmotionMonitor
    reader: SceneReader | None


async def load_networks(
    common: Common, models: ModelStore, process: RecognizerProcess | None, *, with_sight: bool
) -> Networks:
    """Raises `ModelError` without a recogniser, which runs in `process` if there is one; whatever else cannot be loaded
    is told by `StageFailed`."""
    config, emit, now_s = common.config, common.emit, common.clock.monotonic_s()
    failures: list[Event] = []  # to be shown on the loop, not on the loaders' threads

    def load_sight() -> SceneReader | None:
        try:
            return SceneReader.create(config, models) if with_sight else None
        except ModelError as error:
            failures.append(StageFailed(now_s, CAMERA, error.message, error.remedy or ""))
            return None

    # A process that hangs as it starts is started once more.
    hearing = Worker("loader of hearing", timeout_s=2 * STARTS_S + 20, only_asks=process is not None)
    rest = Worker("loader of the rest")
    try:
        recognizer, responder, emotions, reader = await asyncio.gather(
            hearing.run(load_recognizer, config, models, process),
            rest.run(Responder.create, config, models),
            rest.run(EmotionMonitor.create, config, models, emit, now_s, failures.append),
            rest.run(load_sight),
        )
        await rest.run(trim_heap)
    finally:
        hearing.close()
        rest.close()
    for failure in failures:
        emit(failure)
    return Networks(recognizer, responder, emotions, reader)
