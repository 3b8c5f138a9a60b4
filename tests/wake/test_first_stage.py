"""A network in front of the recogniser, in the whole assistant."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.app import Assistant
from assistant.wake import FIRST_STAGES
from tests.doubles.living import TIME, Living, Words, until

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("threshold", "answers"), [(0.5, 1), (0.6, 1), (0.7, 0)])
def test_the_threshold_decides_whether_the_recogniser_is_asked(
    leaves_nothing: None, threshold: float, answers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # the voices' process loads its doubles by name
    monkeypatch.setitem(FIRST_STAGES, "unsure", "tests.doubles.first_stages:Unsure")
    living = Living(tmp_path, monkeypatch)
    living.configure("wake", first_stage="unsure", first_stage_threshold=threshold)
    living.says(TIME)

    async def script(assistant: Assistant) -> None:
        living.room.say(2.0)
        await until(8.0)

    assert len(living.live(script)) == answers
    assert len(Words.texts) == 1 - answers, "it is asked of nothing else"
