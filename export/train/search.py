"""Hyper-parameter search with Optuna: the validation loss decides, hopeless trials end early, the seed repeats it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
import torch

from assistant.errors import ModelError
from export.errors import DivergedError
from export.train.classifier import Classifier
from export.train.fit import Settings, fit, seed_all
from export.train.fusion import FusionData, FusionOptions, modality_dropout
from export.train.heads import AttentionHead

if TYPE_CHECKING:
    from export.train.classifier_command import Part

Tell = Callable[[str], None]
_SEARCH_EPOCHS = 6


def search_fusion(data: FusionData, options: FusionOptions, trials: int, tell: Tell) -> FusionOptions:
    """Rate, decay and modality dropout for the networks, tried on the attention head."""

    def objective(trial: optuna.Trial) -> float:
        settings = _settings(trial, replace(options.settings, epochs=_SEARCH_EPOCHS))
        dropped = trial.suggest_float("modality_dropout", 0.0, 0.3)
        seed_all(settings.seed)
        module = AttentionHead()
        return fit(
            module,
            (module.inputs(data.train.evidence), torch.as_tensor(data.train.truth)),
            (module.inputs(data.validation.evidence), torch.as_tensor(data.validation.truth)),
            settings,
            augment=modality_dropout(dropped),
            after_epoch=_pruning(trial),
        ).validation_loss

    best = dict(_best(objective, trials, options.settings.seed, tell))
    dropped = best.pop("modality_dropout")
    return replace(options, settings=replace(options.settings, **best), modality_dropout=dropped)


def search_classifier(
    train: Part, validation: Part, classes: int, settings: Settings, trials: int, tell: Tell
) -> tuple[Settings, dict[str, Any]]:
    """Rate, decay, width and dropout; returns the settings and the classifier's sizes."""
    mean, deviation = train.features.mean(axis=0), np.maximum(train.features.std(axis=0), 1e-3)

    def objective(trial: optuna.Trial) -> float:
        tried = _settings(trial, replace(settings, epochs=min(settings.epochs, 15)))
        width, dropout = trial.suggest_int("width", 16, 128, log=True), trial.suggest_float("dropout", 0.0, 0.6)
        seed_all(settings.seed)
        module = Classifier(mean, deviation, classes, width, dropout)
        parts = [((torch.as_tensor(p.features),), torch.as_tensor(p.truth)) for p in (train, validation)]
        return fit(module, parts[0], parts[1], tried, after_epoch=_pruning(trial)).validation_loss

    best = dict(_best(objective, trials, settings.seed, tell))
    sizes = {key: best.pop(key) for key in ("width", "dropout")}
    return replace(settings, **best), sizes


def _settings(trial: optuna.Trial, settings: Settings) -> Settings:
    return replace(
        settings,
        learning_rate=trial.suggest_float("learning_rate", 3e-4, 2e-2, log=True),
        weight_decay=trial.suggest_float("weight_decay", 1e-5, 1e-1, log=True),
    )


def _pruning(trial: optuna.Trial) -> Callable[[int, float], None]:
    def report(epoch: int, loss: float) -> None:
        trial.report(loss, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned

    return report


def _best(objective: Callable[[optuna.Trial], float], trials: int, seed: int, tell: Tell) -> dict[str, Any]:
    """Raises `ModelError` when every trial diverges."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        sampler=optuna.samplers.TPESampler(seed=seed), pruner=optuna.pruners.MedianPruner(n_warmup_steps=2)
    )

    def told(_study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        tell(f"trial {trial.number}: {trial.state.name.lower()}, loss {trial.value}, {trial.params}")

    def tried(trial: optuna.Trial) -> float:
        try:
            return objective(trial)
        except DivergedError as error:  # others may not
            tell(f"trial {trial.number}: {error.message}")
            raise optuna.TrialPruned from error

    study.optimize(tried, n_trials=trials, callbacks=[told])
    if not study.get_trials(states=[optuna.trial.TrialState.COMPLETE]):
        raise ModelError(
            f"None of the {trials} trials came to an end.", remedy="Look for broken values in the data, or try more."
        )
    return dict(study.best_params)
