"""`assistant-export train captioner`: draw scenes, train, measure exact captions on others, save a checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from assistant.atomic import replace_files_in
from assistant.vision.pictures import write_picture
from export.train import captioner as sizes
from export.train.captioner import TinyCaptioner
from export.train.drawn_scenes import LONGEST, SIDE_PX, WORDS, Drawn, decode, draw_scenes, encode
from export.train.fit import Settings, fit, seed_all
from export.train.metrics import bootstrap

_TEST = 2000
_SAMPLES = 60
_IGNORED = -100


def run_captioner(out: Path, scenes: int, epochs: int, seed: int, tell: Callable[[str], None]) -> dict[str, Any]:
    """Train and write `<out>/checkpoint` and `<out>/samples`; returns what was measured."""
    torch.set_num_threads(1)
    train, validation = draw_scenes(scenes, seed + 1), draw_scenes(1000, seed + 2)
    settings = Settings(epochs=epochs, batch=96, learning_rate=2e-3, weight_decay=1e-2, patience=epochs, seed=seed)
    seed_all(seed)
    module = TinyCaptioner()
    out.mkdir(parents=True, exist_ok=True)
    fit(
        module,
        _tensors(train),
        _tensors(validation),
        settings,
        checkpoint=out / "training.pt",
        progress=lambda epoch, a, b: tell(f"epoch {epoch}: loss {a:.4f}, validation {b:.4f}"),
    )
    test = draw_scenes(_TEST, seed + 3)
    said = captions(module, test)
    exact = np.array([mine == scene.caption for mine, scene in zip(said, test, strict=True)])
    found = bootstrap(np.mean, exact)
    measured = {
        "scenes": scenes,
        "epochs": epochs,
        "weights": sum(value.numel() for value in module.checkpoint().values()),
        "exact": {"value": found.value, "low": found.low, "high": found.high, "scenes": len(test)},
        "wrong": [[scene.caption, mine] for mine, scene in zip(said, test, strict=True) if mine != scene.caption][:10],
    }
    write_checkpoint(out / "checkpoint", module, measured)
    # For calibration: of the validation scenes, so that the test scenes stay unseen.
    for number, scene in enumerate(validation[:_SAMPLES]):
        (out / "samples").mkdir(exist_ok=True)
        write_picture(out / "samples" / f"{number:03}.png", scene.pixels)
    return measured


def captions(module: TinyCaptioner, scenes: Sequence[Drawn]) -> list[str]:
    """What the network says of each."""
    found = []
    for start in range(0, len(scenes), 250):
        pixels = torch.as_tensor(np.stack([scene.pixels for scene in scenes[start : start + 250]]))
        found += [decode(row) for row in module.captions(pixels).tolist()]
    return found


def _tensors(scenes: Sequence[Drawn]) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
    pixels = torch.as_tensor(np.stack([scene.pixels for scene in scenes]))
    words = np.zeros((len(scenes), LONGEST), np.int64)
    targets = np.full((len(scenes), LONGEST), _IGNORED, np.int64)
    for row, scene in enumerate(scenes):
        tokens = encode(scene.caption)
        words[row, 1 : len(tokens)] = tokens[:-1]
        targets[row, : len(tokens)] = tokens
    return (pixels, torch.as_tensor(words)), torch.as_tensor(targets)


def write_checkpoint(folder: Path, module: TinyCaptioner, measured: dict[str, Any]) -> None:
    """As Hugging Face writes a `VisionEncoderDecoderModel`: config, weights, tokenizer, preprocessing."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_type": "vision-encoder-decoder",
        "architectures": ["VisionEncoderDecoderModel"],
        "decoder_start_token_id": 0,
        "eos_token_id": 0,
        "encoder": {
            "model_type": "vit", "image_size": SIDE_PX, "patch_size": sizes.PATCH_PX, "hidden_size": sizes.WIDTH,
            "num_hidden_layers": sizes.ENCODER_LAYERS, "num_attention_heads": sizes.HEADS,
            "intermediate_size": sizes.HIDDEN, "layer_norm_eps": sizes.EPSILON, "hidden_act": "gelu",
        },
        "decoder": {
            "model_type": "gpt2", "n_embd": sizes.WIDTH, "n_layer": sizes.DECODER_LAYERS, "n_head": sizes.HEADS,
            "n_inner": sizes.HIDDEN, "n_positions": LONGEST + 2, "vocab_size": len(WORDS), "bos_token_id": 0,
            "eos_token_id": 0, "layer_norm_epsilon": sizes.EPSILON, "activation_function": "gelu_new",
            "add_cross_attention": True,
        },
    }  # fmt: skip
    tokenizer = {
        "version": "1.0",
        "added_tokens": [{"id": 0, "content": WORDS[0], "special": True, "single_word": False, "lstrip": False,
                          "rstrip": False, "normalized": False}],
        "normalizer": None,
        "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None,
        "decoder": None,
        "model": {"type": "WordLevel", "vocab": {word: n for n, word in enumerate(WORDS)}, "unk_token": WORDS[0]},
    }  # fmt: skip
    texts = {
        "config.json": config,
        "tokenizer.json": tokenizer,
        "preprocessor_config.json": {"image_mean": [0.5] * 3, "image_std": [0.5] * 3, "rescale_factor": 1 / 255},
        "measured.json": measured,
    }
    with replace_files_in(folder) as target:
        for name, content in texts.items():
            (target / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
        _write_safetensors(
            target / "model.safetensors", {name: value.numpy() for name, value in module.checkpoint().items()}
        )


def _write_safetensors(path: Path, arrays: dict[str, Any]) -> None:
    """A length, a JSON header, the values; https://github.com/huggingface/safetensors#format."""
    header, offset = {}, 0
    for name, array in arrays.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + array.nbytes]}
        offset += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for array in arrays.values():
            file.write(np.ascontiguousarray(array, "<f4").tobytes())
