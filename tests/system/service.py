"""What is done with the service on a booted machine, by whoever owns it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.system.machine import Machine, missing

LACKING = missing()
on_a_machine = [
    pytest.mark.system,
    pytest.mark.skipif(bool(LACKING), reason=f"a machine of its own needs: {', '.join(LACKING)}"),
]
"""What every module that boots one is marked with."""
INSTALL = "cd /srv/project && ./install.sh --offline /srv/offline"
SERVICE = "edge-assistant.service"
CONFIG = "/etc/edge-assistant/assistant.toml"
RELEASES = "/opt/edge-assistant/releases"
RATE_HZ = 16_000


def property_of(machine: Machine, name: str) -> str:
    return machine.out(f"systemctl show {SERVICE} --property={name} --value")


def listens(machine: Machine, timeout_s: float = 60.0) -> float:
    """Seconds until the service says that it hears."""
    return machine.wait(f"systemctl is-active {SERVICE}", "It listens", timeout_s)


def ask(machine: Machine) -> Path:
    """Play the question into the virtual microphone and record the virtual speaker for a while."""
    # The recorder is ended by the machine's own timeout: its file is whole then.
    machine.run(
        f"timeout --signal=INT 9 parecord --device=speaker.monitor --format=s16le --rate={RATE_HZ} --channels=1"
        " --file-format=wav /srv/reply.wav & sleep 1; paplay --device=mic /srv/question.wav; wait",
        check=False,
    )
    return machine.root / "srv/reply.wav"


def answers(machine: Machine, understood: Callable[[Path], str]) -> bool:
    return "it's" in understood(ask(machine)).lower().replace("’", "'")
