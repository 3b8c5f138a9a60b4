"""The training loop: it learns, goes on where it was interrupted, and refuses what it cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.errors import ConfigError, ModelError

torch: Any = pytest.importorskip("torch", reason="needs the extra train")

from export.train.fit import Settings, fit, seed_all  # noqa: E402 (after the skip)
from export.train.fusion import modality_dropout  # noqa: E402


def problem(n: int, seed: int) -> tuple[tuple[Any, ...], Any]:
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    points = rng.standard_normal((n, 4)) + 2.5 * np.eye(4)[labels]
    return (torch.as_tensor(points, dtype=torch.float32),), torch.as_tensor(labels)


def new_module() -> Any:
    seed_all(0)
    return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Dropout(0.2), torch.nn.Linear(8, 3))


SETTINGS = Settings(epochs=6, batch=32, learning_rate=1e-2)


def test_it_learns() -> None:
    module = new_module()
    fitted = fit(module, problem(600, 0), problem(200, 1), SETTINGS)
    assert fitted.validation_loss < 0.6 * fitted.losses[0][1]
    inputs, labels = problem(500, 2)
    assert float((module(*inputs).argmax(dim=1) == labels).float().mean()) > 0.8


def test_an_interrupted_run_ends_like_one_that_was_not(tmp_path: Path) -> None:
    class InterruptedRunError(Exception):
        pass

    def interrupt(epoch: int, _loss: float) -> None:
        if epoch == 3:
            raise InterruptedRunError

    data = problem(300, 0), problem(100, 1)
    whole = new_module()
    expected = fit(whole, *data, SETTINGS)
    checkpoint = tmp_path / "run.pt"
    with pytest.raises(InterruptedRunError):
        fit(new_module(), *data, SETTINGS, checkpoint=checkpoint, after_epoch=interrupt)
    resumed = new_module()
    fitted = fit(resumed, *data, SETTINGS, checkpoint=checkpoint)
    assert fitted == expected
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path) -> None:
    data, checkpoint = (problem(100, 0), problem(50, 1)), tmp_path / "run.pt"
    fit(new_module(), *data, SETTINGS, checkpoint=checkpoint)
    with pytest.raises(ConfigError, match=r"learning_rate was 0\.01 and is 0\.5"):
        fit(new_module(), *data, Settings(epochs=6, batch=32, learning_rate=0.5), checkpoint=checkpoint)


@pytest.mark.parametrize(
    ("seeds", "options", "says"),
    [
        ((2, 1), {"width": 8}, r"training data was '100 samples, \w+' and is '100 samples, \w+'\. Train with"),
        ((0, 2), {"width": 8}, r"validation data was '50 samples, \w+' and is '50 samples, \w+'\. Train with"),
        ((0, 1), {"width": 9}, r"width was 8 and is 9\. Train with"),
        ((0, 1), {}, r"width was 8 and is None\. Train with"),
    ],
)
def test_a_checkpoint_of_other_data_or_another_network_is_refused(
    tmp_path: Path, seeds: tuple[int, int], options: dict[str, int], says: str
) -> None:
    checkpoint = tmp_path / "run.pt"
    fit(new_module(), problem(100, 0), problem(50, 1), SETTINGS, checkpoint=checkpoint, options={"width": 8})
    with pytest.raises(ConfigError, match=says) as caught:
        data = problem(100, seeds[0]), problem(50, seeds[1])
        fit(new_module(), *data, SETTINGS, checkpoint=checkpoint, options=options)
    assert "--out" in (caught.value.remedy or "")
    fit(new_module(), problem(100, 0), problem(50, 1), SETTINGS, checkpoint=checkpoint, options={"width": 8})


def test_a_checkpoint_of_an_earlier_version_is_called_that(tmp_path: Path) -> None:
    data, checkpoint = (problem(100, 0), problem(50, 1)), tmp_path / "run.pt"
    fit(new_module(), *data, SETTINGS, checkpoint=checkpoint)
    state = torch.load(checkpoint, weights_only=True)
    del state["made_of"]
    torch.save(state, checkpoint)
    with pytest.raises(ConfigError, match=r"run\.pt was written by an earlier version") as caught:
        fit(new_module(), *data, SETTINGS, checkpoint=checkpoint)
    assert "None" not in caught.value.message


def test_a_damaged_or_hostile_checkpoint_is_not_run(tmp_path: Path) -> None:
    import pickle

    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "owned",)

    for content in (b"nonsense", pickle.dumps(Hostile())):
        (tmp_path / "run.pt").write_bytes(content)
        with pytest.raises(ModelError, match="cannot be read"):
            fit(new_module(), problem(50, 0), problem(50, 1), SETTINGS, checkpoint=tmp_path / "run.pt")
    torch.save({"settings": Hostile()}, tmp_path / "run.pt")
    with pytest.raises(ModelError, match="cannot be read"):
        fit(new_module(), problem(50, 0), problem(50, 1), SETTINGS, checkpoint=tmp_path / "run.pt")
    assert not (tmp_path / "owned").exists()


def test_a_run_that_does_not_improve_ends_early_with_its_best_weights() -> None:
    (points,), labels = problem(200, 0)
    shuffled = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))]
    settings = Settings(epochs=60, batch=32, learning_rate=5e-2, patience=3)
    fitted = fit(new_module(), ((points,), shuffled), problem(100, 1), settings)
    assert fitted.epochs < 60
    assert fitted.validation_loss == min(loss for _, loss in fitted.losses)


def test_divergence_is_said() -> None:
    (points,), labels = problem(100, 0)
    points[0, 0] = float("nan")
    with pytest.raises(ModelError, match="has diverged"):
        fit(new_module(), ((points,), labels), problem(50, 1), SETTINGS)


def test_modality_dropout_never_drops_the_last_channel() -> None:
    mask = torch.tensor([[1.0, 0.0, 0.0]] * 50 + [[1.0, 1.0, 1.0]] * 50)
    features = mask[..., None].expand(-1, -1, 10).clone()
    dropped, kept = modality_dropout(0.5)((features, mask), torch.Generator().manual_seed(0))
    assert torch.equal(kept[:50], mask[:50])
    assert kept[50:].sum(dim=1).min() >= 1.0
    assert kept[50:].sum() < mask[50:].sum()
    assert torch.equal(dropped[..., 0], kept)
