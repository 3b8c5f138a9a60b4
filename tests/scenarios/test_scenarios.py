"""Every scripted conversation of this folder."""

import pytest

from tests.scenarios.scenario import FOLDER, Scenario, load

_SCENARIOS = {path.stem: load(path) for path in sorted(FOLDER.glob("*.toml"))}


@pytest.mark.parametrize(
    ("scenario", "each"),
    [
        pytest.param(scenario, each, id=f"{name}-{each}" if each else name)
        for name, scenario in _SCENARIOS.items()
        for each in scenario.each
    ],
)
def test_a_scripted_conversation(scenario: Scenario, each: str) -> None:
    scenario.play(each)
