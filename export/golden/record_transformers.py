"""Record what Hugging Face's `transformers` writes with random networks: checkpoint folders and their `generate`.

usage: python -m export.golden.record_transformers --out DIR [--size tiny|full] [--kinds whisper vit-gpt2 blip]

Needs torch and transformers (extra `export-torch`), so no test runs it. Each folder then holds the checkpoint
(config.json, generation_config.json, model.safetensors) and `expected.npz`: "input", (samples, …), the tokens that
greedy search and beam search made of each ("greedy", "beam", padded with -1), and "logits", (steps, vocabulary), of
the first sample's tokens.
"""

from __future__ import annotations

import argparse
import copy
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

BEAMS = 3
_SAMPLES = {"tiny": 6, "full": 2}
_TOKENS = {"tiny": 20, "full": 40}


def whisper(size: str) -> Any:
    """The sizes of whisper-tiny, or much less."""
    import transformers

    small = {
        "d_model": 16,
        "encoder_layers": 2,
        "decoder_layers": 2,
        "encoder_attention_heads": 2,
        "decoder_attention_heads": 2,
        "encoder_ffn_dim": 24,
        "decoder_ffn_dim": 24,
        "num_mel_bins": 8,
        "max_source_positions": 12,
        "max_target_positions": 32,
        "vocab_size": 70,
        "pad_token_id": 0,
        "bos_token_id": 0,
        "eos_token_id": 0,
        "decoder_start_token_id": 1,
        "suppress_tokens": None,
        "begin_suppress_tokens": None,
    }
    return transformers.WhisperForConditionalGeneration(transformers.WhisperConfig(**small if size == "tiny" else {}))


def vit_gpt2(size: str) -> Any:
    """ViT-B/16 and GPT-2 small, or much less."""
    import transformers

    picture, text = transformers.ViTConfig(), transformers.GPT2Config(add_cross_attention=True, is_decoder=True)
    if size == "tiny":
        picture = transformers.ViTConfig(
            hidden_size=12,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=20,
            image_size=24,
            patch_size=8,
        )
        text = transformers.GPT2Config(
            n_embd=16,
            n_layer=2,
            n_head=2,
            n_positions=32,
            vocab_size=70,
            bos_token_id=0,
            eos_token_id=0,
            add_cross_attention=True,
            is_decoder=True,
        )
    config = transformers.VisionEncoderDecoderConfig.from_encoder_decoder_configs(picture, text)
    network = transformers.VisionEncoderDecoderModel(config=config)
    for settings in (network.config, network.generation_config):
        settings.decoder_start_token_id = text.bos_token_id
        settings.pad_token_id = settings.eos_token_id = text.eos_token_id
    return network


def blip(size: str) -> Any:
    """BLIP base, or much less."""
    import transformers

    small = {
        "text_config": {
            "hidden_size": 16,
            "encoder_hidden_size": 12,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 24,
            "max_position_embeddings": 32,
            "vocab_size": 70,
            "bos_token_id": 1,
            "sep_token_id": 2,
            "pad_token_id": 0,
            "projection_dim": 8,
        },
        "vision_config": {
            "hidden_size": 12,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 20,
            "image_size": 24,
            "patch_size": 8,
            "projection_dim": 8,
        },
        "projection_dim": 8,
        "image_text_hidden_size": 8,
    }
    config = transformers.BlipConfig(**small) if size == "tiny" else transformers.BlipConfig()
    return transformers.BlipForConditionalGeneration(config)


KINDS: Mapping[str, tuple[Callable[[str], Any], str]] = {
    "whisper": (whisper, "input_features"),
    "vit-gpt2": (vit_gpt2, "pixel_values"),
    "blip": (blip, "pixel_values"),
}


def record(kind: str, size: str, folder: Path) -> Path:
    """Make one folder; returns it."""
    import torch

    make, input_name = KINDS[kind]
    torch.manual_seed(0)
    network = make(size).eval()
    with torch.no_grad():
        _randomize(network)
        shape = _input_shape(network, kind)
        inputs = torch.randn((_SAMPLES[size], *shape))
        if kind == "whisper":
            _suppress_favourites(network, [{input_name: item[None]} for item in inputs], size)
        started_s = time.perf_counter()
        greedy = [_generate(network, {input_name: item[None]}, size, beams=1) for item in inputs]
        took_s = time.perf_counter() - started_s
        beam = [_generate(network, {input_name: item[None]}, size, beams=BEAMS) for item in inputs]
        logits = _logits(network, {input_name: inputs[:1]}, greedy[0], kind)
    network.save_pretrained(folder)
    arrays = {"input": inputs.numpy(), "greedy": _padded(greedy), "beam": _padded(beam), "logits": logits}
    np.savez_compressed(folder / "expected.npz", allow_pickle=False, **arrays)
    print(f"{kind}: greedy in {took_s:.2f} s; {greedy[0][:12]} …; beam {beam[0][:12]} …")
    return folder


def _suppress_favourites(network: Any, inputs: list[dict[str, Any]], size: str) -> None:
    """As the released checkpoints have them: tokens that are never written, and some that no text begins with. Here
    those that would be written most, so that it shows."""
    texts = [_generate(network, item, size, beams=1) for item in inputs]
    most = Counter(token for text in texts for token in text[1:]).most_common(1)[0][0]
    first = Counter(text[0] for text in texts if text[0] != most).most_common(1)[0][0]
    settings = network.generation_config
    settings.suppress_tokens, settings.begin_suppress_tokens = [most], [first, settings.eos_token_id]


def _randomize(network: Any) -> None:
    """Every weight random, so that none can be forgotten or mixed up; large enough for a text that goes on changing."""
    import torch

    for name, values in network.named_parameters():
        if name.endswith("bias"):
            values.copy_(torch.randn_like(values) * 0.1)
        elif values.ndim < 2 or "embed" in name or ".wte" in name or ".wpe" in name:
            # Normalisations too: about 1, the odds would be highest for the token that was just read.
            values.copy_(torch.randn_like(values))
        else:
            values.copy_(torch.randn_like(values) * 2.0 / values[0].numel() ** 0.5)


def _input_shape(network: Any, kind: str) -> tuple[int, ...]:
    config = network.config
    if kind == "whisper":
        return config.num_mel_bins, 2 * config.max_source_positions
    side = (config.encoder if kind == "vit-gpt2" else config.vision_config).image_size
    return 3, side, side


def _generate(network: Any, inputs: Mapping[str, Any], size: str, *, beams: int) -> list[int]:
    settings = copy.deepcopy(network.generation_config)
    settings.update(do_sample=False, num_beams=beams, max_new_tokens=_TOKENS[size], length_penalty=1.0)
    made = network.generate(**inputs, generation_config=settings)
    return list(map(int, made[0]))


def _logits(network: Any, inputs: Mapping[str, Any], tokens: list[int], kind: str) -> np.ndarray[Any, Any]:
    """Of every step when the tokens are given."""
    import torch

    given = torch.tensor([tokens])
    if kind == "blip":
        memory = network.vision_model(**inputs).last_hidden_state
        found = network.text_decoder(input_ids=given, encoder_hidden_states=memory).logits
    else:
        found = network(**inputs, decoder_input_ids=given).logits
    values: np.ndarray[Any, Any] = found[0, :8].numpy()
    return values


def _padded(rows: list[list[int]]) -> np.ndarray[Any, Any]:
    longest = max(map(len, rows))
    return np.array([row + [-1] * (longest - len(row)) for row in rows], np.int32)


def main() -> None:
    """Record the kinds that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder for one folder a kind")
    parser.add_argument("--size", choices=("tiny", "full"), default="tiny")
    parser.add_argument("--kinds", nargs="*", choices=tuple(KINDS), default=list(KINDS))
    options = parser.parse_args()
    for kind in options.kinds:
        record(kind, options.size, options.out / kind)


if __name__ == "__main__":
    main()
