"""Parity and the gate: the worst over all samples, NaN seen, the task judged, sentences that name the output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assistant.inference import parity as device_parity
from assistant.inference.bundle import GoldenPair, Tolerance
from export.onnx_from_store import export_static
from export.parity import compare, cosine_of, judge, max_error
from export.recipe import Agreement, Card, Feeds, Outputs, Recipe, tolerances
from export.task_metrics import box_agreement, decision_agreement, top_1_agreement


def recipe(agreement: Agreement | None = None) -> Recipe:
    return Recipe(
        name="small",
        file=Path(__file__),
        card=lambda _store: Card("", "", "", "", ""),
        sources=lambda _store: (),
        export=export_static(),
        medium="arrays",
        sample_models=(),
        samples=lambda *_: iter(()),
        tolerances=tolerances("logits"),
        agreement=agreement,
    )


def pairs(*values: list[float]) -> list[GoldenPair]:
    arrays = [np.array([row], np.float32) for row in values]
    return [GoldenPair(str(index), {"x": array}, {"logits": array}) for index, array in enumerate(arrays)]


def doubled(feeds: Feeds) -> Outputs:
    return {"logits": feeds["x"] * 2}


def test_cosine_and_largest_error() -> None:
    a, b = np.array([1.0, 0.0]), np.array([1.0, 1.0])
    assert cosine_of(a, b) == pytest.approx(2**-0.5)
    assert max_error(a, b) == 1.0
    assert cosine_of(np.zeros(2), np.zeros(2)) == 1.0
    assert cosine_of(np.zeros(2), b) is None
    assert cosine_of(a, np.array([np.nan, 1.0])) is None
    assert max_error(a, np.array([np.inf, 1.0])) is None
    assert max_error(a, np.ones(3)) is None


def test_the_worst_sample_counts() -> None:
    def network(feeds: Feeds) -> Outputs:
        return {"logits": feeds["x"] + (feeds["x"].max() > 5)}

    (found,) = compare(network, pairs([1.0, 2.0], [9.0, 7.0], [1.0, 2.0]))
    assert found.max_error == 1.0
    assert found.max_error_of_range == 0.5
    assert found.cosine is not None and found.cosine < 1.0


def test_an_equal_network_passes_and_a_wrong_one_says_why() -> None:
    good = judge(recipe(), "int8-ort", lambda feeds: {"logits": feeds["x"]}, pairs([1.0, 2.0]))
    assert good.failures == () and good.samples == 1
    bad = judge(recipe(), "int8-ort", doubled, pairs([1.0, 2.0]))
    assert bad.failures == ("logits: largest error of range is 2, the limit is 0.15",)


def test_a_device_judges_an_output_of_one_value_as_the_workstation_does() -> None:
    expected, got = np.array([[0.9]], np.float32), np.array([[0.9004]], np.float32)
    [at_home] = compare(lambda _: {"logits": got}, [GoldenPair("0", {}, {"logits": expected})])
    on_device = device_parity.compare("logits", expected, got)
    assert at_home.max_error_of_range == on_device.max_error_of_range == pytest.approx(4e-4, rel=1e-3)
    limits = {"logits": Tolerance(min_cosine=0.999, max_error_of_range=0.05)}
    assert not list(device_parity.violations([on_device], limits))


def test_nan_fails_the_gate_even_where_nothing_else_is_compared() -> None:
    def network(feeds: Feeds) -> Outputs:
        return {"logits": feeds["x"], "other": np.array([np.nan, 1.0])}

    sample = GoldenPair("0", {"x": np.ones(2)}, {"logits": np.ones(2), "other": np.ones(2)})
    assert judge(recipe(), "fp16", network, [sample]).failures == ("other: NaN or infinite is 1, the limit is 0",)


def test_the_task_metric_blocks() -> None:
    def network(feeds: Feeds) -> Outputs:
        return {"logits": feeds["x"] + np.array([[0.02, 0.0, 0.0]], np.float32)}

    agreement = Agreement("top-1 agreement", top_1_agreement("logits"), minimum=0.9)
    verdict = judge(recipe(agreement), "int8-ort", network, pairs([1.0, 1.01, 0.0]))
    assert verdict.failures == ("top-1 agreement is 0, the limit is 0.9",)


def test_decisions_near_the_threshold_agree_with_anything() -> None:
    measure = decision_agreement("p", 0.5, unsure=0.1)
    reference = {"p": np.array([0.9, 0.55, 0.1])}
    assert measure(reference, {"p": np.array([0.8, 0.3, 0.2])}) == 1.0
    assert measure(reference, {"p": np.array([0.2, 0.3, 0.2])}) == pytest.approx(2 / 3)


def test_boxes_agree_by_class_place_and_score() -> None:
    box, far = [0.0, 0.0, 10.0, 10.0], [50.0, 50.0, 60.0, 60.0]

    def boxes(*rows: tuple[list[float], float, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        corners, scores, classes = zip(*rows, strict=True) if rows else ((), (), ())
        return np.array(corners).reshape(-1, 4), np.array(scores), np.array(classes)

    def agreement(mine: tuple, other: tuple) -> float:
        return box_agreement(boxes(*mine), boxes(*other), sure=0.5, possible=0.4)

    assert agreement(((box, 0.9, 1),), ((box, 0.45, 1),)) == 1.0
    assert agreement(((box, 0.9, 1),), ((box, 0.3, 1),)) == 0.0
    assert agreement(((box, 0.9, 1),), ((box, 0.9, 2),)) == 0.0
    assert agreement(((box, 0.9, 1),), ((box, 0.9, 1), (far, 0.8, 1))) == pytest.approx(2 / 3)
    assert agreement((), ()) == 1.0
