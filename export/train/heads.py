"""The fusions that can be trained, in torch. Each takes a batch of evidence and gives logits, shape (n, 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from assistant.emotion.fusion_network import CHANNELS, FEATURES, tokens
from assistant.emotion.pooling import ChannelTrust, PoolingParameters, pattern_name
from assistant.events import EMOTION_LABELS
from assistant.ports import EmotionEvidence

CLASSES = len(EMOTION_LABELS)
_FLOOR = 1e-4


class PoolingHead(nn.Module):
    """`assistant.emotion.pooling`, with its parameters unbounded."""

    def __init__(self, channels: tuple[str, ...] = CHANNELS) -> None:
        super().__init__()
        self.channels = channels
        count = len(channels)
        self.prior = nn.Parameter(torch.zeros(CLASSES))
        self.bias = nn.Parameter(torch.zeros(count, CLASSES))
        self.temperature = nn.Parameter(torch.full((count,), 0.5))
        self.sharpness = nn.Parameter(torch.full((count,), 0.5))
        self.reliability = nn.Parameter(torch.full((count,), 2.0))
        self.doubt = nn.Parameter(torch.full((count,), -2.0))
        self.fading = nn.Parameter(torch.full((count,), 0.5))
        self.exponents = nn.Parameter(torch.full((1 << count, count), 0.5))

    @staticmethod
    def inputs(evidence: EmotionEvidence) -> tuple[Tensor, ...]:
        """The tensors that `forward` takes."""
        logs = np.log(np.maximum(evidence.probabilities, _FLOOR))
        return tuple(
            torch.as_tensor(np.asarray(array, np.float32))
            for array in (logs, evidence.confidence, evidence.half_lives, evidence.present)
        )

    def forward(self, logs: Tensor, confidence: Tensor, half_lives: Tensor, present: Tensor) -> Tensor:
        """See the text of `assistant.emotion.pooling`."""
        positive = nn.functional.softplus
        sure = confidence.clamp_min(1e-6)
        log_prior = torch.log_softmax(self.prior, dim=-1)
        sharp = positive(self.temperature) * sure ** positive(self.sharpness)
        calibrated = torch.softmax(sharp[..., None] * (logs - self.bias), dim=-1)
        believed = torch.sigmoid(self.reliability) * sure ** positive(self.doubt)
        believed = believed * 0.5 ** (positive(self.fading) * half_lives)
        prior = log_prior.exp()
        opinions = torch.log(believed[..., None] * (calibrated - prior) + prior) - log_prior
        places = 2.0 ** torch.arange(present.shape[1], device=present.device)
        pattern = (present * places).sum(dim=1).long()
        weights = positive(self.exponents)[pattern] * present
        return log_prior + (weights[..., None] * opinions).sum(dim=1)

    def parameters_file(self, provenance: Mapping[str, Any]) -> PoolingParameters:
        """What `assistant.emotion.pooling` reads."""
        with torch.no_grad():
            positive = nn.functional.softplus
            rows = {
                "temperature": positive(self.temperature),
                "sharpness": positive(self.sharpness),
                "reliability": torch.sigmoid(self.reliability),
                "doubt": positive(self.doubt),
                "fading": positive(self.fading),
            }
            channels = {
                name: ChannelTrust(
                    bias=tuple(round(float(b), 4) for b in self.bias[c]),
                    **{key: round(float(values[c]), 4) for key, values in rows.items()},
                )
                for c, name in enumerate(self.channels)
            }
            exponents = positive(self.exponents)
            weights = {}
            for pattern in range(1, len(exponents)):
                names = [(c, name) for c, name in enumerate(self.channels) if pattern >> c & 1]
                weights[pattern_name([name for _, name in names])] = {
                    name: round(float(exponents[pattern, c]), 4) for c, name in names
                }
            prior = torch.softmax(self.prior, dim=-1).double().numpy()
        return PoolingParameters(tuple((prior / prior.sum()).round(6).tolist()), channels, weights, dict(provenance))


class NetworkHead(nn.Module):
    """What both networks share: tokens and a mask."""

    @staticmethod
    def inputs(evidence: EmotionEvidence) -> tuple[Tensor, ...]:
        """The tensors that `forward` takes."""
        return tuple(map(torch.as_tensor, tokens(evidence)))


class ConcatenationHead(NetworkHead):
    """All tokens side by side, two hidden layers."""

    def __init__(self, width: int = 48, dropout: float = 0.05) -> None:
        super().__init__()
        self.hidden = nn.Linear(len(CHANNELS) * FEATURES, width)
        self.deeper = nn.Linear(width, width)
        self.answer = nn.Linear(width, CLASSES)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """(n, c, 10), (n, c) → (n, 7)."""
        del mask  # it is in the tokens
        hidden = self.dropout(torch.relu(self.hidden(features.flatten(1))))
        return self.answer(self.dropout(torch.relu(self.deeper(hidden))))


class AttentionHead(NetworkHead):
    """One token a channel, embedded by the channel's own matrix; a question token attends to those that are present."""

    def __init__(self, width: int = 32, heads: int = 4, dropout: float = 0.05) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"The width {width} is no multiple of {heads} heads.")
        self.heads = heads
        self.embed = nn.Parameter(torch.randn(len(CHANNELS), FEATURES, width) / FEATURES**0.5)
        self.place = nn.Parameter(torch.zeros(len(CHANNELS), width))
        self.question = nn.Parameter(torch.randn(1, 1, width) * 0.1)
        self.query, self.key, self.value, self.mix = (nn.Linear(width, width) for _ in range(4))
        self.wider, self.narrower = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        self.answer = nn.Linear(width, CLASSES)
        self.dropout = nn.Dropout(dropout)

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """(n, c, 10), (n, c) → (n, 7)."""
        embedded = torch.einsum("ncf,cfw->ncw", features, self.embed) + self.place
        state = torch.cat([self.question.expand(len(features), -1, -1), torch.relu(embedded)], dim=1)
        # The question token is always there, so that no row is empty when nothing is present.
        seen = torch.cat([torch.ones_like(mask[:, :1]), mask], dim=1)
        state = state + self.dropout(self._attend(state, seen))
        state = state + self.dropout(self.narrower(torch.relu(self.wider(state))))
        # Sums over the channels that are present: evidence adds up.
        return self.answer((state * seen[..., None]).sum(dim=1))

    def _attend(self, state: Tensor, seen: Tensor) -> Tensor:
        n, length, width = state.shape
        query, key, value = (
            layer(state).reshape(n, length, self.heads, -1).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        scores = query @ key.transpose(-1, -2) / (width / self.heads) ** 0.5
        scores = scores + (seen[:, None, None, :] - 1.0) * 1e4
        mixed = (torch.softmax(scores, dim=-1) @ value).transpose(1, 2).reshape(n, length, width)
        return torch.as_tensor(self.mix(mixed))


HEADS: dict[str, type[nn.Module]] = {
    "pooling": PoolingHead,
    "attention": AttentionHead,
    "concatenation": ConcatenationHead,
}
