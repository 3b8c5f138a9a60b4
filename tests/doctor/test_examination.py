"""The doctor among drivers that hang, crash and chatter: every other topic is examined all the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from assistant.config import AudioConfig, Config
from assistant.doctor import TOPICS
from assistant.doctor.check import Check, Patient
from assistant.doctor.examination import examine_all
from assistant.registry import resolve
from assistant.settings import SYSTEM_FILE
from tests.doubles.topics import FINE


def examined(*names: str, patient: Patient | None = None, timeout_s: float = 60.0) -> dict[str, list[Check]]:
    topics = {name: f"tests.doubles.topics:{name}" for name in names}
    return dict(examine_all(patient or Patient(Config()), topics, timeout_s=timeout_s))


def test_a_crash_a_fault_and_chatter_spoil_nothing_else() -> None:
    found = examined("crashing", "raising", "chatty", "healthy")
    assert list(found) == ["crashing", "raising", "chatty", "healthy"]
    assert found["healthy"] == found["chatty"] == [FINE]
    crashed, raised = found["crashing"], found["raising"]
    assert crashed[0] == raised[0] == FINE
    assert "SIGSEGV" in crashed[1].found
    assert "a driver of last century" in raised[1].found
    assert not crashed[1].ok
    assert not crashed[1].needed


def test_a_driver_that_hangs_is_given_up() -> None:
    found = examined("hanging", "healthy", timeout_s=6.0)
    assert "6 s" in found["hanging"][-1].found
    assert found["healthy"] == [FINE]


def test_every_topic_is_given_the_configuration_and_the_machine(tmp_path: Path) -> None:
    patient = Patient(Config(audio=AudioConfig(input="USB 麦克风")), Path("/etc/x.toml"), tmp_path)
    [check] = examined("told", patient=patient)["told"]
    assert check.found == f"USB 麦克风 /etc/x.toml {tmp_path}"


def test_the_services_configuration_is_examined_where_the_service_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("STATE_DIRECTORY", "XDG_CACHE_HOME", "ALSA_CONFIG_PATH"):
        monkeypatch.delenv(name, raising=False)
    [own] = examined("surroundings")["surroundings"]
    [services] = examined("surroundings", patient=Patient(Config(), SYSTEM_FILE))["surroundings"]
    assert own.found == "- - -"
    assert services.found == "/var/lib/edge-assistant/state /var/cache /etc/edge-assistant/asound.conf"
    monkeypatch.setenv("XDG_CACHE_HOME", "/home/somebody/cache")
    [services] = examined("surroundings", patient=Patient(Config(), SYSTEM_FILE))["surroundings"]
    assert "somebody" not in services.found, "the service does not have the environment of who asks"


def test_every_topic_is_there() -> None:
    for name in TOPICS:
        assert callable(resolve(TOPICS, name, kind="topic"))
