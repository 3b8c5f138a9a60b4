"""What no key can be told wrong for alone: values that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from assistant.config import Config
from assistant.errors import ModelError


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Two keys whose values do not go together."""

    path: str
    """The key whose value does not fit."""
    other: str
    """The key that it does not fit to."""
    allowed: str
    """What `path` may be as long as `other` is what it is, in words."""


def contradictions(config: Config) -> Iterator[Contradiction]:
    """Everything in a configuration that contradicts itself."""
    vad, wake, asr = config.vad, config.wake, config.asr
    if wake.mode == "phrase" and not wake.phrases:
        yield Contradiction("wake.phrases", "wake.mode", 'a list of at least one text while wake.mode is "phrase"')
    if asr.language != "auto" and asr.language not in asr.languages:
        yield Contradiction("asr.language", "asr.languages", '"auto" or one of asr.languages')
    if asr.language != "auto" and (known := _languages_of(asr.model)) and asr.language not in known:
        languages = " or ".join(f'"{language}"' for language in ("auto", *known))
        yield Contradiction("asr.language", "asr.model", f'{languages} while asr.model is "{asr.model}"')
    ends = f"vad.end_silence_s ({vad.end_silence_s:g})"
    if vad.end_silence_complete_s > vad.end_silence_s:
        yield Contradiction("vad.end_silence_complete_s", "vad.end_silence_s", f"a number up to {ends}")
    if vad.end_silence_unfinished_s < vad.end_silence_s:
        yield Contradiction("vad.end_silence_unfinished_s", "vad.end_silence_s", f"a number from {ends}")
    if vad.pause_s > vad.end_silence_s:
        yield Contradiction("vad.pause_s", "vad.end_silence_s", f"a number up to {ends}")
    governor = config.governor
    if governor.hot_c < governor.warm_c:
        warm = f"a number from governor.warm_c ({governor.warm_c:g})"
        yield Contradiction("governor.hot_c", "governor.warm_c", warm)
    if governor.critical_memory_mb > governor.low_memory_mb:
        low = f"a whole number up to governor.low_memory_mb ({governor.low_memory_mb})"
        yield Contradiction("governor.critical_memory_mb", "governor.low_memory_mb", low)


def _languages_of(model: str) -> tuple[str, ...]:
    """What a model recognises; none if that is not known. Which models there are is told where one is loaded."""
    from assistant.models.catalog import Catalog, shipped_manifests

    try:
        return Catalog(shipped_manifests()).manifest(model).languages
    except ModelError:
        return ()
