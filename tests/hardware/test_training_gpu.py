"""Training on a real GPU: mixed precision learns, and an interrupted run goes on. Skipped, and said so, without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch: Any = pytest.importorskip("torch", reason="needs the extra train")
if not torch.cuda.is_available():
    pytest.skip("SKIPPED, NOT PASSED: there is no GPU for torch here.", allow_module_level=True)

from export.train.captioner_command import run_captioner  # noqa: E402 (after the skip)
from export.train.fit import Settings, fit, seed_all  # noqa: E402
from export.train.fusion_command import generated  # noqa: E402
from export.train.heads import HEADS  # noqa: E402

# Torch warns where the gradient scaler skips its first steps, and of more from version to version.
pytestmark = [pytest.mark.gpu, pytest.mark.filterwarnings("default::UserWarning")]


@pytest.mark.parametrize("name", HEADS)
def test_every_fusion_learns_in_mixed_precision(name: str) -> None:
    data = generated(8000, seed=0)
    seed_all(0)
    module: Any = HEADS[name]()
    fitted = fit(
        module,
        (module.inputs(data.train.evidence), torch.as_tensor(data.train.truth)),
        (module.inputs(data.validation.evidence), torch.as_tensor(data.validation.truth)),
        Settings(epochs=12, batch=256, learning_rate=1e-2),
    )
    assert fitted.validation_loss < 1.7  # knowing nothing is log 7, 1.95
    assert {value.device.type for value in module.parameters()} == {"cpu"}


def test_an_interrupted_run_goes_on_there(tmp_path: Path) -> None:
    class InterruptedRunError(Exception):
        pass

    def interrupt(epoch: int, _loss: float) -> None:
        if epoch == 2:
            raise InterruptedRunError

    data = generated(4000, seed=1)
    head: Any = HEADS["attention"]
    parts = [
        (head.inputs(moments.evidence), torch.as_tensor(moments.truth)) for moments in (data.train, data.validation)
    ]
    settings, checkpoint = Settings(epochs=4), tmp_path / "run.pt"
    seed_all(0)
    with pytest.raises(InterruptedRunError):
        fit(head(), parts[0], parts[1], settings, checkpoint=checkpoint, after_epoch=interrupt)
    told: list[int] = []
    fitted = fit(
        head(), parts[0], parts[1], settings, checkpoint=checkpoint, progress=lambda epoch, _a, _b: told.append(epoch)
    )
    assert told == [3, 4]
    assert fitted.epochs == 4


def test_the_captioner_trains_there_and_its_checkpoint_is_whole(tmp_path: Path) -> None:
    measured = run_captioner(tmp_path, 2000, 3, 0, lambda _text: None)
    assert measured["exact"]["scenes"] == 2000
    assert (tmp_path / "checkpoint" / "model.safetensors").stat().st_size > 500_000
