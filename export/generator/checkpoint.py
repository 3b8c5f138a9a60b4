"""Checkpoint folders of Hugging Face (config.json, safetensors) that write text: Whisper, ViT + GPT-2, BLIP."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assistant.inference.generation_rules import GenerationRules
from export.errors import ConversionError
from export.generator import checkpoint_names
from export.generator.checkpoint_names import NamesOf
from export.generator.shapes import (
    DecoderShape,
    EncoderShape,
    PictureInput,
    Shapes,
    SoundInput,
    decoder_weights,
    encoder_weights,
)
from export.json_file import read_json
from export.preprocessor_file import SOUND, read_preprocessing
from export.recipe import Array
from export.weight_files import read_weights, weight_files

Config = Mapping[str, Any]
CAPTION_TOKENS = 64
"""Room for a description of a picture; every step pays for all of it."""
TEXT_FILES = ("tokenizer.json", "preprocessor_config.json")


@dataclass(frozen=True, slots=True)
class GeneratorCheckpoint:
    """What a folder holds, its weights still on disk."""

    folder: Path
    encoder: EncoderShape
    decoder: DecoderShape
    rules: GenerationRules
    preprocessing: Mapping[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> list[Path]:
        """All that the networks are made from."""
        names = ("config.json", "generation_config.json", *TEXT_FILES)
        return [*weight_files(self.folder), *(path for name in names if (path := self.folder / name).is_file())]

    def encoder_weights(self) -> dict[str, Array]:
        """By our names, float32. Raises `ConversionError` naming a tensor that is missing or of another shape."""
        return self._weights(encoder_weights(self.encoder, self.decoder))

    def decoder_weights(self) -> dict[str, Array]:
        """The same for the decoder."""
        shapes = dict(decoder_weights(self.decoder))
        head = self._origins()["head.weight"].tensor
        if read_weights(self.folder, lambda name: name == head):  # else it is the table of tokens
            shapes["head.weight"] = shapes["tokens.weight"]
        return self._weights(shapes)

    def _origins(self) -> dict[str, checkpoint_names.Origin]:
        kind = str(read_json(self.folder / "config.json")["model_type"])
        return dict(_KINDS[kind].names(self.encoder, self.decoder))

    def _weights(self, shapes: Shapes) -> dict[str, Array]:
        origins = self._origins()
        wanted = {origins[name].tensor for name in shapes}
        stored = read_weights(self.folder, lambda name: name in wanted)
        found = {}
        for name, expected in shapes.items():
            origin = origins[name]
            values = origin.take(stored[origin.tensor]) if origin.tensor in stored else None
            if values is None or values.shape != expected:
                got = "nothing" if values is None else f"{list(stored[origin.tensor].shape)}"
                raise ConversionError(
                    f"{self.folder}: the tensor '{origin.tensor}', of which '{name}' is made: expected "
                    f"{list(expected)} for it, got {got}.",
                    remedy="config.json and the weights must be of the same network.",
                )
            found[name] = values.astype("float32")
        return found


def is_generator(config: Config) -> bool:
    """Whether a config.json is of a network that is converted as encoder and decoder."""
    return config.get("model_type") in _KINDS


def generator_kinds() -> tuple[str, ...]:
    """The kinds of config.json that are."""
    return tuple(_KINDS)


def read_generator(folder: Path) -> GeneratorCheckpoint:
    """Read the settings of a folder. Raises `ConversionError` naming the file and key for what is not supported."""
    config = read_json(folder / "config.json")
    weight_files(folder)  # or it says that there are none
    settings = folder / "generation_config.json"
    generation = read_json(settings) if settings.is_file() else {}
    kind = _KINDS[str(config["model_type"])]
    try:
        encoder, decoder, rules = kind.read(config, {**config, **generation})
        _check_sizes(encoder)
        _check_sizes(decoder)
    except KeyError as error:
        raise ConversionError(
            f"{folder}/config.json has no key {error}.", remedy="Copy the whole checkpoint."
        ) from None
    except (TypeError, ValueError) as error:
        raise ConversionError(
            f"{folder}/config.json has an unusable value: {error}.", remedy="Copy it from the checkpoint again."
        ) from None
    except _Unsupported as problem:
        raise ConversionError(f"{folder}/config.json: {problem}.", remedy="Export it with its own tools.") from None
    return GeneratorCheckpoint(folder, encoder, decoder, rules, read_preprocessing(folder, SOUND))


class _Unsupported(Exception):  # noqa: N818  # never leaves this module
    pass


def _whisper(config: Config, settings: Config) -> tuple[EncoderShape, DecoderShape, GenerationRules]:
    _require(config, scale_embedding=False, activation_function="gelu")
    width = int(config["d_model"])
    sound = SoundInput(int(config["num_mel_bins"]), 2 * int(config["max_source_positions"]))
    encoder = EncoderShape(
        sound, width, config["encoder_layers"], config["encoder_attention_heads"], config["encoder_ffn_dim"], 1e-5
    )
    decoder = DecoderShape(
        width=width,
        layers=config["decoder_layers"],
        heads=config["decoder_attention_heads"],
        hidden=config["decoder_ffn_dim"],
        positions=config["max_target_positions"],
        room=config["max_target_positions"],
        vocabulary=config["vocab_size"],
        epsilon=1e-5,
        key_bias=False,
    )
    # A multilingual checkpoint is asked in a language; who runs it may give another prompt.
    forced = [token for _, token in settings.get("forced_decoder_ids") or [] if token is not None]
    rules = GenerationRules(
        prompt=(int(settings["decoder_start_token_id"]), *forced),
        end=_tokens(settings["eos_token_id"]),
        never=_tokens(settings.get("suppress_tokens")),
        never_first=_tokens(settings.get("begin_suppress_tokens")),
        max_tokens=decoder.room,
    )
    return encoder, decoder, rules


def _vit_gpt2(config: Config, settings: Config) -> tuple[EncoderShape, DecoderShape, GenerationRules]:
    picture, text = config["encoder"], config["decoder"]
    if (picture.get("model_type"), text.get("model_type")) != ("vit", "gpt2"):
        kinds = f"{picture.get('model_type')} and {text.get('model_type')}"
        raise _Unsupported(f"encoder and decoder are {kinds}; expected vit and gpt2")
    _require(text, activation_function="gelu_new", scale_attn_by_inverse_layer_idx=False, scale_attn_weights=True)
    width = int(text["n_embd"])
    decoder = DecoderShape(
        width=width,
        layers=text["n_layer"],
        heads=text["n_head"],
        hidden=text.get("n_inner") or 4 * width,
        positions=text["n_positions"],
        room=min(text["n_positions"], CAPTION_TOKENS),
        vocabulary=text["vocab_size"],
        epsilon=text["layer_norm_epsilon"],
        activation="gelu_tanh",
    )
    start = settings.get("decoder_start_token_id")
    rules = GenerationRules(
        prompt=(int(text["bos_token_id"] if start is None else start),),
        end=_tokens(settings.get("eos_token_id") or text["eos_token_id"]),
        max_tokens=decoder.room,
    )
    return _vision(picture), decoder, rules


def _blip(config: Config, _settings: Config) -> tuple[EncoderShape, DecoderShape, GenerationRules]:
    text = config["text_config"]
    decoder = DecoderShape(
        width=text["hidden_size"],
        layers=text["num_hidden_layers"],
        heads=text["num_attention_heads"],
        hidden=text["intermediate_size"],
        positions=text["max_position_embeddings"],
        room=min(text["max_position_embeddings"], CAPTION_TOKENS),
        vocabulary=text["vocab_size"],
        epsilon=text["layer_norm_eps"],
        post_norm=True,
        transform=True,
    )
    _require(text, hidden_act="gelu")
    rules = GenerationRules(
        prompt=(int(text["bos_token_id"]),), end=_tokens(text["sep_token_id"]), max_tokens=decoder.room
    )
    return _vision(config["vision_config"]), decoder, rules


def _vision(config: Config) -> EncoderShape:
    _require(config, hidden_act="gelu")
    return EncoderShape(
        PictureInput(int(config["image_size"]), int(config["patch_size"])),
        config["hidden_size"],
        config["num_hidden_layers"],
        config["num_attention_heads"],
        config["intermediate_size"],
        config["layer_norm_eps"],
    )


def _require(config: Config, **expected: object) -> None:
    """A setting that is not there has Hugging Face's default, which is what is expected."""
    for key, value in expected.items():
        if config.get(key, value) != value:
            raise _Unsupported(f"{key} is {config[key]!r}; expected {value!r}")


def _check_sizes(shape: EncoderShape | DecoderShape) -> None:
    for name in ("width", "layers", "heads", "hidden"):
        size = getattr(shape, name)
        if not isinstance(size, int) or size < 1:
            raise ValueError(f"{size!r} for the {name}; expected a whole number above 0")


def _tokens(value: int | list[int] | None) -> tuple[int, ...]:
    return () if value is None else (value,) if isinstance(value, int) else tuple(value)


@dataclass(frozen=True, slots=True)
class _Kind:
    read: Callable[[Config, Config], tuple[EncoderShape, DecoderShape, GenerationRules]]
    names: NamesOf


_KINDS: Mapping[str, _Kind] = {
    "whisper": _Kind(_whisper, checkpoint_names.whisper),
    "vision-encoder-decoder": _Kind(_vit_gpt2, checkpoint_names.vit_gpt2),
    "blip": _Kind(_blip, checkpoint_names.blip),
}
