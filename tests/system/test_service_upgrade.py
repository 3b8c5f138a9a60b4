"""Upgrades that fail, each in another way, leave what was installed before at work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.system.machine import Machine
from tests.system.service import INSTALL, answers, listens, on_a_machine, property_of

pytestmark = on_a_machine


def broken_version(machine: Machine, name: str, edit: str) -> str:
    """A copy of the project in which something is broken; the installer's output."""
    machine.run(f"rm -rf /srv/{name} && cp -a /srv/project /srv/{name} && cd /srv/{name} && {edit}")
    result = machine.run(f"cd /srv/{name} && ./install.sh --offline /srv/offline", timeout_s=900, check=False)
    assert result.returncode == 1, result.stdout
    return result.stderr


def test_a_version_that_does_not_hear_never_takes_over(installed: Machine) -> None:
    before = (installed.out("readlink /opt/edge-assistant/current"), property_of(installed, "MainPID"))
    said = broken_version(installed, "deaf", "echo 'raise RuntimeError(\"deaf\")' >> assistant/vad/silero.py")
    assert "prove that it hears" in said and "untouched" in said, said
    assert (installed.out("readlink /opt/edge-assistant/current"), property_of(installed, "MainPID")) == before


def test_a_version_that_does_not_start_is_rolled_back(installed: Machine, understood: Callable[[Path], str]) -> None:
    before = installed.out("readlink /opt/edge-assistant/current")
    edit = "sed -i 's/^def run_live.*/&\\n    raise SystemExit(3)/' assistant/commands/run.py"
    said = broken_version(installed, "stillborn", edit)
    assert "previous version is in its place again" in said, said
    assert installed.out("readlink /opt/edge-assistant/current") == before
    listens(installed)
    assert answers(installed, understood)


def test_where_no_microphone_is_the_new_version_is_installed_and_waits_for_one(
    installed: Machine, understood: Callable[[Path], str]
) -> None:
    installed.run("systemctl disable --now pulseaudio")
    installed.wait("assistant status --json | grep -q '\"hears\": false'", "It has lost its microphone")
    before = installed.out("readlink /opt/edge-assistant/current")
    result = installed.run(f"{INSTALL} --sound pulse", timeout_s=900, check=False)
    assert result.returncode == 1 and "installed but does not hear yet" in result.stderr, result.stderr
    assert "microphone" in result.stderr
    assert installed.out("readlink /opt/edge-assistant/current") != before
    assert property_of(installed, "ActiveState") == "activating", "nothing has proved that it hears"
    assert "microphone" in property_of(installed, "StatusText")
    assert installed.run("assistant status", check=False).returncode == 1
    installed.run("systemctl stop multi-user.target && timeout 60 systemctl start multi-user.target")
    assert property_of(installed, "ActiveState") == "activating"
    assert installed.out("systemctl is-active multi-user.target") == "active", "it holds up no boot"
    installed.run("systemctl enable --now pulseaudio")
    listens(installed)
    assert answers(installed, understood)


def test_an_interrupted_installation_can_be_run_again(installed: Machine) -> None:
    before = installed.out("readlink /opt/edge-assistant/current")
    installed.run(INSTALL.replace("./install.sh", "timeout --signal=KILL 12 ./install.sh"), check=False)
    assert installed.out("readlink /opt/edge-assistant/current") == before
    listens(installed)
    said = installed.run(INSTALL, timeout_s=900).stdout
    assert "interrupted installation" in said, said
    listens(installed)
