"""Speech or not, every 32 ms, by Silero VAD (model `silero-vad`), as a static graph without its control flow."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from assistant.audio.files import read_audio
from export.onnx_from_silero import BLOCK_SAMPLES, CONTEXT_SAMPLES, STATE_SHAPE, export_static, original_network
from export.onnx_from_store import stored_card, stored_files
from export.recipe import Agreement, Feeds, Purpose, Recipe, SampleTools, tolerances
from export.task_metrics import decision_agreement

_EVERY = 8
"""Blocks that are near in time are alike."""


def _samples(path: Path, purpose: Purpose, tools: SampleTools) -> Iterator[Feeds]:
    """Every eighth block of a recording, with the state that the network had then; others for validation."""
    sound = read_audio(path)
    state: npt.NDArray[np.float32] = np.zeros(STATE_SHAPE, np.float32)
    window = np.zeros((1, CONTEXT_SAMPLES + BLOCK_SAMPLES), np.float32)
    wanted = 0 if purpose == "calibration" else _EVERY // 2
    for number in range(len(sound) // BLOCK_SAMPLES):
        window[0, :CONTEXT_SAMPLES] = window[0, -CONTEXT_SAMPLES:]
        window[0, CONTEXT_SAMPLES:] = sound[number * BLOCK_SAMPLES : (number + 1) * BLOCK_SAMPLES]
        feeds = {"input": window.copy(), "state": state}
        state = tools.network(feeds)["stateN"]
        if number % _EVERY == wanted:
            yield feeds


RECIPE = Recipe(
    name="voice-activity",
    file=Path(__file__),
    card=stored_card("silero-vad"),
    sources=stored_files(("silero-vad", "silero_vad_16k_op15.onnx")),
    export=export_static,
    medium="recordings",
    sample_models=("sample-speech-en", "sample-speech-zh"),
    samples=_samples,
    # Quiet blocks have probabilities near 0, whose cosine says little; decisions are compared instead.
    tolerances=tolerances("stateN", fp16=(0.999, 0.05), int8=(0.98, 0.3)),
    agreement=Agreement("decision agreement", decision_agreement("output", 0.5, unsure=0.1), minimum=0.97),
    reference=original_network,
)
