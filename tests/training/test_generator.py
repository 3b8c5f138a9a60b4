"""Channels with known truth: the posterior is exact, and the shipped fusion comes close to it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assistant.config import Config
from assistant.emotion.fixed_weights import FixedWeights
from assistant.emotion.pooling import LogLinearPooling
from assistant.models.store import ModelStore
from export.train.bayes import posterior
from export.train.evaluate import Standing, answers_of, standings
from export.train.generator import ASSISTANT, ChannelTruth, Moments, World, draw, draw_noise, observe
from export.train.metrics import accuracy, calibration_error

CHANNELS = ("face", "voice", "text")


@pytest.fixture(scope="module")
def moments() -> Moments:
    return draw(ASSISTANT, 40_000, seed=11)


@pytest.fixture(scope="module")
def bayes(moments: Moments) -> np.ndarray:
    return posterior(ASSISTANT, moments)


@pytest.fixture(scope="module")
def stands(moments: Moments, bayes: np.ndarray) -> list[Standing]:
    pooling = LogLinearPooling.create(Config(), ModelStore())
    answers = {"pooling": answers_of(pooling, moments), "fixed": answers_of(FixedWeights(CHANNELS), moments)}
    return standings(moments, bayes, answers, CHANNELS)


def test_the_posterior_is_right_as_often_as_it_says(moments: Moments, bayes: np.ndarray) -> None:
    # An exact posterior is calibrated; a wrong one is not, whichever way it errs.
    assert calibration_error(bayes, moments.truth) < 0.012
    assert bayes.max(axis=1).mean() == pytest.approx(accuracy(bayes, moments.truth), abs=0.008)


def test_a_posterior_of_another_world_is_not_calibrated(moments: Moments) -> None:
    channels = {name: replace(channel, reliability=0.6) for name, channel in ASSISTANT.channels.items()}
    assert calibration_error(posterior(World(channels), moments), moments.truth) > 0.05


def test_every_pattern_of_channels_occurs(stands: list[Standing]) -> None:
    assert len({row.channels for row in stands}) == 7


def test_pooling_is_more_than_half_way_from_the_best_single_channel_to_bayes(stands: list[Standing]) -> None:
    rows = [row for row in stands if row.fusion == "pooling"]
    noise = {row.channels: (row.high - row.low) / 2 for row in rows}
    assert {row.channels: row.way for row in rows if row.way < 0.5} == {}
    assert [row.channels for row in rows if row.fused < row.single - noise[row.channels]] == []
    assert [row.channels for row in rows if row.fused > row.bayes + noise[row.channels]] == []


def test_pooling_is_calibrated(moments: Moments) -> None:
    pooled = answers_of(LogLinearPooling.create(Config(), ModelStore()), moments)
    assert calibration_error(pooled, moments.truth) <= 0.03


def test_fixed_weights_are_the_worse_choice(stands: list[Standing]) -> None:
    fused = {(row.fusion, row.channels): row.fused for row in stands}
    whole = "+".join(CHANNELS)
    assert fused["fixed", whole] < fused["pooling", whole]


def test_a_known_drift_costs_who_does_not_know_it() -> None:
    offset = np.zeros(7)
    offset[4] = 3.0  # the face channel sees sadness everywhere, after training
    drifted = draw(ASSISTANT, 8_000, seed=5, drift={"face": offset})
    knowing = posterior(ASSISTANT, drifted, {"face": offset})
    ignorant = posterior(ASSISTANT, drifted)
    assert accuracy(knowing, drifted.truth) > accuracy(ignorant, drifted.truth) + 0.02


def two_channels(shared: float) -> World:
    channel = ChannelTruth(1.5, reliability=1.0, shared=shared, present=1.0, quality=(1.0, 1.0))
    return World({"face": channel, "voice": channel})


def fresh(world: World, count: int) -> Moments:
    """All channels present, fresh and at their best."""
    rng = np.random.default_rng(2)
    truth = rng.choice(7, count, p=world.prior)
    shape = count, len(world.channels)
    noise = draw_noise(world, rng, count)
    return observe(world, truth, np.ones(shape), np.zeros(shape), np.ones(shape, bool), noise, rng, {})


@pytest.mark.parametrize("shared", [0.0, 0.7])
def test_the_posterior_of_plain_noise_is_calibrated(shared: float) -> None:
    moments = fresh(two_channels(shared), 20_000)
    assert calibration_error(posterior(two_channels(shared), moments), moments.truth) < 0.02


def test_channels_that_share_all_their_noise_are_one_witness() -> None:
    def gain(shared: float) -> float:
        moments = fresh(two_channels(shared), 10_000)
        return accuracy(posterior(two_channels(shared), moments), moments.truth)

    assert gain(0.0) > gain(0.95) + 0.03


def test_the_same_seed_draws_the_same() -> None:
    one, again, other = (draw(ASSISTANT, 100, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.evidence.probabilities, again.evidence.probabilities)
    assert not np.array_equal(one.evidence.probabilities, other.evidence.probabilities)
