"""Which tensor of a Hugging Face checkpoint is which weight of ours, an architecture a function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from export.generator.shapes import DecoderShape, EncoderShape
from export.recipe import Array


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a weight is in a checkpoint."""

    tensor: str
    part: tuple[int, int] | None = None
    """(which, of how many) equal parts, where queries, keys and values are one tensor."""
    transposed: bool = False
    """(in, out), as GPT-2 has it."""

    def take(self, stored: Array) -> Array:
        """The weight as (out, in)."""
        values = stored.T if self.transposed else stored
        if self.part is None:
            return values
        which, count = self.part
        size = values.shape[0] // count
        return values[which * size : (which + 1) * size]


Origins = Iterator[tuple[str, Origin]]
NamesOf = Callable[[EncoderShape, DecoderShape], Origins]
_QKV = ("query", "key", "value")


def whisper(encoder: EncoderShape, decoder: DecoderShape) -> Origins:
    """`WhisperForConditionalGeneration`."""
    top = "model.encoder."
    for name in ("conv1", "conv2"):
        yield from _both(name, f"{top}{name}")
    yield "positions", Origin(f"{top}embed_positions.weight")
    for block in range(encoder.layers):
        source = f"{top}layers.{block}."
        yield from _fairseq_attention(f"block.{block}.", f"{source}self_attn.")
        yield from _both(f"block.{block}.norm_1", f"{source}self_attn_layer_norm")
        yield from _both(f"block.{block}.norm_2", f"{source}final_layer_norm")
        yield from _both(f"block.{block}.up", f"{source}fc1")
        yield from _both(f"block.{block}.down", f"{source}fc2")
    yield from _both("final_norm", f"{top}layer_norm")
    top = "model.decoder."
    yield "tokens.weight", Origin(f"{top}embed_tokens.weight")
    yield "positions.weight", Origin(f"{top}embed_positions.weight")
    for layer in range(decoder.layers):
        source, target = f"{top}layers.{layer}.", f"layer.{layer}."
        for kind, attention in (("self", "self_attn"), ("cross", "encoder_attn")):
            yield from _fairseq_attention(f"{target}{kind}.", f"{source}{attention}.")
            yield from _both(f"{target}{kind}.norm", f"{source}{attention}_layer_norm")
        yield from _both(f"{target}norm", f"{source}final_layer_norm")
        yield from _both(f"{target}up", f"{source}fc1")
        yield from _both(f"{target}down", f"{source}fc2")
    yield from _both("decoder.final_norm", f"{top}layer_norm")
    yield "head.weight", Origin("proj_out.weight")


def vit_gpt2(encoder: EncoderShape, decoder: DecoderShape) -> Origins:
    """`VisionEncoderDecoderModel` of a `ViTModel` and a `GPT2LMHeadModel` with cross attention."""
    yield "class_token", Origin("encoder.embeddings.cls_token")
    yield "positions", Origin("encoder.embeddings.position_embeddings")
    yield from _both("patches", "encoder.embeddings.patch_embeddings.projection")
    for block in range(encoder.layers):
        source, target = f"encoder.encoder.layer.{block}.", f"block.{block}."
        for name in _QKV:
            yield from _both(f"{target}{name}", f"{source}attention.attention.{name}")
        yield from _both(f"{target}output", f"{source}attention.output.dense")
        yield from _both(f"{target}norm_1", f"{source}layernorm_before")
        yield from _both(f"{target}norm_2", f"{source}layernorm_after")
        yield from _both(f"{target}up", f"{source}intermediate.dense")
        yield from _both(f"{target}down", f"{source}output.dense")
    yield from _both("final_norm", "encoder.layernorm")
    yield from _both("bridge", "enc_to_dec_proj")
    yield "tokens.weight", Origin("decoder.transformer.wte.weight")
    yield "positions.weight", Origin("decoder.transformer.wpe.weight")
    for layer in range(decoder.layers):
        source, target = f"decoder.transformer.h.{layer}.", f"layer.{layer}."
        for place, name in enumerate(_QKV):
            yield from _gpt2(f"{target}self.{name}", f"{source}attn.c_attn", (place, 3))
        yield from _gpt2(f"{target}self.output", f"{source}attn.c_proj")
        yield from _gpt2(f"{target}cross.query", f"{source}crossattention.q_attn")
        yield from _gpt2(f"{target}cross.key", f"{source}crossattention.c_attn", (0, 2))
        yield from _gpt2(f"{target}cross.value", f"{source}crossattention.c_attn", (1, 2))
        yield from _gpt2(f"{target}cross.output", f"{source}crossattention.c_proj")
        yield from _gpt2(f"{target}up", f"{source}mlp.c_fc")
        yield from _gpt2(f"{target}down", f"{source}mlp.c_proj")
        for name, norm in (("self.norm", "ln_1"), ("cross.norm", "ln_cross_attn"), ("norm", "ln_2")):
            yield from _both(f"{target}{name}", f"{source}{norm}")
    yield from _both("decoder.final_norm", "decoder.transformer.ln_f")
    yield "head.weight", Origin("decoder.lm_head.weight")


def blip(encoder: EncoderShape, decoder: DecoderShape) -> Origins:
    """`BlipForConditionalGeneration`."""
    top = "vision_model."
    yield "class_token", Origin(f"{top}embeddings.class_embedding")
    yield "positions", Origin(f"{top}embeddings.position_embedding")
    yield from _both("patches", f"{top}embeddings.patch_embedding")
    for block in range(encoder.layers):
        source, target = f"{top}encoder.layers.{block}.", f"block.{block}."
        for place, name in enumerate(_QKV):
            yield from _both(f"{target}{name}", f"{source}self_attn.qkv", (place, 3))
        yield from _both(f"{target}output", f"{source}self_attn.projection")
        yield from _both(f"{target}norm_1", f"{source}layer_norm1")
        yield from _both(f"{target}norm_2", f"{source}layer_norm2")
        yield from _both(f"{target}up", f"{source}mlp.fc1")
        yield from _both(f"{target}down", f"{source}mlp.fc2")
    yield from _both("final_norm", f"{top}post_layernorm")
    top = "text_decoder.bert."
    yield "tokens.weight", Origin(f"{top}embeddings.word_embeddings.weight")
    yield "positions.weight", Origin(f"{top}embeddings.position_embeddings.weight")
    yield from _both("embedded_norm", f"{top}embeddings.LayerNorm")
    for layer in range(decoder.layers):
        source, target = f"{top}encoder.layer.{layer}.", f"layer.{layer}."
        for kind, attention in (("self", "attention"), ("cross", "crossattention")):
            for name in _QKV:
                yield from _both(f"{target}{kind}.{name}", f"{source}{attention}.self.{name}")
            yield from _both(f"{target}{kind}.output", f"{source}{attention}.output.dense")
            yield from _both(f"{target}{kind}.norm", f"{source}{attention}.output.LayerNorm")
        yield from _both(f"{target}up", f"{source}intermediate.dense")
        yield from _both(f"{target}down", f"{source}output.dense")
        yield from _both(f"{target}norm", f"{source}output.LayerNorm")
    top = "text_decoder.cls.predictions."
    yield from _both("transform", f"{top}transform.dense")
    yield from _both("transform_norm", f"{top}transform.LayerNorm")
    yield "head.bias", Origin(f"{top}bias")
    yield "head.weight", Origin(f"{top}decoder.weight")


def _both(name: str, tensor: str, part: tuple[int, int] | None = None) -> Origins:
    for kind in ("weight", "bias"):
        yield f"{name}.{kind}", Origin(f"{tensor}.{kind}", part)


def _gpt2(name: str, tensor: str, part: tuple[int, int] | None = None) -> Origins:
    yield f"{name}.weight", Origin(f"{tensor}.weight", part, transposed=True)
    yield f"{name}.bias", Origin(f"{tensor}.bias", part)


def _fairseq_attention(name: str, tensor: str) -> Origins:
    for ours, theirs in (("query", "q_proj"), ("key", "k_proj"), ("value", "v_proj"), ("output", "out_proj")):
        yield from _both(f"{name}{ours}", f"{tensor}{theirs}")
