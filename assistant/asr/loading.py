"""Which recogniser a configuration names, and where it runs."""

from __future__ import annotations

from typing import cast

from assistant import asr
from assistant.asr import RECOGNIZERS
from assistant.asr.process import RecognizerProcess
from assistant.asr.remote import RemoteRecognizer
from assistant.config import Config
from assistant.models.store import ModelStore
from assistant.ports import Recognizer
from assistant.registry import resolve


def recognizer_process(config: Config, models: ModelStore) -> RecognizerProcess | None:
    """The process for the recogniser of `config`, which has begun to load it; None for one that needs none."""
    return None if config.asr.backend in asr.IN_THIS_PROCESS else RecognizerProcess(config, models.root)


def load_recognizer(config: Config, models: ModelStore, process: RecognizerProcess | None) -> Recognizer:
    """The recogniser of `config` once it is loaded, in `process` if there is one. Blocks. Raises as its `create`."""
    if process is None:
        return cast(Recognizer, resolve(RECOGNIZERS, config.asr.backend, kind="recogniser").create(config, models))
    process.load(config, models.root)
    return RemoteRecognizer(process)
