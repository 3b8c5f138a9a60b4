"""An encoder and its decoder as two recipes, whose bundles lie side by side."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from assistant.events import ImageArray
from assistant.inference.decoder_cache import DecoderCache
from assistant.inference.generation_rules import GenerationRules
from assistant.models.hashing import hash_file
from assistant.models.store import ModelStore
from assistant.ports import Tensor, TensorSpec
from export.generator.decoder_graph import LOGITS, decoder_graph, decoder_tensors
from export.generator.encoder_graph import encoder_graph, input_of, memory_shapes
from export.generator.shapes import DecoderShape, EncoderShape, SoundInput
from export.generator.sounds import spectrogram
from export.onnx_file import write_onnx
from export.recipe import Agreement, Array, Card, Feeds, Network, Outputs, Purpose, Recipe, SampleTools, tolerances
from export.recipe_folder import scaled_picture
from export.samples import picture_views
from export.task_metrics import top_1_agreement

_STEPS = {"calibration": (0, 1, 3, 7), "validation": (2,)}
"""Of each sample, the tokens after which the decoder is looked at: each is as large as all that the encoder gives."""


@dataclass(frozen=True, slots=True, eq=False)
class Generator:
    """Both networks and what is known of them."""

    name: str
    """The bundles become `<name>-encoder` and `<name>-decoder`."""
    file: Path
    """The recipe's own source."""
    card: Callable[[ModelStore], Card]
    encoder: EncoderShape
    decoder: DecoderShape
    encoder_weights: Callable[[], Mapping[str, Array]]
    decoder_weights: Callable[[], Mapping[str, Array]]
    rules: GenerationRules
    sources: Sequence[Path] = ()
    """What the weights are read from."""
    assets: Sequence[Path] = ()
    """Files for the decoder's bundle, such as a tokenizer."""
    mean: Sequence[float] = (0.5, 0.5, 0.5)
    """Of a picture's values from 0 to 1."""
    deviation: Sequence[float] = (0.5, 0.5, 0.5)
    trained: bool = True
    """False for random weights: then which token is likeliest is no measure."""


def pair_of(name: str) -> tuple[str, str]:
    """The names of both recipes of a network that writes text."""
    return f"{name}-encoder", f"{name}-decoder"


def generator_recipes(generator: Generator) -> tuple[Recipe, Recipe]:
    """Encoder and decoder."""
    sound = isinstance(generator.encoder.input, SoundInput)
    memory = tuple(memory_shapes(generator.encoder, generator.decoder))
    outputs = tuple(decoder_tensors(generator.decoder, generator.encoder)[1])
    common = {
        "file": generator.file,
        "sources": lambda _store: generator.sources,
        "quantize_products": False,
        "medium": "recordings" if sound else "pictures",
        "sample_models": ("sample-speech-en", "sample-speech-zh") if sound else ("sample-pictures",),
    }
    encoder_name, decoder_name = pair_of(generator.name)
    encoder = Recipe(
        name=encoder_name,
        card=lambda store: replace(generator.card(store), preprocessing=_preprocessing(generator)),
        export=lambda _sources, target: write_onnx(
            encoder_graph(generator.encoder_weights(), generator.encoder, generator.decoder), target
        ),
        samples=lambda path, purpose, _tools: _encoder_feeds(generator, path, purpose),
        tolerances=tolerances(*memory, fp16=(0.999, 0.05), int8=(0.97, 0.4)),
        **common,  # type: ignore[arg-type]
    )
    rules = generator.rules.model_copy(update={"encoder": encoder.name})
    decoder = Recipe(
        name=decoder_name,
        card=lambda store: replace(generator.card(store), generation=rules, assets=tuple(generator.assets)),
        export=lambda _sources, target: write_onnx(
            decoder_graph(generator.decoder_weights(), generator.decoder, generator.encoder), target
        ),
        samples=lambda path, purpose, tools: _decoder_feeds(generator, path, purpose, tools),
        tolerances=tolerances(*outputs, fp16=(0.999, 0.05), int8=(0.97, 0.4)),
        agreement=Agreement("next-token agreement", top_1_agreement(LOGITS), 0.9) if generator.trained else None,
        **common,  # type: ignore[arg-type]
    )
    return encoder, decoder


def _preprocessing(generator: Generator) -> dict[str, object]:
    source = generator.encoder.input
    if isinstance(source, SoundInput):
        return {"sample_rate_hz": 16_000, "log_mel_bins": source.mels, "frames": source.frames}
    return {"resize": "stretch", "image_mean": list(generator.mean), "image_std": list(generator.deviation)}


def _encoder_feeds(generator: Generator, path: Path, purpose: Purpose) -> Iterator[Feeds]:
    """A recording, or a picture and a crop of it; mirrored or later for validation."""
    name, shape = input_of(generator.encoder)
    if isinstance(generator.encoder.input, SoundInput):
        yield {name: spectrogram(path, generator.encoder.input, late=purpose == "validation")}
        return
    for view in picture_views(path, purpose, views=1):
        yield _picture(generator, view, name, (shape[2], shape[3]))


def _picture(generator: Generator, view: ImageArray, name: str, size_px: tuple[int, int]) -> Feeds:
    return scaled_picture(view, name, size_px, generator.mean, generator.deviation, "NCHW")


def _decoder_feeds(generator: Generator, path: Path, purpose: Purpose, tools: SampleTools) -> Iterator[Feeds]:
    """The decoder's inputs at some steps of what it writes about the first view of a file."""
    feeds = next(_encoder_feeds(generator, path, purpose))
    cache = DecoderCache(_Asked(generator, tools.network), dict(_encoder_of(generator)(feeds)))
    token = generator.rules.prompt[0]
    first = int(hash_file(path)[0][:8], 16) % 3  # not every file at the same place
    wanted = {first + step for step in _STEPS[purpose]}
    for step in range(min(max(wanted) + 1, generator.decoder.room)):
        if step in wanted:
            yield cache.inputs(token)
        token = int(cache.step(token).argmax())


@functools.lru_cache(maxsize=1)
def _encoder_of(generator: Generator) -> Network:
    """The FP32 encoder, for inputs of the decoder."""
    from export.calibration import exact_session

    session = exact_session(encoder_graph(generator.encoder_weights(), generator.encoder, generator.decoder))
    names = list(memory_shapes(generator.encoder, generator.decoder))

    def run(feeds: Feeds) -> Outputs:
        return dict(zip(names, session.run(names, feeds), strict=True))

    return run


class _Asked:
    """The reference network as a session."""

    backend = "onnxruntime"

    def __init__(self, generator: Generator, network: Network) -> None:
        inputs, outputs = decoder_tensors(generator.decoder, generator.encoder)
        self.inputs = tuple(_spec(name, shape) for name, shape in inputs.items())
        self.outputs = tuple(_spec(name, shape) for name, shape in outputs.items())
        self._network = network

    def run(self, feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return dict(self._network(dict(feeds)))

    def close(self) -> None:
        """Nothing is held."""


def _spec(name: str, shape: Sequence[int]) -> TensorSpec:
    integer = name in ("token", "position")
    return TensorSpec(name, np.dtype(np.int32 if integer else np.float32), tuple(shape))
