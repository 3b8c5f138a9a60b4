"""Every scripted conversation of this folder."""

import pytest

from assistant.config import Config
from tests.scenarios.scenario import FOLDER, Scenario, load

_SCENARIOS = {path.stem: load(path) for path in sorted(FOLDER.glob("*.toml"))}


def _id(name: str, each: str, config: Config, count: int) -> str:
    barge_in = "" if count == 1 else "barge-in" if config.tts.barge_in else "no barge-in"
    return "-".join(filter(None, (name, each, barge_in)))


@pytest.mark.parametrize(
    ("scenario", "each", "config"),
    [
        pytest.param(scenario, each, config, id=_id(name, each, config, len(scenario.configs)))
        for name, scenario in _SCENARIOS.items()
        for each in scenario.each
        for config in scenario.configs
    ],
)
def test_a_scripted_conversation(scenario: Scenario, each: str, config: Config) -> None:
    scenario.play(each, config)
