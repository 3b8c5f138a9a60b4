"""The training loop: any module, any tensors, one recipe of optimisation. Interrupted runs go on where they were."""

from __future__ import annotations

import copy
import hashlib
import math
import random
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn

from assistant.atomic import replace_file
from assistant.errors import ConfigError, ModelError
from export.errors import DivergedError

Batch = tuple[Tensor, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a network is trained."""

    epochs: int = 30
    batch: int = 1024
    learning_rate: float = 3e-3
    optimizer: Literal["adamw", "adam"] = "adamw"
    weight_decay: float = 1e-4
    warm_up: float = 0.05
    """Share of the steps in which the rate rises; then it falls along a cosine."""
    patience: int = 6
    """Epochs without a lower validation loss after which it ends."""
    clip_norm: float = 1.0
    seed: int = 0
    mixed_precision: bool = True
    """Used where there is a GPU."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """What came out. The module holds the best weights."""

    validation_loss: float
    epochs: int
    losses: tuple[tuple[float, float], ...]
    """(training, validation) of each epoch."""


def seed_all(seed: int) -> None:
    """Python, numpy and torch."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def fit(
    module: nn.Module,
    train: tuple[Batch, Tensor],
    validation: tuple[Batch, Tensor],
    settings: Settings,
    *,
    checkpoint: Path | None = None,
    options: Mapping[str, Any] | None = None,
    augment: Callable[[Batch, torch.Generator], Batch] | None = None,
    progress: Callable[[int, float, float], None] | None = None,
    after_epoch: Callable[[int, float], None] | None = None,
) -> Fitted:
    """Minimise the cross entropy. `after_epoch` may raise to stop (a search that prunes).

    With a `checkpoint` that exists and was made of the same data, settings and `options` (plain values: whatever else
    decides what comes out, such as the sizes of the network), goes on from it. Raises `DivergedError` when the loss is
    no number, `ConfigError` for a checkpoint of anything else, and `ModelError` for one that cannot be read.
    """
    fitting = _Fitting(module, train, validation, settings, checkpoint, augment)
    if checkpoint is not None:
        fitting.made_of = _made_of(train, validation, settings, options or {})
    return fitting.run(progress, after_epoch)


class _Fitting:
    def __init__(
        self,
        module: nn.Module,
        train: tuple[Batch, Tensor],
        validation: tuple[Batch, Tensor],
        settings: Settings,
        checkpoint: Path | None,
        augment: Callable[[Batch, torch.Generator], Batch] | None,
    ) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.module = module.to(self.device)
        self.train, self.validation = train, validation
        self.settings, self.checkpoint, self.augment = settings, checkpoint, augment
        self.made_of: dict[str, Any] = {}
        self.mixed = settings.mixed_precision and self.device.type == "cuda"
        kind = torch.optim.AdamW if settings.optimizer == "adamw" else torch.optim.Adam
        self.optimizer = kind(module.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
        self.per_epoch = max(1, math.ceil(len(train[1]) / settings.batch))
        steps = self.per_epoch * settings.epochs
        self.schedule = torch.optim.lr_scheduler.LambdaLR(self.optimizer, lambda step: _rate(step, steps, settings))
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.mixed)
        self.generator = torch.Generator().manual_seed(settings.seed)
        self.loss = nn.CrossEntropyLoss()
        self.losses: list[tuple[float, float]] = []
        self.best = copy.deepcopy(module.state_dict())
        self.best_loss, self.best_epoch = math.inf, 0

    def run(
        self, progress: Callable[[int, float, float], None] | None, after_epoch: Callable[[int, float], None] | None
    ) -> Fitted:
        self._resume()
        while len(self.losses) < self.settings.epochs:
            if len(self.losses) - self.best_epoch >= self.settings.patience:
                break
            training = self._epoch()
            validation = self._validate()
            if not math.isfinite(training + validation):
                raise DivergedError(
                    f"The loss is {training:g} in training and {validation:g} in validation: training has diverged.",
                    remedy="Lower the learning rate, or look for broken values in the data.",
                )
            self.losses.append((training, validation))
            if validation < self.best_loss:
                self.best_loss, self.best_epoch = validation, len(self.losses)
                self.best = copy.deepcopy(self.module.state_dict())
            self._save()
            if progress:
                progress(len(self.losses), training, validation)
            if after_epoch:
                after_epoch(len(self.losses), validation)
        self.module.load_state_dict(self.best)
        self.module.to("cpu").eval()
        return Fitted(self.best_loss, len(self.losses), tuple(self.losses))

    def _epoch(self) -> float:
        self.module.train()
        inputs, labels = self.train
        order = torch.randperm(len(labels), generator=self.generator)
        total = 0.0
        for part in order.split(self.settings.batch):
            batch: Batch = tuple(tensor[part] for tensor in inputs)
            if self.augment is not None:
                batch = self.augment(batch, self.generator)
            with torch.autocast(self.device.type, enabled=self.mixed):
                logits = self.module(*(tensor.to(self.device) for tensor in batch))
                loss = self.loss(logits, labels[part].to(self.device))
            self.optimizer.zero_grad()
            self.scaler.scale(loss).backward()
            self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.module.parameters(), self.settings.clip_norm)
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.schedule.step()
            total += float(loss.detach()) * len(part)
        return total / len(labels)

    @torch.no_grad()
    def _validate(self) -> float:
        self.module.eval()
        inputs, labels = self.validation
        total = 0.0
        for part in torch.arange(len(labels)).split(4096):
            logits = self.module(*(tensor[part].to(self.device) for tensor in inputs))
            total += float(self.loss(logits, labels[part].to(self.device))) * len(part)
        return total / len(labels)

    def _save(self) -> None:
        if self.checkpoint is None:
            return
        state: dict[str, Any] = {
            "made_of": self.made_of,
            "module": self.module.state_dict(),
            "best": self.best,
            "best_loss": self.best_loss,
            "best_epoch": self.best_epoch,
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
            "generator": self.generator.get_state(),
            "torch": torch.get_rng_state(),
            # Dropout draws where the network is.
            "cuda": torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None,
            "losses": self.losses,
        }
        state["schedule"].pop("lr_lambdas", None)
        with replace_file(self.checkpoint) as path:
            torch.save(state, path)

    def _resume(self) -> None:
        if self.checkpoint is None or not self.checkpoint.exists():
            return
        try:
            # Only tensors and plain values: a checkpoint from elsewhere cannot run code.
            state = torch.load(self.checkpoint, weights_only=True, map_location=self.device)
            if "made_of" not in state:
                raise ConfigError(
                    f"The checkpoint {self.checkpoint} was written by an earlier version: it does not say what it "
                    "was made of.",
                    remedy="Delete it, or give another --out.",
                )
            if changed := _difference(state["made_of"], self.made_of):
                raise ConfigError(
                    f"The checkpoint {self.checkpoint} is of another training: {changed}.",
                    remedy="Train with what it was made of, delete it, or give another --out.",
                )
            self.module.load_state_dict(state["module"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.schedule.load_state_dict({**state["schedule"], "lr_lambdas": [None]})
            self.scaler.load_state_dict(state["scaler"])
            self.generator.set_state(state["generator"].cpu())
            torch.set_rng_state(state["torch"].cpu())
            if self.device.type == "cuda" and state.get("cuda") is not None:
                torch.cuda.set_rng_state(state["cuda"].cpu(), self.device)
            self.best, self.best_loss, self.best_epoch = state["best"], state["best_loss"], state["best_epoch"]
            self.losses = [(float(a), float(b)) for a, b in state["losses"]]
        except ConfigError:
            raise
        except Exception as error:  # a damaged file fails in a dozen ways
            raise ModelError(
                f"The checkpoint {self.checkpoint} cannot be read: {error}", remedy="Delete it, or give another --out."
            ) from error


def _rate(step: int, steps: int, settings: Settings) -> float:
    """Linear warm-up, then half a cosine."""
    warm = max(1, round(steps * settings.warm_up))
    if step < warm:
        return (step + 1) / warm
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (step - warm) / max(1, steps - warm))))


def _made_of(
    train: tuple[Batch, Tensor], validation: tuple[Batch, Tensor], settings: Settings, options: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything that a training depends on, as plain values."""
    return {**asdict(settings), **options, "training data": _digest(train), "validation data": _digest(validation)}


def _digest(data: tuple[Batch, Tensor]) -> str:
    """How many samples, and the start of the SHA-256 of all their values."""
    inputs, labels = data
    digest = hashlib.sha256()
    for tensor in (*inputs, labels):
        array = np.ascontiguousarray(tensor.cpu().numpy())
        digest.update(f"{array.dtype}{array.shape}".encode())
        digest.update(array.data)
    return f"{len(labels)} samples, {digest.hexdigest()[:16]}"


def _difference(saved: dict[str, Any], now: dict[str, Any]) -> str:
    """What is another than it was; empty if nothing is."""
    changed = [key for key in {**now, **saved} if saved.get(key) != now.get(key)]
    return ", ".join(f"{key} was {saved.get(key)!r} and is {now.get(key)!r}" for key in changed)
