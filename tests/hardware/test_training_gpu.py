"""Training on a real GPU, in mixed precision. Skipped, and said so, where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

torch: Any = pytest.importorskip("torch", reason="SKIPPED, NOT PASSED: needs the extra train")

from export.cli import app  # noqa: E402 (after the skip)
from export.safetensors_file import read_safetensors  # noqa: E402
from export.train.captioner import TinyCaptioner  # noqa: E402
from export.train.fit import Settings, fit, seed_all  # noqa: E402
from export.train.heads import HEADS  # noqa: E402

pytestmark = [
    pytest.mark.gpu,
    # Torch warns where the gradient scaler skips its first steps, and of more from version to version.
    pytest.mark.filterwarnings("default::UserWarning"),
    pytest.mark.skipif(not torch.cuda.is_available(), reason="SKIPPED, NOT PASSED: torch sees no GPU"),
]


def train(*args: str) -> str:
    result = CliRunner().invoke(app, ["train", *args])
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


@pytest.mark.parametrize("head", sorted(HEADS))
def test_a_fusion_is_trained_on_the_gpu_and_used_on_the_processor(head: str, tmp_path: Path) -> None:
    torch.cuda.reset_peak_memory_stats()
    train("fusion", "--head", head, "--moments", "12000", "--epochs", "4", "--out", str(tmp_path))
    assert torch.cuda.max_memory_allocated() > 0
    # Of seven classes.
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["models"][head]["summary"]["accuracy"]["value"] > 0.4


def test_an_interrupted_run_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    class InterruptedRunError(Exception):
        pass

    def interrupt(epoch: int, _loss: float) -> None:
        if epoch == 3:
            raise InterruptedRunError

    def module() -> Any:
        seed_all(0)
        return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Dropout(0.2), torch.nn.Linear(8, 3))

    labels = torch.arange(600) % 3
    points = torch.randn(600, 4, generator=torch.Generator().manual_seed(1)) + 2.5 * torch.eye(4)[labels]
    data = ((points[:500],), labels[:500]), ((points[500:],), labels[500:])
    settings = Settings(epochs=6, batch=32, learning_rate=1e-2)
    expected = fit(module(), *data, settings)
    checkpoint = tmp_path / "run.pt"
    with pytest.raises(InterruptedRunError):
        fit(module(), *data, settings, checkpoint=checkpoint, after_epoch=interrupt)
    resumed = fit(module(), *data, settings, checkpoint=checkpoint)
    assert resumed.losses == expected.losses


def test_the_captioner_trains_there_and_its_checkpoint_is_whole(tmp_path: Path) -> None:
    torch.cuda.reset_peak_memory_stats()
    train("captioner", "--scenes", "2000", "--epochs", "3", "--out", str(tmp_path))
    assert torch.cuda.max_memory_allocated() > 0
    run = torch.load(tmp_path / "training.pt", weights_only=True, map_location="cpu")
    network = TinyCaptioner()
    network.load_state_dict(run["best"])
    expected = network.checkpoint()
    found = read_safetensors(tmp_path / "checkpoint" / "model.safetensors")
    assert found.keys() == expected.keys()
    for name, values in found.items():
        assert np.isfinite(values).all()
        np.testing.assert_array_equal(values, expected[name].numpy())
