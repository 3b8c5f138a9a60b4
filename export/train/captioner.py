"""A tiny captioner in torch: a vision transformer and a GPT-2 with cross attention, by the names of Hugging Face's
`VisionEncoderDecoderModel`, so that what is saved is an ordinary checkpoint for `assistant-export import`."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from export.train.drawn_scenes import LONGEST, SIDE_PX, WORDS

WIDTH, HEADS, HIDDEN = 64, 4, 128
ENCODER_LAYERS, DECODER_LAYERS = 2, 2
PATCH_PX = 8
EPSILON = 1e-5
_COUNT = (SIDE_PX // PATCH_PX) ** 2 + 1
_QKV = ("query", "key", "value")


class TinyCaptioner(nn.Module):
    """Pictures, uint8 (n, 48, 48, 3), and the words so far, int64 (n, t) → logits (n, words, t)."""

    def __init__(self) -> None:
        super().__init__()
        self._weights = nn.ParameterDict()
        for name, size in _sizes().items():
            self._weights[name.replace(".", "/")] = nn.Parameter(_initial(name, size))

    def checkpoint(self) -> dict[str, Tensor]:
        """The weights by their names in a checkpoint."""
        return {name.replace("/", "."): value.detach() for name, value in self._weights.items()}

    def forward(self, pixels: Tensor, words: Tensor) -> Tensor:
        """Training and greedy writing both look at all words at once: there are few."""
        return self.write(self.look(pixels), words)

    def look(self, pixels: Tensor) -> Tensor:
        """(n, 48, 48, 3) → (n, 37, width)."""
        scaled = pixels.permute(0, 3, 1, 2).float() / 127.5 - 1.0
        patches = functional.conv2d(
            scaled,
            self._weight("encoder.embeddings.patch_embeddings.projection.weight"),
            self._weight("encoder.embeddings.patch_embeddings.projection.bias"),
            stride=PATCH_PX,
        )
        rows = patches.flatten(2).transpose(1, 2)
        first = self._weight("encoder.embeddings.cls_token").expand(len(rows), -1, -1)
        value = torch.cat([first, rows], dim=1) + self._weight("encoder.embeddings.position_embeddings")
        for block in range(ENCODER_LAYERS):
            top = f"encoder.encoder.layer.{block}."
            normal = self._norm(value, f"{top}layernorm_before")
            parts = [self._linear(normal, f"{top}attention.attention.{name}") for name in _QKV]
            value = value + self._linear(_attend(*parts, causal=False), f"{top}attention.output.dense")
            inner = self._linear(self._norm(value, f"{top}layernorm_after"), f"{top}intermediate.dense")
            value = value + self._linear(functional.gelu(inner), f"{top}output.dense")
        return self._norm(value, "encoder.layernorm")

    def write(self, seen: Tensor, words: Tensor) -> Tensor:
        """What was looked at and the words so far → logits of the next word at each place."""
        table = self._weight("decoder.transformer.wte.weight")
        value = table[words] + self._weight("decoder.transformer.wpe.weight")[: words.shape[1]]
        for layer in range(DECODER_LAYERS):
            top = f"decoder.transformer.h.{layer}."
            parts = self._conv1d(self._norm(value, f"{top}ln_1"), f"{top}attn.c_attn").chunk(3, dim=-1)
            value = value + self._conv1d(_attend(*parts, causal=True), f"{top}attn.c_proj")
            query = self._conv1d(self._norm(value, f"{top}ln_cross_attn"), f"{top}crossattention.q_attn")
            key, memory = self._conv1d(seen, f"{top}crossattention.c_attn").chunk(2, dim=-1)
            value = value + self._conv1d(_attend(query, key, memory, causal=False), f"{top}crossattention.c_proj")
            inner = self._conv1d(self._norm(value, f"{top}ln_2"), f"{top}mlp.c_fc")
            value = value + self._conv1d(functional.gelu(inner, approximate="tanh"), f"{top}mlp.c_proj")
        return (self._norm(value, "decoder.transformer.ln_f") @ table.T).transpose(1, 2)

    @torch.no_grad()
    def captions(self, pixels: Tensor) -> Tensor:
        """The likeliest words one by one, int64 (n, t)."""
        self.eval()
        seen = self.look(pixels)
        words = torch.zeros((len(pixels), 1), dtype=torch.long, device=pixels.device)
        for _ in range(LONGEST):
            words = torch.cat([words, self.write(seen, words)[:, :, -1:].argmax(dim=1)], dim=1)
        return words[:, 1:]

    def _weight(self, name: str) -> Tensor:
        return torch.as_tensor(self._weights[name.replace(".", "/")])

    def _linear(self, value: Tensor, name: str) -> Tensor:
        return functional.linear(value, self._weight(f"{name}.weight"), self._weight(f"{name}.bias"))

    def _conv1d(self, value: Tensor, name: str) -> Tensor:
        """GPT-2 keeps its matrices as (in, out)."""
        return value @ self._weight(f"{name}.weight") + self._weight(f"{name}.bias")

    def _norm(self, value: Tensor, name: str) -> Tensor:
        weight, bias = self._weight(f"{name}.weight"), self._weight(f"{name}.bias")
        return functional.layer_norm(value, (WIDTH,), weight, bias, EPSILON)


def _attend(query: Tensor, key: Tensor, value: Tensor, *, causal: bool) -> Tensor:
    heads = [part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (query, key, value)]
    mixed = functional.scaled_dot_product_attention(*heads, is_causal=causal)
    return torch.as_tensor(mixed.transpose(1, 2).flatten(2))


def _sizes() -> dict[str, tuple[int, ...]]:
    """Every weight, by its name in a checkpoint."""
    sizes: dict[str, tuple[int, ...]] = {
        "encoder.embeddings.cls_token": (1, 1, WIDTH),
        "encoder.embeddings.position_embeddings": (1, _COUNT, WIDTH),
        "encoder.embeddings.patch_embeddings.projection.weight": (WIDTH, 3, PATCH_PX, PATCH_PX),
        "encoder.embeddings.patch_embeddings.projection.bias": (WIDTH,),
        "decoder.transformer.wte.weight": (len(WORDS), WIDTH),
        "decoder.transformer.wpe.weight": (LONGEST + 2, WIDTH),
    }

    def matrix(name: str, inputs: int, outputs: int, *, transposed: bool) -> None:
        sizes[f"{name}.weight"] = (inputs, outputs) if transposed else (outputs, inputs)
        sizes[f"{name}.bias"] = (outputs,)

    def norm(name: str) -> None:
        sizes[f"{name}.weight"] = sizes[f"{name}.bias"] = (WIDTH,)

    for block in range(ENCODER_LAYERS):
        top = f"encoder.encoder.layer.{block}."
        for name in (*(f"attention.attention.{part}" for part in _QKV), "attention.output.dense"):
            matrix(f"{top}{name}", WIDTH, WIDTH, transposed=False)
        matrix(f"{top}intermediate.dense", WIDTH, HIDDEN, transposed=False)
        matrix(f"{top}output.dense", HIDDEN, WIDTH, transposed=False)
        norm(f"{top}layernorm_before")
        norm(f"{top}layernorm_after")
    for layer in range(DECODER_LAYERS):
        top = f"decoder.transformer.h.{layer}."
        for name, inputs, outputs in (
            ("attn.c_attn", WIDTH, 3 * WIDTH), ("attn.c_proj", WIDTH, WIDTH), ("crossattention.q_attn", WIDTH, WIDTH),
            ("crossattention.c_attn", WIDTH, 2 * WIDTH), ("crossattention.c_proj", WIDTH, WIDTH),
            ("mlp.c_fc", WIDTH, HIDDEN), ("mlp.c_proj", HIDDEN, WIDTH),
        ):  # fmt: skip
            matrix(f"{top}{name}", inputs, outputs, transposed=True)
        for name in ("ln_1", "ln_cross_attn", "ln_2"):
            norm(f"{top}{name}")
    norm("encoder.layernorm")
    norm("decoder.transformer.ln_f")
    return sizes


def _initial(name: str, size: tuple[int, ...]) -> Tensor:
    if name.endswith(".bias"):
        return torch.zeros(size)
    if len(size) == 1:
        return torch.ones(size)
    if len(size) == 4:
        return torch.randn(size) / (3 * PATCH_PX * PATCH_PX) ** 0.5
    tables = ("wte", "wpe", "position", "cls_token")
    return torch.randn(size) * (0.1 if any(word in name for word in tables) else 0.6 / WIDTH**0.5)
